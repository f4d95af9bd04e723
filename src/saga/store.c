#include "saga/store.h"

#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"
#include "platform/messaging/inbox.h"
#include "saga_sql.h"

/* ---- load ---------------------------------------------------------------------------------- */

static struct uuid uuid_or_nil(struct sql_rows rows, int row, int column)
{
    return sql_is_null(rows, row, column) ? (struct uuid){0} : sql_uuid(rows, row, column);
}

static enum status read_names(struct sql_rows rows, int row, struct saga *saga, struct error *err)
{
    const struct text type = sql_text(rows, row, LOAD_SAGAS_TYPE);
    const struct text state = sql_text(rows, row, LOAD_SAGAS_STATE);
    const struct text step = sql_text(rows, row, LOAD_SAGAS_STEP);
    if (!saga_type_parse(type, &saga->type) || !saga_state_parse(state, &saga->state) ||
        !saga_step_parse(step, &saga->step))
        return error_set(err, ERR_BROKEN, "a saga is '%.*s' in '%.*s' at '%.*s'", TEXT_ARGS(type),
                         TEXT_ARGS(state), TEXT_ARGS(step));
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
    saga.version = sql_i64(rows, row, LOAD_SAGAS_VERSION);
    saga.origin_traceparent = text_copy(arena, sql_text(rows, row, LOAD_SAGAS_ORIGIN_TRACEPARENT));
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

/* Authorizations with their lanes, as the two parameters that such statements take. */
static void send_wanted(struct db *db, const struct sql_statement *statement, struct arena *arena,
                        const struct ids *authorization_ids)
{
    struct sql_array lanes;
    struct sql_array wanted;
    struct sql_args args;
    sql_array_init(&lanes, arena, SQL_I16, authorization_ids->count);
    sql_array_init(&wanted, arena, SQL_UUID, authorization_ids->count);
    for (size_t at = 0; at < authorization_ids->count; at++) {
        sql_array_add_i64(&lanes, lane_of(&authorization_ids->items[at]));
        sql_array_add_uuid(&wanted, &authorization_ids->items[at]);
    }
    sql_args_init(&args, arena);
    sql_add_array(&args, &lanes);
    sql_add_array(&args, &wanted);
    db_send(db, statement, &args);
}

static struct ids wanted_by(const struct turn *turn)
{
    struct ids ids = {turn->pair_count, NULL};
    ids.items = ARENA_NEW_ARRAY(turn->arena, struct uuid, ids.count);
    for (size_t at = 0; at < ids.count; at++)
        ids.items[at] = turn->pairs[at].authorization_id;
    return ids;
}

enum status store_load_turn(struct db *db, struct turn *turn, const struct store_claims *claims,
                            struct error *err)
{
    const struct ids wanted = wanted_by(turn);
    struct sql_args none;
    sql_args_init(&none, turn->arena);
    db_send_begin(db);
    if (claims != NULL)
        inbox_send_claims(db, turn->arena, claims->group, claims->deliveries, claims->count);
    send_wanted(db, SQL_LOCK_SAGAS, turn->arena, &wanted);
    send_wanted(db, SQL_LOAD_SAGAS, turn->arena, &wanted);
    db_send(db, SQL_READ_CLOCK, &none);
    TRY(db_run(db, err));
    const int after_begin = claims == NULL ? 1 : 2;
    if (claims != NULL)
        inbox_read_claims(db_rows(db, 1), claims->deliveries, claims->count);
    turn->now_us = sql_time(db_rows(db, after_begin + 2), 0, READ_CLOCK_NOW);
    const enum status status = read_sagas(turn, db_rows(db, after_begin + 1), err);
    if (status != OK)
        db_rollback(db);
    return status;
}

/* ---- save ---------------------------------------------------------------------------------- */

static void add_uuid_or_null(struct sql_array *array, const struct uuid *id)
{
    if (uuid_is_nil(id))
        sql_array_add_null(array);
    else
        sql_array_add_uuid(array, id);
}

static void add_time_or_null(struct sql_array *array, int64_t time_us)
{
    if (time_us == 0)
        sql_array_add_null(array);
    else
        sql_array_add_i64(array, time_us);
}

/* Columns of insert_sagas and update_sagas. */
struct saga_columns {
    struct sql_array lane, id, type, authorization_id, account_id, user_id, tenant, amount_minor,
        currency, state, step, command_id, command_event_id, tries, deadline, started, step_started,
        updated, version, origin, reason;
};

static void init_columns(struct saga_columns *c, const struct turn *turn)
{
    const struct {
        struct sql_array *array;
        enum sql_type type;
    } all[] = {
        {&c->lane, SQL_I16},
        {&c->id, SQL_UUID},
        {&c->type, SQL_TEXT},
        {&c->authorization_id, SQL_UUID},
        {&c->account_id, SQL_UUID},
        {&c->user_id, SQL_TEXT},
        {&c->tenant, SQL_TEXT},
        {&c->amount_minor, SQL_I64},
        {&c->currency, SQL_TEXT},
        {&c->state, SQL_TEXT},
        {&c->step, SQL_TEXT},
        {&c->command_id, SQL_UUID},
        {&c->command_event_id, SQL_UUID},
        {&c->tries, SQL_I32},
        {&c->deadline, SQL_TIME},
        {&c->started, SQL_TIME},
        {&c->step_started, SQL_TIME},
        {&c->updated, SQL_TIME},
        {&c->version, SQL_I64},
        {&c->origin, SQL_TEXT},
        {&c->reason, SQL_TEXT},
    };
    for (size_t at = 0; at < COUNT(all); at++)
        sql_array_init(all[at].array, turn->arena, all[at].type, turn->pair_count);
}

static void add_saga(struct saga_columns *c, const struct saga *saga, int64_t now_us)
{
    sql_array_add_i64(&c->lane, saga->lane);
    sql_array_add_uuid(&c->id, &saga->id);
    sql_array_add_text(&c->type, text_of(saga_type_name(saga->type)));
    sql_array_add_uuid(&c->authorization_id, &saga->authorization_id);
    sql_array_add_uuid(&c->account_id, &saga->account_id);
    sql_array_add_text(&c->user_id, saga->user_id);
    sql_array_add_text(&c->tenant, saga->tenant);
    sql_array_add_i64(&c->amount_minor, saga->amount_minor);
    sql_array_add_text(&c->currency, saga->currency);
    sql_array_add_text(&c->state, text_of(saga_state_name(saga->state)));
    sql_array_add_text(&c->step, text_of(saga_step_name(saga->step)));
    add_uuid_or_null(&c->command_id, &saga->command_id);
    add_uuid_or_null(&c->command_event_id, &saga->command_event_id);
    sql_array_add_i64(&c->tries, saga->tries);
    add_time_or_null(&c->deadline, saga->deadline_us);
    sql_array_add_i64(&c->started, saga->started_us);
    sql_array_add_i64(&c->step_started, saga->step_started_us);
    sql_array_add_i64(&c->updated, now_us);
    sql_array_add_i64(&c->version, saga->version);
    sql_array_add_text(&c->origin, saga->origin_traceparent);
    sql_array_add_text(&c->reason, saga->reason);
}

static void send_arrays(struct db *db, struct arena *arena, const struct sql_statement *statement,
                        struct sql_array *const *arrays, size_t count)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    for (size_t at = 0; at < count; at++)
        sql_add_array(&args, arrays[at]);
    db_send(db, statement, &args);
}

