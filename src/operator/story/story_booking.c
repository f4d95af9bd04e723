/* The second part of a story: its sagas, step by step, and what the ledger has written for them. */
#include "base/arena.h"
#include "base/assert.h"
#include "domain/money_json.h"
#include "operator/operator_sql.h"
#include "operator/story/story.h"

static void add_uuids(const struct story *story, struct sql_args *args)
{
    struct sql_array ids;
    sql_array_init(&ids, story->arena, SQL_UUID, STORY_SAGAS_MAX);
    for (size_t at = 0; at < story->saga_count; at++)
        sql_array_add_uuid(&ids, &story->sagas[at].id);
    sql_add_array(args, &ids);
}

static struct story_saga *find_saga(struct story *story, const struct uuid *id)
{
    for (size_t at = 0; at < story->saga_count; at++)
        if (uuid_equals(&story->sagas[at].id, id))
            return &story->sagas[at];
    UNREACHABLE(); /* only these were asked for */
}

static bool is_over(const struct story_saga *saga)
{
    return text_equals_c(saga->state, "completed") || text_equals_c(saga->state, "compensated") ||
           text_equals_c(saga->state, "abandoned");
}

/* ---- sagas ----------------------------------------------------------------------------------- */

static void tell_saga_start(struct story *story, const struct story_saga *saga)
{
    struct json_writer w;
    struct text_builder out;
    struct story_line *line = story_add(story, saga->started_us, "saga", "saga_started");
    story_say(story, line, "saga %.*s started: %.*s", TEXT_ARGS(saga->type),
              TEXT_ARGS(story_uuid(story, &saga->id)));
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, "saga_id", &saga->id);
    json_write_text(&w, "type", saga->type);
    story_end_facts(line, &w);
}

static void read_saga(struct story *story, struct sql_rows rows, int row)
{
    struct arena *arena = story->arena;
    struct story_saga *saga = &story->sagas[story->saga_count++];
    *saga = (struct story_saga){
        .id = sql_uuid(rows, row, LIST_STORY_SAGAS_ID),
        .type = text_copy(arena, sql_text(rows, row, LIST_STORY_SAGAS_TYPE)),
        .state = text_copy(arena, sql_text(rows, row, LIST_STORY_SAGAS_STATE)),
        .step = text_copy(arena, sql_text(rows, row, LIST_STORY_SAGAS_STEP)),
        .tries = sql_i32(rows, row, LIST_STORY_SAGAS_TRIES),
        .started_us = sql_time(rows, row, LIST_STORY_SAGAS_STARTED_AT),
        .step_started_us = sql_time(rows, row, LIST_STORY_SAGAS_STEP_STARTED_AT),
        .updated_us = sql_time(rows, row, LIST_STORY_SAGAS_UPDATED_AT),
    };
    if (!sql_is_null(rows, row, LIST_STORY_SAGAS_REASON))
        saga->reason = text_copy(arena, sql_text(rows, row, LIST_STORY_SAGAS_REASON));
    if (!sql_is_null(rows, row, LIST_STORY_SAGAS_COMMAND_EVENT_ID))
        saga->command_event_id = sql_uuid(rows, row, LIST_STORY_SAGAS_COMMAND_EVENT_ID);
    if (!sql_is_null(rows, row, LIST_STORY_SAGAS_DEADLINE_AT))
        saga->deadline_us = sql_time(rows, row, LIST_STORY_SAGAS_DEADLINE_AT);
    story->subjects[story->subject_count++] = saga->id;
    tell_saga_start(story, saga);
}

/* Said after its steps: the last of them ends at the same moment. */
static void tell_saga_end(struct story *story, const struct story_saga *saga)
{
    struct json_writer w;
    struct text_builder out;
    if (!is_over(saga))
        return;
    const char *const event = text_format(story->arena, "saga_%.*s", TEXT_ARGS(saga->state)).data;
    struct story_line *line = story_add(story, saga->updated_us, "saga", event);
    story_say(story, line, "saga %.*s %.*s, %.*s after it started", TEXT_ARGS(saga->type),
              TEXT_ARGS(saga->state),
              TEXT_ARGS(story_duration(story->arena, saga->updated_us - saga->started_us)));
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, "saga_id", &saga->id);
    json_write_text(&w, "type", saga->type);
    json_write_text(&w, "reason", saga->reason);
    json_write_i64(&w, "duration_us", saga->updated_us - saga->started_us);
    story_end_facts(line, &w);
}

