/* tallystick dlq discard: one SQL transaction for each letter closes it for good and writes who did
 * it and why (discard_dead_letter of the service's schema). */
#include "base/arena.h"
#include "operator/dead_letters/dead_letters.h"
#include "operator/operator_sql.h"
#include "operator/room_dbs.h"
#include "operator/table.h"
#include "platform/tracing/tracing.h"

static const struct sql_statement *const ROOM_STATEMENTS[] = {SQL_DISCARD_DEAD_LETTER, NULL};

struct discard {
    const struct dead_letters *letters;
    struct deed_words words;
    char traceparent[TRACEPARENT_SIZE + 1];
    struct room_dbs rooms;
    struct sql_rows rows; /* of the letters, as they were found */
    struct table table;
    int discarded;
    int applied;
    int refused;
};

static enum status discard_one(struct discard *discard, int row, struct text *outcome_out,
                               struct error *err)
{
    struct arena *arena = discard->letters->arena;
    const struct uuid id = sql_uuid(discard->rows, row, LIST_DEAD_LETTERS_ID);
    struct db *db =
        room_dbs_at(&discard->rooms, sql_text(discard->rows, row, LIST_DEAD_LETTERS_ROOM));
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_uuid(&args, &id);
    deed_add(&discard->words, &args);
    sql_add_text(&args, text_of(discard->traceparent));
    TRY(db_run_one(db, SQL_DISCARD_DEAD_LETTER, &args, err));
    *outcome_out = text_copy(arena, sql_text(db_rows(db, 0), 0, DISCARD_DEAD_LETTER_OUTCOME));
    return OK;
}

static bool is_open(const struct discard *discard, int row)
{
    return text_equals_c(sql_text(discard->rows, row, LIST_DEAD_LETTERS_STATE), "open");
}

static void count(struct discard *discard, struct text outcome)
{
    if (text_equals_c(outcome, "discarded") || text_equals_c(outcome, "would_discard"))
        discard->discarded++;
    else if (text_equals_c(outcome, "already_applied"))
        discard->applied++;
    else
        discard->refused++;
}

static enum status discard_all(struct discard *discard, struct error *err)
{
    const bool is_dry = discard->letters->config->dry_run;
    for (int row = 0; row < discard->rows.count; row++) {
        struct text outcome = is_open(discard, row) ? TEXT("would_discard") : TEXT("not_open");
        if (!is_dry)
            TRY(discard_one(discard, row, &outcome, err));
        count(discard, outcome);
        dead_letters_add_line(discard->letters, &discard->table, discard->rows, row, outcome);
    }
    return OK;
}

static void say_result(const struct discard *discard)
{
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(&discard->words.id, id);
    if (discard->letters->config->dry_run)
        tool_say(discard->letters->tool, "%d would be discarded, %d refused; nothing was changed",
                 discard->discarded, discard->refused);
    else
        tool_say(discard->letters->tool,
                 "%d discarded, %d were applied already, %d refused; deed %s", discard->discarded,
                 discard->applied, discard->refused, id);
}

int dead_letters_discard(const struct dead_letters *letters, const struct letter_question *question)
{
    struct error err;
    struct discard discard = {.letters = letters,
                              .rooms = {letters->config->database_url, ROOM_STATEMENTS, {NULL}}};
    const int code = deed_begin_with_reason(letters->tool, letters->arena, letters->config->reason,
                                            letters->config->by, &discard.words);
    if (code != TOOL_DONE)
        return code;
    const struct trace_context trace = tracing_begin();
    trace_context_format(&trace, discard.traceparent);
    if (dead_letters_find_all(letters, question, &discard.rows, &err) != OK)
        return tool_fail(letters->tool, &err);
    dead_letters_init_lines(letters, &discard.table);
    const enum status status = discard_all(&discard, &err);
    room_dbs_close(&discard.rooms);
    table_print(&discard.table, letters->config->output);
    say_result(&discard);
    if (status != OK)
        return tool_fail(letters->tool, &err);
    return discard.refused > 0 ? TOOL_FAILED : TOOL_DONE;
}
