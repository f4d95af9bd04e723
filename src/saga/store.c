#include "saga/store.h"

#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"
#include "platform/messaging/inbox.h"
#include "platform/postgres/sql_columns.h"
#include "saga_sql.h"

/* ---- load ---------------------------------------------------------------------------------- */

/* load_sagas and load_new_sagas give the same columns. */
#define SAME_COLUMN(name)                                                                          \
    _Static_assert((int)LOAD_SAGAS_##name == (int)LOAD_NEW_SAGAS_##name, "the same column")
SAME_COLUMN(ID);
SAME_COLUMN(TYPE);
SAME_COLUMN(AUTHORIZATION_ID);
SAME_COLUMN(STATE);
SAME_COLUMN(TRIES);
SAME_COLUMN(VERSION);
SAME_COLUMN(STEP_REASON);

static struct uuid uuid_or_nil(struct sql_rows rows, int row, int column)
{
    return sql_is_null(rows, row, column) ? (struct uuid){0} : sql_uuid(rows, row, column);
}

static enum status read_names(struct sql_rows rows, int row, struct saga *saga, struct error *err)
{
    const struct text type = sql_text(rows, row, LOAD_SAGAS_TYPE);
    const struct text state = sql_text(rows, row, LOAD_SAGAS_STATE);
    const struct text step = sql_text(rows, row, LOAD_SAGAS_STEP);
    const struct text step_state = sql_text(rows, row, LOAD_SAGAS_STEP_STATE);
    if (!saga_type_parse(type, &saga->type) || !saga_state_parse(state, &saga->state) ||
        !saga_step_parse(step, &saga->step))
        return error_set(err, ERR_BROKEN, "a saga is '%.*s' in '%.*s' at '%.*s'", TEXT_ARGS(type),
                         TEXT_ARGS(state), TEXT_ARGS(step));
    /* None: it ended when steps stood elsewhere, and nothing will move it. */
    if (!text_is_none(step_state) && !step_state_parse(step_state, &saga->step_state))
        return error_set(err, ERR_BROKEN, "the step of a saga is '%.*s'", TEXT_ARGS(step_state));
    return OK;
}

static enum status read_saga(struct arena *arena, struct sql_rows rows, int row,
                             struct saga *saga_out, struct error *err)
{
    struct saga saga = {.is_stored = true};
    TRY(read_names(rows, row, &saga, err));
    saga.id = sql_uuid(rows, row, LOAD_SAGAS_ID);
    saga.lane = sql_i16(rows, row, LOAD_SAGAS_LANE);
    saga.authorization_id = sql_uuid(rows, row, LOAD_SAGAS_AUTHORIZATION_ID);
    saga.account_id = sql_uuid(rows, row, LOAD_SAGAS_ACCOUNT_ID);
    saga.user_id = text_copy(arena, sql_text(rows, row, LOAD_SAGAS_USER_ID));
    saga.tenant = text_copy(arena, sql_text(rows, row, LOAD_SAGAS_TENANT_ID));
    saga.amount_minor = sql_i64(rows, row, LOAD_SAGAS_AMOUNT_MINOR);
    saga.currency = text_copy(arena, sql_text(rows, row, LOAD_SAGAS_CURRENCY));
    saga.command_id = uuid_or_nil(rows, row, LOAD_SAGAS_COMMAND_ID);
    saga.command_event_id = uuid_or_nil(rows, row, LOAD_SAGAS_COMMAND_EVENT_ID);
    saga.tries = sql_i32(rows, row, LOAD_SAGAS_TRIES);
    if (!sql_is_null(rows, row, LOAD_SAGAS_DEADLINE_AT))
        saga.deadline_us = sql_time(rows, row, LOAD_SAGAS_DEADLINE_AT);
    saga.started_us = sql_time(rows, row, LOAD_SAGAS_STARTED_AT);
    saga.step_started_us = sql_time(rows, row, LOAD_SAGAS_STEP_STARTED_AT);
    if (!sql_is_null(rows, row, LOAD_SAGAS_STEP_FINISHED_AT))
        saga.step_finished_us = sql_time(rows, row, LOAD_SAGAS_STEP_FINISHED_AT);
    saga.step_reason = text_copy(arena, sql_text(rows, row, LOAD_SAGAS_STEP_REASON));
    saga.version = sql_i64(rows, row, LOAD_SAGAS_VERSION);
    saga.origin_traceparent = text_copy(arena, sql_text(rows, row, LOAD_SAGAS_ORIGIN_TRACEPARENT));
    saga.last_traceparent = text_copy(arena, sql_text(rows, row, LOAD_SAGAS_LAST_TRACEPARENT));
    saga.tracestate = text_copy(arena, sql_text(rows, row, LOAD_SAGAS_TRACESTATE));
    saga.reason = text_copy(arena, sql_text(rows, row, LOAD_SAGAS_REASON));
    *saga_out = saga;
    return OK;
}

static enum status read_sagas(struct turn *turn, struct sql_rows rows, struct error *err)
{
    for (int row = 0; row < rows.count; row++) {
        struct saga saga;
        TRY(read_saga(turn->arena, rows, row, &saga, err));
        struct saga_pair *pair = turn_find_pair(turn, &saga.authorization_id);
        ASSERT(pair != NULL); /* only what was asked for is read */
        pair->sagas[saga.type] = saga;
    }
    return OK;
}

/* As parameters: authorizations with their lanes. */
static void add_wanted(struct sql_args *args, const struct ids *authorization_ids)
{
    struct sql_columns wanted;
    SQL_COLUMNS_INIT(&wanted, args->arena, authorization_ids->count, SQL_I16, SQL_UUID);
    for (size_t at = 0; at < authorization_ids->count; at++) {
        sql_columns_add_i64(&wanted, lane_of(&authorization_ids->items[at]));
        sql_columns_add_uuid(&wanted, &authorization_ids->items[at]);
    }
    sql_add_columns(args, &wanted);
}

static struct ids wanted_by(const struct turn *turn)
{
    struct ids ids = {turn->pair_count, NULL};
    ids.items = ARENA_NEW_ARRAY(turn->arena, struct uuid, ids.count);
    for (size_t at = 0; at < ids.count; at++)
        ids.items[at] = turn->pairs[at].authorization_id;
    return ids;
}

/* One statement sees what there was when it began: of the sagas that it waited for, where they
 * stand now, but not the release that another orchestrator began meanwhile under the lock of its
 * booking. So releases are looked for once more. A booking begun meanwhile is not missed: who
 * begins it too is refused by its unique key, and its answer comes after it. */
static void send_loads(struct db *db, const struct turn *turn)
{
    const struct ids wanted = wanted_by(turn);
    struct sql_args all;
    struct sql_args releases;
    sql_args_init(&all, turn->arena);
    add_wanted(&all, &wanted);
    releases = all;
    sql_add_text(&releases, text_of(saga_type_name(SAGA_RELEASE)));
    db_send(db, SQL_LOAD_SAGAS, &all);
    db_send(db, SQL_LOAD_NEW_SAGAS, &releases);
}

enum status store_load_turn(struct db *db, struct turn *turn, const struct store_claims *claims,
                            struct error *err)
{
    db_send_begin(db);
    if (claims != NULL)
        inbox_send_claims(db, turn->arena, claims->group, claims->deliveries, claims->count);
    send_loads(db, turn);
    db_send(db, SQL_READ_CLOCK, NULL);
    TRY(db_run(db, err));
    const int after_begin = claims == NULL ? 1 : 2;
    if (claims != NULL)
        inbox_read_claims(db_rows(db, 1), claims->deliveries, claims->count);
    turn->now_us = sql_time(db_rows(db, after_begin + 2), 0, READ_CLOCK_NOW);
    enum status status = read_sagas(turn, db_rows(db, after_begin), err);
    if (status == OK)
        status = read_sagas(turn, db_rows(db, after_begin + 1), err);
    if (status != OK)
        db_rollback(db);
    return status;
}

/* ---- save ---------------------------------------------------------------------------------- */

static void add_step_it_is_at(struct sql_columns *row, const struct saga *saga)
{
    sql_columns_add_name(row, step_state_name(saga->step_state));
    sql_columns_add_time(row, saga->step_finished_us);
    sql_columns_add_text(row, saga->step_reason);
}

/* A row of insert_sagas. */
static void add_new(struct sql_columns *row, const struct saga *saga, int64_t now_us)
{
    sql_columns_add_i64(row, saga->lane);
    sql_columns_add_uuid(row, &saga->id);
    sql_columns_add_name(row, saga_type_name(saga->type));
    sql_columns_add_uuid(row, &saga->authorization_id);
    sql_columns_add_uuid(row, &saga->account_id);
    sql_columns_add_text(row, saga->user_id);
    sql_columns_add_text(row, saga->tenant);
    sql_columns_add_i64(row, saga->amount_minor);
    sql_columns_add_text(row, saga->currency);
    sql_columns_add_name(row, saga_state_name(saga->state));
    sql_columns_add_name(row, saga_step_name(saga->step));
    sql_columns_add_uuid(row, &saga->command_id);
    sql_columns_add_uuid(row, &saga->command_event_id);
    sql_columns_add_i64(row, saga->tries);
    sql_columns_add_time(row, saga->deadline_us);
    sql_columns_add_time(row, saga->started_us);
    sql_columns_add_time(row, saga->step_started_us);
    sql_columns_add_time(row, now_us);
    sql_columns_add_i64(row, saga->version);
    sql_columns_add_text(row, saga->origin_traceparent);
    sql_columns_add_text(row, saga->last_traceparent);
    sql_columns_add_text(row, saga->tracestate);
    sql_columns_add_text(row, saga->reason);
    add_step_it_is_at(row, saga);
}

/* A row of update_sagas. */
static void add_moved(struct sql_columns *row, const struct saga *saga, int64_t now_us)
{
    sql_columns_add_i64(row, saga->lane);
    sql_columns_add_uuid(row, &saga->id);
    sql_columns_add_uuid(row, &saga->authorization_id);
    sql_columns_add_name(row, saga_state_name(saga->state));
    sql_columns_add_name(row, saga_step_name(saga->step));
    sql_columns_add_uuid(row, &saga->command_id);
    sql_columns_add_uuid(row, &saga->command_event_id);
    sql_columns_add_i64(row, saga->tries);
    sql_columns_add_time(row, saga->deadline_us);
    sql_columns_add_time(row, saga->step_started_us);
    sql_columns_add_time(row, now_us);
    sql_columns_add_i64(row, saga->version);
    sql_columns_add_text(row, saga->last_traceparent);
    sql_columns_add_text(row, saga->reason);
    add_step_it_is_at(row, saga);
}

/* Rows of save_steps: few, most sagas end where they began. */
static void add_left_steps(struct sql_columns *row, const struct saga *saga)
{
    for (int at = 0; at < SAGA_STEP_COUNT; at++) {
        const struct saga_step_row *step = &saga->steps[at];
        if (!step->is_left)
            continue;
        sql_columns_add_i64(row, saga->lane);
        sql_columns_add_uuid(row, &saga->id);
        sql_columns_add_name(row, saga_step_name((enum saga_step)at));
        sql_columns_add_name(row, saga_step_op((enum saga_step)at));
        sql_columns_add_name(row, step_state_name(step->state));
        sql_columns_add_uuid(row, &step->command_id);
        sql_columns_add_i64(row, step->tries);
        sql_columns_add_time(row, step->started_us);
        sql_columns_add_time(row, step->finished_us);
        sql_columns_add_text(row, step->reason);
    }
}

static void send_unless_empty(struct db *db, const struct sql_statement *statement,
                              struct sql_columns *columns)
{
    if (!sql_columns_is_empty(columns))
        sql_columns_send(columns, db, statement);
}

/* Pairs ascend by authorization, types within a pair: the order of the unique key. */
static void send_sagas(struct db *db, const struct turn *turn)
{
    struct sql_columns new;
    struct sql_columns moved;
    struct sql_columns steps;
    SQL_COPY_INIT(&new, turn->arena, turn->pair_count, SQL_I16, SQL_UUID, SQL_TEXT, SQL_UUID,
                  SQL_UUID, SQL_TEXT, SQL_TEXT, SQL_I64, SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_UUID,
                  SQL_UUID, SQL_I32, SQL_TIME, SQL_TIME, SQL_TIME, SQL_TIME, SQL_I64, SQL_TEXT,
                  SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TIME, SQL_TEXT);
    SQL_COLUMNS_INIT(&moved, turn->arena, turn->pair_count, SQL_I16, SQL_UUID, SQL_UUID, SQL_TEXT,
                     SQL_TEXT, SQL_UUID, SQL_UUID, SQL_I32, SQL_TIME, SQL_TIME, SQL_TIME, SQL_I64,
                     SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TIME, SQL_TEXT);
    SQL_COLUMNS_INIT(&steps, turn->arena, turn->pair_count, SQL_I16, SQL_UUID, SQL_TEXT, SQL_TEXT,
                     SQL_TEXT, SQL_UUID, SQL_I32, SQL_TIME, SQL_TIME, SQL_TEXT);
    for (size_t at = 0; at < turn->pair_count * SAGA_TYPE_COUNT; at++) {
        const struct saga *saga = &turn->pairs[at / SAGA_TYPE_COUNT].sagas[at % SAGA_TYPE_COUNT];
        if (!saga->is_changed)
            continue;
        if (saga->is_stored)
            add_moved(&moved, saga, turn->now_us);
        else
            add_new(&new, saga, turn->now_us);
        add_left_steps(&steps, saga);
    }
    send_unless_empty(db, SQL_INSERT_SAGAS, &new);
    send_unless_empty(db, SQL_UPDATE_SAGAS, &moved);
    send_unless_empty(db, SQL_SAVE_STEPS, &steps);
}

enum status store_save_turn(struct db *db, const struct turn *turn, struct error *err)
{
    send_sagas(db, turn);
    outbox_send(&turn->outbox, db, turn->now_us);
    db_send_commit(db);
    return db_run(db, err);
}

enum status store_save_deed(struct db *db, const struct turn *turn, const struct store_deed *deed,
                            struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, turn->arena);
    sql_add_i16(&args, deed->lane);
    sql_add_uuid(&args, &deed->saga_id);
    sql_add_text(&args, text_of(deed->name));
    sql_add_uuid(&args, &deed->id);
    sql_add_text(&args, deed->os_user);
    sql_add_text(&args, deed->reason);
    sql_add_text(&args, deed->detail);
    send_sagas(db, turn);
    outbox_send(&turn->outbox, db, turn->now_us);
    db_send(db, SQL_RECORD_DEED, &args);
    db_send_commit(db);
    return db_run(db, err);
}