/* Pairs ascend by authorization, types within a pair: the order of the unique key. */
static int add_changed(struct saga_columns *c, const struct turn *turn, bool is_stored)
{
    for (size_t at = 0; at < turn->pair_count; at++) {
        for (int type = 0; type < SAGA_TYPE_COUNT; type++) {
            const struct saga *saga = &turn->pairs[at].sagas[type];
            if (saga->is_changed && saga->is_stored == is_stored)
                add_saga(c, saga, turn->now_us);
        }
    }
    return c->id.count;
}

static void send_new_sagas(struct db *db, const struct turn *turn)
{
    struct saga_columns c;
    init_columns(&c, turn);
    if (add_changed(&c, turn, false) == 0)
        return;
    struct sql_array *const arrays[] = {
        &c.lane,
        &c.id,
        &c.type,
        &c.authorization_id,
        &c.account_id,
        &c.user_id,
        &c.tenant,
        &c.amount_minor,
        &c.currency,
        &c.state,
        &c.step,
        &c.command_id,
        &c.command_event_id,
        &c.tries,
        &c.deadline,
        &c.started,
        &c.step_started,
        &c.updated,
        &c.version,
        &c.origin,
        &c.reason,
    };
    send_arrays(db, turn->arena, SQL_INSERT_SAGAS, arrays, COUNT(arrays));
}

