/* tallystick dlq redrive: one SQL transaction for each letter puts it back among the parked
 * messages of its key (redrive_dead_letter of the service's schema); the service does the rest, on
 * whatever bus. Letters are taken in the order of the bus, so those of a key go back in order. */
#include "base/arena.h"
#include "operator/dead_letters/dead_letters.h"
#include "operator/operator_sql.h"
#include "operator/room_dbs.h"
#include "operator/table.h"
#include "platform/clock.h"
#include "platform/tracing/tracing.h"

#include <time.h>

enum {
    REDRIVES_MAX = 3, /* of one letter, unless forced */
    ATTEMPTS_MAX = 5,
};

static const struct sql_statement *const ROOM_STATEMENTS[] = {SQL_REDRIVE_DEAD_LETTER, NULL};

struct redrive {
    const struct dead_letters *letters;
    const struct letter_question *question;
    struct deed_words words;
    struct trace_context trace; /* of the redrive */
    char traceparent[TRACEPARENT_SIZE + 1];
    int64_t begun_us;
    struct trace_context *links; /* the last tries of what was put back, as many as a span takes */
    size_t link_count;           /* of all */
    struct room_dbs rooms;
    struct sql_rows rows; /* of the letters, as they were found */
    struct table table;
    int redriven;
    int applied;
    int refused;
};

/* ---- its trace ----------------------------------------------------------------------------- */

/* Where no span of it is kept, nobody is to look for one. */
static void begin_trace(struct redrive *redrive)
{
    redrive->trace = tracing_begin();
    redrive->trace.sampled = tracing_wants(&redrive->trace);
    trace_context_format(&redrive->trace, redrive->traceparent);
    redrive->begun_us = clock_monotonic_us();
    redrive->links = ARENA_NEW_ARRAY(redrive->letters->arena, struct trace_context, SPAN_LINKS_MAX);
}

static void add_link(struct redrive *redrive, struct text traceparent)
{
    struct trace_context last;
    if (!trace_context_parse(traceparent, &last))
        return;
    if (redrive->link_count < SPAN_LINKS_MAX)
        redrive->links[redrive->link_count] = last;
    redrive->link_count++;
}

static void record_redrive(const struct redrive *redrive, enum status status)
{
    tracing_record(&(struct span){
        .type = SPAN_REDRIVE,
        .context = redrive->trace,
        .begun_us = redrive->begun_us,
        .error = status == OK ? NULL : status_name(status),
        .attributes = SPAN_ATTRIBUTE_LIST(span_uuid(ATTRIBUTE_REDRIVE_ID, &redrive->words.id),
                                          span_i64(ATTRIBUTE_REDRIVE_COUNT, redrive->redriven)),
        .links = redrive->links,
        .link_count = redrive->link_count,
    });
}

/* ---- one letter ---------------------------------------------------------------------------- */

static enum status send_back(struct redrive *redrive, int row, struct text *outcome_out,
                             struct error *err)
{
    const struct dead_letters_config *config = redrive->letters->config;
    const struct uuid id = sql_uuid(redrive->rows, row, LIST_DEAD_LETTERS_ID);
    struct db *db =
        room_dbs_at(&redrive->rooms, sql_text(redrive->rows, row, LIST_DEAD_LETTERS_ROOM));
    struct sql_args args;
    sql_args_init(&args, redrive->letters->arena);
    sql_add_uuid(&args, &id);
    sql_add_uuid(&args, &redrive->words.id);
    if (config->force)
        sql_add_null(&args);
    else
        sql_add_i32(&args, REDRIVES_MAX);
    sql_add_text(&args, redrive->words.os_user);
    sql_add_text(&args, redrive->words.reason);
    sql_add_text(&args, text_of(redrive->traceparent));
    enum status status = ERR_CONFLICT;
    for (int attempt = 0; attempt < ATTEMPTS_MAX && status == ERR_CONFLICT; attempt++)
        status = db_run_one(db, SQL_REDRIVE_DEAD_LETTER, &args, err);
    TRY(status);
    const struct sql_rows rows = db_rows(db, 0);
    *outcome_out =
        text_copy(redrive->letters->arena, sql_text(rows, 0, REDRIVE_DEAD_LETTER_OUTCOME));
    if (text_equals_c(*outcome_out, "redriven"))
        add_link(redrive, sql_text(rows, 0, REDRIVE_DEAD_LETTER_LAST_TRACEPARENT));
    return OK;
}