/* ---- questions ----------------------------------------------------------------------------- */

enum status store_find_due(struct db *db, struct arena *arena, struct ids *authorization_ids_out,
                           struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i32(&args, STORE_DUE_MAX);
    TRY(db_run_one(db, SQL_FIND_DUE_SAGAS, &args, err));
    const struct sql_rows rows = db_rows(db, 0);
    struct ids ids = {(size_t)rows.count, NULL};
    ids.items = ARENA_NEW_ARRAY(arena, struct uuid, ids.count);
    for (int row = 0; row < rows.count; row++)
        ids.items[row] = sql_uuid(rows, row, FIND_DUE_SAGAS_AUTHORIZATION_ID);
    *authorization_ids_out = ids;
    return OK;
}

enum status store_count_active(struct db *db, struct saga_counts *counts_out, struct error *err)
{
    struct saga_counts counts = {0};
    TRY(db_run_one(db, SQL_COUNT_ACTIVE_SAGAS, NULL, err));
    const struct sql_rows rows = db_rows(db, 0);
    for (int row = 0; row < rows.count; row++) {
        enum saga_type type;
        enum saga_state state;
        if (!saga_type_parse(sql_text(rows, row, COUNT_ACTIVE_SAGAS_TYPE), &type) ||
            !saga_state_parse(sql_text(rows, row, COUNT_ACTIVE_SAGAS_STATE), &state))
            return error_set(err, ERR_BROKEN, "a saga is of a type or state that nobody knows");
        counts.of[type][state] = sql_i64(rows, row, COUNT_ACTIVE_SAGAS_SAGAS);
    }
    *counts_out = counts;
    return OK;
}