static void send_moved_sagas(struct db *db, const struct turn *turn)
{
    struct saga_columns c;
    init_columns(&c, turn);
    if (add_changed(&c, turn, true) == 0)
        return;
    struct sql_array *const arrays[] = {
        &c.lane,     &c.id,           &c.authorization_id, &c.state,
        &c.step,     &c.command_id,   &c.command_event_id, &c.tries,
        &c.deadline, &c.step_started, &c.updated,          &c.version,
        &c.reason,
    };
    send_arrays(db, turn->arena, SQL_UPDATE_SAGAS, arrays, COUNT(arrays));
}

/* Columns of save_steps. */
struct step_columns {
    struct sql_array lane, saga_id, step, op, state, command_id, tries, started, finished, reason;
};

static void init_step_columns(struct step_columns *c, const struct turn *turn)
{
    sql_array_init(&c->lane, turn->arena, SQL_I16, turn->pair_count);
    sql_array_init(&c->saga_id, turn->arena, SQL_UUID, turn->pair_count);
    sql_array_init(&c->step, turn->arena, SQL_TEXT, turn->pair_count);
    sql_array_init(&c->op, turn->arena, SQL_TEXT, turn->pair_count);
    sql_array_init(&c->state, turn->arena, SQL_TEXT, turn->pair_count);
    sql_array_init(&c->command_id, turn->arena, SQL_UUID, turn->pair_count);
    sql_array_init(&c->tries, turn->arena, SQL_I32, turn->pair_count);
    sql_array_init(&c->started, turn->arena, SQL_TIME, turn->pair_count);
    sql_array_init(&c->finished, turn->arena, SQL_TIME, turn->pair_count);
    sql_array_init(&c->reason, turn->arena, SQL_TEXT, turn->pair_count);
}

static void add_steps(struct step_columns *c, const struct saga *saga)
{
    for (int at = 0; at < SAGA_STEP_COUNT; at++) {
        const struct saga_step_row *step = &saga->steps[at];
        if (!step->is_changed)
            continue;
        sql_array_add_i64(&c->lane, saga->lane);
        sql_array_add_uuid(&c->saga_id, &saga->id);
        sql_array_add_text(&c->step, text_of(saga_step_name((enum saga_step)at)));
        sql_array_add_text(&c->op, text_of(saga_step_op((enum saga_step)at)));
        sql_array_add_text(&c->state, text_of(step_state_name(step->state)));
        add_uuid_or_null(&c->command_id, &step->command_id);
        sql_array_add_i64(&c->tries, step->tries);
        sql_array_add_i64(&c->started, step->started_us);
        add_time_or_null(&c->finished, step->finished_us);
        sql_array_add_text(&c->reason, step->reason);
    }
}

static void send_steps(struct db *db, const struct turn *turn)
{
    struct step_columns c;
    init_step_columns(&c, turn);
    for (size_t at = 0; at < turn->pair_count; at++) {
        for (int type = 0; type < SAGA_TYPE_COUNT; type++)
            add_steps(&c, &turn->pairs[at].sagas[type]);
    }
    struct sql_array *const arrays[] = {
        &c.lane,       &c.saga_id, &c.step,    &c.op,       &c.state,
        &c.command_id, &c.tries,   &c.started, &c.finished, &c.reason,
    };
    if (c.saga_id.count > 0)
        send_arrays(db, turn->arena, SQL_SAVE_STEPS, arrays, COUNT(arrays));
}

enum status store_save_turn(struct db *db, const struct turn *turn, struct error *err)
{
    send_new_sagas(db, turn);
    send_moved_sagas(db, turn);
    send_steps(db, turn);
    outbox_send(&turn->outbox, db);
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
    send_wanted(db, SQL_FIND_ENDED_BOOKINGS, arena, authorization_ids);
    TRY(db_run(db, err));
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
