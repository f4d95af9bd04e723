/* The statements of src/platform/messaging/sql/: outbox, inbox, parked keys, dead letters. */
#include "base/assert.h"
#include "statement.h"

static const int64_t US_PER_MS = 1000;

static void fill_outbox(const struct call *call, struct cell *cells)
{
    const struct table *outbox = call_table(call, T_OUTBOX);
    cells[column_at(outbox, "seq")] = cell_i64(++server.sequences[call->schema][0]);
}

static void fill_parked(const struct call *call, struct cell *cells)
{
    cells[column_at(call_table(call, T_PARKED), "seq")] =
        cell_i64(++server.sequences[call->schema][1]);
}

static struct cell later(const struct call *call, int wait_param)
{
    return cell_time(server_now_us() + cell_to_i64(call_param(call, wait_param)) * US_PER_MS);
}

static void fill_parked_key(const struct call *call, struct cell *cells)
{
    const struct table *keys = call_table(call, T_PARKED_KEY);
    cells[column_at(keys, "attempts")] = cell_i32(1);
    cells[column_at(keys, "first_failed_at")] = cell_time(server_now_us());
    cells[column_at(keys, "next_try_at")] = later(call, 6);
}

/* Of the keys that are asked for, those that are parked. */
static enum status select_keys(struct call *call, struct error *err)
{
    const struct table *keys = call_table(call, T_PARKED_KEY);
    const struct cell group = call_param(call, 1);
    const struct cells topics = call_array(call, 2), wanted = call_array(call, 3);
    const bool locks = statement_says(call, "FOR UPDATE");
    struct row *row;
    for (size_t at = 0; (row = next_row(keys, call, &at)) != NULL;) {
        bool is_wanted = false;
        for (int nth = 0; nth < wanted.count && !is_wanted; nth++)
            is_wanted = cell_equals(COLUMN(row, call, "consumer_group"), group) &&
                        cell_equals(COLUMN(row, call, "key"), wanted.items[nth]) &&
                        cell_equals(COLUMN(row, call, "topic"), topics.items[nth]);
        if (!is_wanted)
            continue;
        if (locks)
            TRY(row_lock(row, call->tx, call->until_us, err));
        if (row_seen(row, call->tx) != NULL)
            answer_add(call, keys, row_seen(row, call->tx), "topic key");
    }
    return OK;
}

static enum status lock_due_key(struct call *call, struct error *err)
{
    (void)err;
    const struct table *keys = call_table(call, T_PARKED_KEY);
    struct row *row, *oldest = NULL;
    for (size_t at = 0; (row = next_row(keys, call, &at)) != NULL;) {
        const struct cell due = COLUMN(row, call, "next_try_at");
        if (!cell_equals(COLUMN(row, call, "consumer_group"), call_param(call, 1)) ||
            cell_to_time(due) > server_now_us() || (row->owner != NULL && row->owner != call->tx))
            continue;
        if (oldest == NULL || cell_compare(due, COLUMN(oldest, call, "next_try_at")) < 0)
            oldest = row;
    }
    if (oldest == NULL)
        return OK;
    TRY(row_lock(oldest, call->tx, call->until_us, err));
    answer_add(call, keys, row_seen(oldest, call->tx), "topic key attempts first_failed_at");
    return OK;
}

/* Of the parked key that parameters 1 to 3 name. */
static bool is_of_key(const struct call *call, const struct row *row)
{
    return cell_equals(COLUMN(row, call, "consumer_group"), call_param(call, 1)) &&
           cell_equals(COLUMN(row, call, "topic"), call_param(call, 2)) &&
           cell_equals(COLUMN(row, call, "key"), call_param(call, 3));
}

static enum status read_parked_messages(struct call *call, struct error *err)
{
    (void)err;
    const struct table *parked = call_table(call, T_PARKED);
    struct row *row;
    for (size_t at = 0; (row = next_row(parked, call, &at)) != NULL;) {
        if (!is_of_key(call, row) || call->answer.row_count == cell_to_i64(call_param(call, 4)))
            continue;
        struct cell cells[COLUMNS_MAX];
        const int message_key = column_at(parked, "message_key");
        memcpy(cells, row_seen(row, call->tx), sizeof(struct cell) * (size_t)parked->column_count);
        if (cells[message_key].data == NULL)
            cells[message_key] = cells[column_at(parked, "key")];
        answer_add(call, parked, cells,
                   "seq message_key event_id partition offset published_at headers "
                   "redrive_traceparent payload");
    }
    return OK;
}