static bool has_id(struct sql_rows rows, const struct uuid *id)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid found = sql_uuid(rows, row, FIND_UNSENT_COMMANDS_ID);
        if (uuid_equals(&found, id))
            return true;
    }
    return false;
}

enum status store_find_unsent(struct db *db, struct arena *arena, const struct ids *event_ids,
                              bool *is_unsent_out, struct error *err)
{
    struct sql_array ids;
    struct sql_args args;
    sql_array_init(&ids, arena, SQL_UUID, event_ids->count);
    for (size_t at = 0; at < event_ids->count; at++)
        sql_array_add_uuid(&ids, &event_ids->items[at]);
    sql_args_init(&args, arena);
    sql_add_array(&args, &ids);
    TRY(db_run_one(db, SQL_FIND_UNSENT_COMMANDS, &args, err));
    for (size_t at = 0; at < event_ids->count; at++)
        is_unsent_out[at] = has_id(db_rows(db, 0), &event_ids->items[at]);
    return OK;
}

enum status store_find_bookings(struct db *db, struct arena *arena,
                                const struct ids *authorization_ids, struct bookings *bookings_out,
                                struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    add_wanted(&args, authorization_ids);
    TRY(db_run_one(db, SQL_FIND_ENDED_BOOKINGS, &args, err));
    const struct sql_rows rows = db_rows(db, 0);
    struct bookings bookings = {(size_t)rows.count, NULL};
    bookings.items = ARENA_NEW_ARRAY(arena, struct booking, bookings.count);
    for (int row = 0; row < rows.count; row++) {
        const struct text state = sql_text(rows, row, FIND_ENDED_BOOKINGS_STATE);
        struct booking *booking = &bookings.items[row];
        booking->authorization_id = sql_uuid(rows, row, FIND_ENDED_BOOKINGS_AUTHORIZATION_ID);
        if (!saga_state_parse(state, &booking->state))
            return error_set(err, ERR_BROKEN, "a saga is in '%.*s'", TEXT_ARGS(state));
    }
    *bookings_out = bookings;
    return OK;
}