/* ---- steps ----------------------------------------------------------------------------------- */

struct step {
    struct uuid saga_id;
    struct text step;
    struct text op;
    struct text state;
    struct text reason;
    int tries;
    int64_t started_us;
    int64_t finished_us; /* 0: not yet */
};

static struct step read_step(struct sql_rows rows, int row)
{
    struct step step = {
        .saga_id = sql_uuid(rows, row, LIST_STORY_STEPS_SAGA_ID),
        .step = sql_text(rows, row, LIST_STORY_STEPS_STEP),
        .op = sql_text(rows, row, LIST_STORY_STEPS_OP),
        .state = sql_text(rows, row, LIST_STORY_STEPS_STATE),
        .reason = sql_text(rows, row, LIST_STORY_STEPS_REASON),
        .tries = sql_i32(rows, row, LIST_STORY_STEPS_TRIES),
        .started_us = sql_time(rows, row, LIST_STORY_STEPS_STARTED_AT),
    };
    if (!sql_is_null(rows, row, LIST_STORY_STEPS_FINISHED_AT))
        step.finished_us = sql_time(rows, row, LIST_STORY_STEPS_FINISHED_AT);
    return step;
}

static void write_step(struct story *story, struct story_line *line, const struct step *step)
{
    struct json_writer w;
    struct text_builder out;
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, "saga_id", &step->saga_id);
    json_write_text(&w, "step", step->step);
    json_write_text(&w, "op", step->op);
    json_write_text(&w, "state", step->state);
    json_write_i64(&w, "tries", step->tries);
    if (!text_is_none(step->reason))
        json_write_text(&w, "reason", step->reason);
    if (step->finished_us > 0)
        json_write_i64(&w, "duration_us", step->finished_us - step->started_us);
    story_end_facts(line, &w);
}

static void tell_step(struct story *story, const struct step *step)
{
    const bool is_undo = text_equals_c(step->op, "undo");
    struct story_line *line;
    if (step->tries > 0) {
        line = story_add(story, step->started_us, "saga", "command_sent");
        story_say(story, line, "commands %s%.*s%s", is_undo ? "the undo, " : "",
                  TEXT_ARGS(step->step), step->tries > 1 ? ", and again since" : "");
        write_step(story, line, step);
    }
    if (step->finished_us == 0)
        return;
    line = story_add(story, step->finished_us, "saga", "step_ended");
    story_say(story, line, "step %.*s %.*s%s%.*s after %d tr%s, %.*s", TEXT_ARGS(step->step),
              TEXT_ARGS(step->state), text_is_none(step->reason) ? "" : ": ",
              TEXT_ARGS(step->reason), step->tries, step->tries == 1 ? "y" : "ies",
              TEXT_ARGS(story_duration(story->arena, step->finished_us - step->started_us)));
    write_step(story, line, step);
}

/* ---- the ledger ------------------------------------------------------------------------------ */

static void mark_answered(struct story *story, const struct uuid *saga_id, struct text step)
{
    struct story_saga *saga = find_saga(story, saga_id);
    if (text_equals(saga->step, step))
        saga->is_answered = true;
}

/* Debit and credit, as they stand in the books. */
static void add_entries(struct story *story, struct story_line *line, struct json_writer *w,
                        const struct uuid *journal_id, struct sql_rows entries)
{
    struct text_builder more;
    text_builder_init(&more, story->arena, 128);
    json_begin_array(w, "entries");
    for (int row = 0; row < entries.count; row++) {
        const struct uuid id = sql_uuid(entries, row, LIST_STORY_ENTRIES_JOURNAL_ID);
        const struct text side = sql_text(entries, row, LIST_STORY_ENTRIES_SIDE);
        const struct text code = sql_text(entries, row, LIST_STORY_ENTRIES_CODE);
        const struct text layer = sql_text(entries, row, LIST_STORY_ENTRIES_LAYER);
        const int64_t minor = sql_i64(entries, row, LIST_STORY_ENTRIES_AMOUNT_MINOR);
        if (!uuid_equals(&id, journal_id))
            continue;
        text_builder_add_format(&more, "%s%-6.*s %.*s %.*s, %.*s", more.size == 0 ? "" : "\n",
                                TEXT_ARGS(side), TEXT_ARGS(code),
                                TEXT_ARGS(story_money(story, minor)), TEXT_ARGS(layer));
        json_begin_object(w, NULL);
        json_write_text(w, "side", side);
        json_write_text(w, "account", code);
        json_write_text(w, "layer", layer);
        json_write_money(w, "amount", minor, story->head.currency);
        json_end_object(w);
    }
    json_end_array(w);
    line->more = text_builder_text(&more);
}