/* Deletes rows whose first column's namesake is in the array. */
static enum status delete_by_seq(struct call *call, enum table_id id, struct error *err)
{
    const struct table *table = call_table(call, id);
    const struct cells seqs = call_array(call, 1);
    struct row *row;
    for (size_t at = 0; (row = next_row(table, call, &at)) != NULL;) {
        if (!cells_have(&seqs, COLUMN(row, call, "seq")))
            continue;
        TRY(row_lock(row, call->tx, call->until_us, err));
        if (row_seen(row, call->tx) == NULL)
            continue;
        row_delete(row);
        call->answer.affected++;
    }
    return OK;
}

static enum status delete_parked_messages(struct call *call, struct error *err)
{
    return delete_by_seq(call, T_PARKED, err);
}

static struct row *find_key(const struct call *call)
{
    const struct cell key[] = {call_param(call, 1), call_param(call, 2), call_param(call, 3)};
    struct row *row = row_find(call_table(call, T_PARKED_KEY), key);
    return row == NULL || row_seen(row, call->tx) == NULL ? NULL : row;
}

static enum status update_parked_key(struct call *call, struct error *err)
{
    const struct table *keys = call_table(call, T_PARKED_KEY);
    struct row *row = find_key(call);
    if (row == NULL)
        return OK;
    TRY(row_lock(row, call->tx, call->until_us, err));
    struct cell *cells = row_change(row);
    const struct cell first_failed = call_param(call, 5);
    cells[column_at(keys, "attempts")] = cell_copy(call_param(call, 4));
    cells[column_at(keys, "first_failed_at")] =
        first_failed.data == NULL ? cell_time(server_now_us()) : cell_copy(first_failed);
    cells[column_at(keys, "next_try_at")] = later(call, 8);
    return OK;
}

static enum status delete_parked_key(struct call *call, struct error *err)
{
    const struct table *parked = call_table(call, T_PARKED);
    struct row *row = find_key(call), *message;
    if (row == NULL)
        return OK;
    for (size_t at = 0; (message = next_row(parked, call, &at)) != NULL;)
        if (is_of_key(call, message))
            return OK;
    TRY(row_lock(row, call->tx, call->until_us, err));
    row_delete(row);
    return OK;
}

static enum status say_none(struct call *call, struct error *err)
{
    (void)call, (void)err;
    return OK;
}

/* For /metrics. */
static enum status count_waiting(struct call *call, struct error *err)
{
    (void)err;
    answer_add(call, NULL, NULL, "");
    for (int column = 0; column < 6; column++)
        answer_add_cell(call, cell_i64(0));
    return OK;
}

const struct model MESSAGING_MODELS[] = {
    {"messaging.insert_outbox", MODEL_INSERT, T_OUTBOX,
     "lane[] id[] aggregatetype[] aggregateid[] partitionkey[] type[] sequence[] tenant_id[] "
     "payload[] saga_id[] command_id[] traceparent[] origin_traceparent[] tracestate[] headers[] "
     "created_at[]",
     NULL, fill_outbox},
    {"messaging.claim_inbox", MODEL_INSERT, T_INBOX, "consumer_group event_id[] traceparent[]",
     "event_id"},
    {"messaging.find_parked_keys", MODEL_OWN, .run = select_keys},
    {"messaging.lock_parked_keys", MODEL_OWN, .run = select_keys},
    {"messaging.insert_parked_keys", MODEL_INSERT, T_PARKED_KEY,
     "consumer_group topic[] key[] error_class[] reason[] -", NULL, fill_parked_key},
    {"messaging.insert_parked_messages", MODEL_INSERT, T_PARKED,
     "consumer_group topic[] key[] message_key[] event_id[] partition[] offset[] published_at[] "
     "headers[] payload[]",
     NULL, fill_parked},
    {"messaging.lock_due_key", MODEL_OWN, .run = lock_due_key},
    {"messaging.read_parked_messages", MODEL_OWN, .run = read_parked_messages},
    {"messaging.delete_parked_messages", MODEL_OWN, .run = delete_parked_messages},
    {"messaging.update_parked_key", MODEL_OWN, .run = update_parked_key},
    {"messaging.delete_parked_key", MODEL_OWN, .run = delete_parked_key},
    {"messaging.find_dead_letters", MODEL_OWN, .run = say_none},
    {"messaging.insert_dead_letters", MODEL_INSERT, T_DEAD_LETTER,
     "consumer_group - -[] -[] event_id[] -[] -[] -[] -[] -[] -[] -[] -[] -[] error_code[] "
     "reason[] -[] -[] -[] -[]"},
    {"messaging.delete_inbox", MODEL_OWN, .run = say_none},
    {"messaging.count_waiting", MODEL_OWN, .run = count_waiting},
    {NULL, MODEL_OWN},
};
