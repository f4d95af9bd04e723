/* What is read to be shown. */
#include "base/arena.h"
#include "base/assert.h"
#include "platform/postgres/sql_columns.h"
#include "saga/store.h"
#include "saga_sql.h"

/* read_saga and the lists give the same columns. */
#define SAME_COLUMN(name)                                                                          \
    _Static_assert((int)READ_SAGA_##name == (int)LIST_SAGAS_##name &&                              \
                       (int)READ_SAGA_##name == (int)LIST_WAITING_SAGAS_##name &&                  \
                       (int)READ_SAGA_##name == (int)LIST_COMPLETED_SAGAS_##name,                  \
                   "the same column")
SAME_COLUMN(ID);
SAME_COLUMN(TYPE);
SAME_COLUMN(STATE);
SAME_COLUMN(STEP);
SAME_COLUMN(AUTHORIZATION_ID);
SAME_COLUMN(ACCOUNT_ID);
SAME_COLUMN(TRIES);
SAME_COLUMN(REASON);
SAME_COLUMN(STARTED_AT);
SAME_COLUMN(UPDATED_AT);
SAME_COLUMN(LANE);

static enum status read_view(struct arena *arena, struct sql_rows rows, int row,
                             struct saga_view *view, struct error *err)
{
    const struct text state = sql_text(rows, row, READ_SAGA_STATE);
    if (!saga_state_parse(state, &view->state))
        return error_set(err, ERR_BROKEN, "a saga is in '%.*s'", TEXT_ARGS(state));
    view->id = sql_uuid(rows, row, READ_SAGA_ID);
    view->lane = sql_i16(rows, row, READ_SAGA_LANE);
    view->type = text_copy(arena, sql_text(rows, row, READ_SAGA_TYPE));
    view->step = text_copy(arena, sql_text(rows, row, READ_SAGA_STEP));
    view->reason = text_copy(arena, sql_text(rows, row, READ_SAGA_REASON));
    view->authorization_id = sql_uuid(rows, row, READ_SAGA_AUTHORIZATION_ID);
    view->account_id = sql_uuid(rows, row, READ_SAGA_ACCOUNT_ID);
    view->tries = sql_i32(rows, row, READ_SAGA_TRIES);
    view->started_us = sql_time(rows, row, READ_SAGA_STARTED_AT);
    view->updated_us = sql_time(rows, row, READ_SAGA_UPDATED_AT);
    return OK;
}

static void read_step(struct arena *arena, struct sql_rows rows, int row, struct step_view *step)
{
    step->step = text_copy(arena, sql_text(rows, row, READ_STEPS_STEP));
    step->op = text_copy(arena, sql_text(rows, row, READ_STEPS_OP));
    step->state = text_copy(arena, sql_text(rows, row, READ_STEPS_STATE));
    if (!sql_is_null(rows, row, READ_STEPS_COMMAND_ID))
        step->command_id = sql_uuid(rows, row, READ_STEPS_COMMAND_ID);
    step->tries = sql_i32(rows, row, READ_STEPS_TRIES);
    step->started_us = sql_time(rows, row, READ_STEPS_STARTED_AT);
    if (!sql_is_null(rows, row, READ_STEPS_FINISHED_AT))
        step->finished_us = sql_time(rows, row, READ_STEPS_FINISHED_AT);
    step->reason = text_copy(arena, sql_text(rows, row, READ_STEPS_REASON));
}

static struct saga_view *find_view(const struct saga_views *views, const struct uuid *id)
{
    for (size_t at = 0; at < views->count; at++) {
        if (uuid_equals(&views->items[at].id, id))
            return &views->items[at];
    }
    UNREACHABLE(); /* only steps of these sagas were asked for */
}

static enum status read_steps(struct db *db, struct arena *arena, const struct saga_views *views,
                              struct error *err)
{
    struct sql_columns wanted;
    SQL_COLUMNS_INIT(&wanted, arena, views->count, SQL_I16, SQL_UUID);
    for (size_t at = 0; at < views->count; at++) {
        sql_columns_add_i64(&wanted, views->items[at].lane);
        sql_columns_add_uuid(&wanted, &views->items[at].id);
    }
    sql_columns_send(&wanted, db, SQL_READ_STEPS);
    TRY(db_run(db, err));
    const struct sql_rows rows = db_rows(db, 0);
    struct step_view *steps = ARENA_NEW_ARRAY(arena, struct step_view, (size_t)rows.count);
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, READ_STEPS_SAGA_ID);
        struct saga_view *view = find_view(views, &id);
        read_step(arena, rows, row, &steps[row]);
        if (view->step_count++ == 0)
            view->steps = &steps[row]; /* rows of one saga follow each other */
    }
    return OK;
}

static enum status read_views(struct db *db, struct arena *arena, struct saga_views *views_out,
                              struct error *err)
{
    const struct sql_rows rows = db_rows(db, 0);
    struct saga_views views = {(size_t)rows.count, NULL};
    views.items = ARENA_NEW_ARRAY(arena, struct saga_view, views.count);
    for (int row = 0; row < rows.count; row++)
        TRY(read_view(arena, rows, row, &views.items[row], err));
    if (views.count > 0)
        TRY(read_steps(db, arena, &views, err));
    *views_out = views;
    return OK;
}

enum status store_read_saga(struct db *db, struct arena *arena, const struct uuid *id,
                            struct saga_views *views_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_uuid(&args, id);
    TRY(db_run_one(db, SQL_READ_SAGA, &args, err));
    return read_views(db, arena, views_out, err);
}

static const struct sql_statement *list_of(enum saga_state state)
{
    if (state == SAGA_COMPLETED)
        return SQL_LIST_COMPLETED_SAGAS;
    return saga_state_is_end(state) || state == SAGA_STUCK ? SQL_LIST_SAGAS
                                                           : SQL_LIST_WAITING_SAGAS;
}

enum status store_list_sagas(struct db *db, struct arena *arena,
                             const struct saga_question *question, struct saga_views *views_out,
                             struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    if (question->state != SAGA_COMPLETED)
        sql_add_text(&args, text_of(saga_state_name(question->state)));
    sql_add_i16(&args, question->after.lane);
    sql_add_uuid(&args, &question->after.id);
    sql_add_i32(&args, question->limit + 1);
    TRY(db_run_one(db, list_of(question->state), &args, err));
    return read_views(db, arena, views_out, err);
}
