/* The statements of src/saga/sql/. */
#include "base/assert.h"
#include "statement.h"

static enum status read_clock(struct call *call, struct error *err)
{
    (void)err;
    answer_add(call, NULL, NULL, "");
    answer_add_cell(call, cell_time(server_now_us()));
    return OK;
}

/* For /metrics. */
static enum status say_none(struct call *call, struct error *err)
{
    (void)call, (void)err;
    return OK;
}

static enum status find_due_sagas(struct call *call, struct error *err)
{
    (void)err;
    const struct table *sagas = call_table(call, T_SAGA);
    struct row *row;
    for (size_t at = 0; (row = next_row(sagas, call, &at)) != NULL;) {
        const struct cell deadline = COLUMN(row, call, "deadline_at");
        if (deadline.data == NULL || cell_to_time(deadline) > server_now_us())
            continue;
        answer_add(call, sagas, row_seen(row, call->tx), "lane authorization_id");
    }
    return OK;
}

static enum status find_unsent_commands(struct call *call, struct error *err)
{
    (void)err;
    const struct table *outbox = call_table(call, T_OUTBOX);
    const struct cells wanted = call_array(call, 1);
    struct row *row;
    for (size_t at = 0; (row = next_row(outbox, call, &at)) != NULL;)
        if (COLUMN(row, call, "command_id").data != NULL &&
            cells_have(&wanted, COLUMN(row, call, "id")))
            answer_add(call, outbox, row_seen(row, call->tx), "id");
    return OK;
}

static const char SAGA_COLUMNS[] =
    "id type state step authorization_id account_id tries reason started_at updated_at lane";

static enum status read_saga(struct call *call, struct error *err)
{
    (void)err;
    const struct table *sagas = call_table(call, T_SAGA);
    struct row *row;
    for (size_t at = 0; (row = next_row(sagas, call, &at)) != NULL;)
        if (cell_equals(COLUMN(row, call, "id"), call_param(call, 1)))
            answer_add(call, sagas, row_seen(row, call->tx), SAGA_COLUMNS);
    return OK;
}

/* Of saga_step the steps that were left, of saga the one that it is at. */
static enum status read_steps(struct call *call, struct error *err)
{
    (void)err;
    const struct table *left = call_table(call, T_SAGA_STEP);
    const struct table *sagas = call_table(call, T_SAGA);
    const struct cells wanted = call_array(call, 2);
    struct row *row;
    for (size_t at = 0; (row = next_row(left, call, &at)) != NULL;)
        if (cells_have(&wanted, COLUMN(row, call, "saga_id")))
            answer_add(call, left, row_seen(row, call->tx),
                       "saga_id step op state command_id tries started_at finished_at reason");
    for (size_t at = 0; (row = next_row(sagas, call, &at)) != NULL;) {
        const struct cell step = COLUMN(row, call, "step");
        if (!cells_have(&wanted, COLUMN(row, call, "id")))
            continue;
        answer_add(call, sagas, row_seen(row, call->tx),
                   "id step step step_state command_id tries step_started_at step_finished_at "
                   "step_reason");
        const bool is_undo = cell_is(step, "undo_hold") || cell_is(step, "release_authorization");
        struct cell *answer =
            &call->answer.cells[(call->answer.row_count - 1) * ANSWER_COLUMNS_MAX];
        answer[2] = cell_text(is_undo ? "undo" : "do");
    }
    answer_sort(call, 1);
    return OK;
}

/* Into the operators' audit, which nothing here asks. */
static enum status record_deed(struct call *call, struct error *err)
{
    (void)err;
    answer_add(call, NULL, NULL, "");
    return OK;
}

#define LOADED                                                                                     \
    "id type lane authorization_id account_id user_id tenant_id amount_minor currency state step " \
    "command_id command_event_id tries deadline_at started_at step_started_at version "            \
    "origin_traceparent last_traceparent tracestate reason step_state step_finished_at "           \
    "step_reason"

const struct model SAGA_MODELS[] = {
    {"saga.load_sagas", MODEL_SELECT, T_SAGA, "lane[]= authorization_id[]=", LOADED},
    {"saga.load_new_sagas", MODEL_SELECT, T_SAGA, "lane[]= authorization_id[]= type=", LOADED},
    {"saga.read_clock", MODEL_OWN, .run = read_clock},
    {"saga.insert_sagas", MODEL_INSERT, T_SAGA,
     "lane[] id[] type[] authorization_id[] account_id[] user_id[] tenant_id[] amount_minor[] "
     "currency[] state[] step[] command_id[] command_event_id[] tries[] deadline_at[] "
     "started_at[] step_started_at[] updated_at[] version[] origin_traceparent[] "
     "last_traceparent[] tracestate[] reason[] step_state[] step_finished_at[] step_reason[]"},
    {"saga.update_sagas", MODEL_UPDATE, T_SAGA,
     "lane[]= id[]= authorization_id[]= state[] step[] command_id[] command_event_id[] tries[] "
     "deadline_at[] step_started_at[] updated_at[] version[] last_traceparent[] reason[] "
     "step_state[] step_finished_at[] step_reason[]"},
    {"saga.save_steps", MODEL_INSERT, T_SAGA_STEP,
     "lane[] saga_id[] step[] op[] state[] command_id[] tries[] started_at[] finished_at[] "
     "reason[]"},
    {"saga.read_saga", MODEL_OWN, .run = read_saga},
    {"saga.read_steps", MODEL_OWN, .run = read_steps},
    {"saga.record_deed", MODEL_OWN, .run = record_deed},
    {"saga.find_due_sagas", MODEL_OWN, .run = find_due_sagas},
    {"saga.find_unsent_commands", MODEL_OWN, .run = find_unsent_commands},
    {"saga.count_active_sagas", MODEL_OWN, .run = say_none},
    {NULL, MODEL_OWN},
};