/* What would become of it now. */
static struct text foresee(const struct redrive *redrive, int row)
{
    const int redrives = sql_i32(redrive->rows, row, LIST_DEAD_LETTERS_REDRIVE_COUNT);
    if (!text_equals_c(sql_text(redrive->rows, row, LIST_DEAD_LETTERS_STATE), "open"))
        return TEXT("not_open");
    if (redrives >= REDRIVES_MAX && !redrive->letters->config->force)
        return TEXT("too_often");
    return TEXT("would_redrive");
}

/* A letter that somebody else has redriven meanwhile is no refusal, unless it was asked for by
 * name. */
static void count(struct redrive *redrive, struct text outcome)
{
    if (text_equals_c(outcome, "redriven") || text_equals_c(outcome, "would_redrive"))
        redrive->redriven++;
    else if (text_equals_c(outcome, "already_applied"))
        redrive->applied++;
    else if (text_equals_c(outcome, "too_often") || redrive->question->ids != NULL)
        redrive->refused++;
}

/* ---- all of them --------------------------------------------------------------------------- */

/* Until 1 / rate seconds after the turn before. What came late is not made up for: a service that
 * is slow must not get them all at once. */
static void wait_for_turn(int64_t *last_turn_us, int64_t rate)
{
    const int64_t left_us = *last_turn_us + 1000000 / rate - clock_monotonic_us();
    const struct timespec pause = {.tv_sec = left_us / 1000000,
                                   .tv_nsec = left_us % 1000000 * 1000};
    if (left_us > 0)
        nanosleep(&pause, NULL);
    *last_turn_us = clock_monotonic_us();
}

static enum status send_all_back(struct redrive *redrive, struct error *err)
{
    const struct dead_letters_config *config = redrive->letters->config;
    int64_t last_turn_us = INT64_MIN / 2; /* nobody has waited yet */
    for (int row = 0; row < redrive->rows.count; row++) {
        struct text outcome = foresee(redrive, row);
        if (!config->dry_run) {
            wait_for_turn(&last_turn_us, config->rate);
            TRY(send_back(redrive, row, &outcome, err));
        }
        count(redrive, outcome);
        dead_letters_add_line(redrive->letters, &redrive->table, redrive->rows, row, outcome);
    }
    return OK;
}

static void say_result(const struct redrive *redrive)
{
    const struct tool *tool = redrive->letters->tool;
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(&redrive->words.id, id);
    if (redrive->letters->config->dry_run)
        tool_say(tool, "%d would be redriven, %d refused; nothing was changed", redrive->redriven,
                 redrive->refused);
    else
        tool_say(tool, "%d redriven, %d were applied already, %d refused; redrive %s",
                 redrive->redriven, redrive->applied, redrive->refused, id);
    if (redrive->rows.count == DEAD_LETTERS_MAX)
        tool_say(tool, "there may be more than %d: run it again", DEAD_LETTERS_MAX);
}

int dead_letters_redrive(const struct dead_letters *letters, const struct letter_question *question)
{
    struct error err;
    struct redrive redrive = {.letters = letters,
                              .question = question,
                              .rooms = {letters->config->database_url, ROOM_STATEMENTS, {NULL}}};
    const int code =
        deed_begin(letters->tool, letters->arena, letters->config->reason, NULL, &redrive.words);
    if (code != TOOL_DONE)
        return code;
    if (dead_letters_find_all(letters, question, &redrive.rows, &err) != OK)
        return tool_fail(letters->tool, &err);
    dead_letters_init_lines(letters, &redrive.table);
    begin_trace(&redrive);
    const enum status status = send_all_back(&redrive, &err);
    if (!letters->config->dry_run)
        record_redrive(&redrive, status);
    room_dbs_close(&redrive.rooms);
    table_print(&redrive.table, letters->config->output);
    say_result(&redrive);
    if (status != OK)
        return tool_fail(letters->tool, &err);
    return redrive.refused > 0 ? TOOL_FAILED : TOOL_DONE;
}