static void tell_booking(struct story *story, struct sql_rows rows, int row,
                         struct sql_rows entries)
{
    const struct uuid saga_id = sql_uuid(rows, row, LIST_STORY_BOOKINGS_SAGA_ID);
    const struct text step = sql_text(rows, row, LIST_STORY_BOOKINGS_STEP);
    const struct text outcome = sql_text(rows, row, LIST_STORY_BOOKINGS_OUTCOME);
    const struct text reason = sql_text(rows, row, LIST_STORY_BOOKINGS_REASON);
    const int64_t amount_minor = sql_i64(rows, row, LIST_STORY_BOOKINGS_AMOUNT_MINOR);
    struct json_writer w;
    struct text_builder out;
    const char *const event = text_format(story->arena, "ledger_%.*s", TEXT_ARGS(outcome)).data;
    struct story_line *line =
        story_add(story, sql_time(rows, row, LIST_STORY_BOOKINGS_CREATED_AT), "ledger", event);
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, "saga_id", &saga_id);
    json_write_text(&w, "step", step);
    json_write_money(&w, "amount", amount_minor, story->head.currency);
    if (!text_is_none(reason))
        json_write_text(&w, "reason", reason);
    if (sql_is_null(rows, row, LIST_STORY_BOOKINGS_JOURNAL_ID)) {
        story_say(story, line, "%.*s %.*s%s%.*s: nothing was written", TEXT_ARGS(step),
                  TEXT_ARGS(outcome), text_is_none(reason) ? "" : ", ", TEXT_ARGS(reason));
    } else {
        const struct uuid journal_id = sql_uuid(rows, row, LIST_STORY_BOOKINGS_JOURNAL_ID);
        json_write_uuid(&w, "journal_id", &journal_id);
        story_say(story, line, "hold of %.*s %.*s: journal %.*s",
                  TEXT_ARGS(story_money(story, amount_minor)), TEXT_ARGS(outcome),
                  TEXT_ARGS(story_uuid(story, &journal_id)));
        add_entries(story, line, &w, &journal_id, entries);
    }
    story_end_facts(line, &w);
    const bool is_undo = text_equals_c(sql_text(rows, row, LIST_STORY_BOOKINGS_OP), "undo");
    mark_answered(story, &saga_id, is_undo ? TEXT("undo_hold") : step);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void send_questions(const struct story *story, struct sql_args *of_sagas,
                           struct sql_args *of_account)
{
    sql_args_init(of_sagas, story->arena);
    sql_add_i16(of_sagas, story->head.lane);
    add_uuids(story, of_sagas);
    sql_args_init(of_account, story->arena);
    sql_add_i16(of_account, story->head.lane);
    sql_add_uuid(of_account, &story->head.account_id);
    sql_add_uuid(of_account, &story->head.id);
    db_send(story->db, SQL_LIST_STORY_STEPS, of_sagas);
    db_send(story->db, SQL_LIST_STORY_BOOKINGS, of_sagas);
    db_send(story->db, SQL_LIST_STORY_ENTRIES, of_account);
}

enum status story_read_booking(struct story *story, struct error *err)
{
    struct sql_args args, of_account;
    sql_args_init(&args, story->arena);
    sql_add_i16(&args, story->head.lane);
    sql_add_uuid(&args, &story->head.id);
    TRY(db_run_one(story->db, SQL_LIST_STORY_SAGAS, &args, err));
    const struct sql_rows sagas = db_rows(story->db, 0);
    for (int row = 0; row < sagas.count; row++)
        read_saga(story, sagas, row);
    if (story->saga_count == 0)
        return OK;
    send_questions(story, &args, &of_account);
    TRY(db_run(story->db, err));
    const struct sql_rows steps = db_rows(story->db, 0), bookings = db_rows(story->db, 1);
    for (int row = 0; row < bookings.count; row++)
        tell_booking(story, bookings, row, db_rows(story->db, 2));
    for (int row = 0; row < steps.count; row++) {
        const struct step step = read_step(steps, row);
        tell_step(story, &step);
    }
    for (size_t at = 0; at < story->saga_count; at++)
        tell_saga_end(story, &story->sagas[at]);
    return OK;
}
