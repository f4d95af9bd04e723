/* What a batch writes: steps, holds, journals, entries, balances, chain heads, answers; always in
 * this order, under the locks of its chain heads. */
#include "ledger/store.h"

#include "ledger/columns.h"
#include "ledger_sql.h"
#include "platform/messaging/outbox.h"

static void send_steps(struct db *db, const struct ledger_batch *batch)
{
    struct columns columns;
    COLUMNS_INIT(&columns, batch->arena, batch->step_count, SQL_I16, SQL_UUID, SQL_TEXT, SQL_TEXT,
                 SQL_UUID, SQL_UUID, SQL_TEXT, SQL_TEXT, SQL_I64, SQL_TEXT, SQL_UUID, SQL_I64);
    for (size_t at = 0; at < batch->step_count; at++) {
        const struct step_row *row = &batch->steps[at];
        if (!row->is_new)
            continue;
        columns_add_i64(&columns, row->lane);
        columns_add_uuid(&columns, &row->saga_id);
        columns_add_name(&columns, ledger_step_name(row->step));
        columns_add_name(&columns, ledger_op_name(row->op));
        columns_add_uuid(&columns, &row->command_id);
        columns_add_uuid(&columns, &row->authorization_id);
        columns_add_name(&columns, ledger_outcome_name(row->outcome));
        columns_add_name(&columns, ledger_reason_name(row->reason));
        columns_add_i64(&columns, row->amount_minor);
        columns_add_name(&columns, row->currency->code);
        columns_add_uuid(&columns, &row->journal_id);
        columns_add_i64(&columns, row->version);
    }
    columns_send_at(&columns, db, SQL_SAVE_STEPS, batch->now_us);
}

static void send_holds(struct db *db, const struct ledger_batch *batch)
{
    struct columns columns;
    COLUMNS_INIT(&columns, batch->arena, batch->hold_count, SQL_I16, SQL_UUID, SQL_UUID, SQL_TEXT,
                 SQL_TEXT, SQL_I64, SQL_I64, SQL_I64, SQL_UUID);
    for (size_t at = 0; at < batch->hold_count; at++) {
        const struct hold_row *row = &batch->holds[at];
        if (!row->is_changed)
            continue;
        columns_add_i64(&columns, row->lane);
        columns_add_uuid(&columns, &row->authorization_id);
        columns_add_uuid(&columns, &row->account_id);
        columns_add_name(&columns, row->hold.currency->code);
        columns_add_name(&columns, ledger_hold_status_name(row->hold.status));
        columns_add_i64(&columns, row->hold.recorded_minor);
        columns_add_i64(&columns, row->hold.pending_minor);
        columns_add_i64(&columns, row->hold.version);
        columns_add_uuid(&columns, &row->hold.journal_id);
    }
    columns_send(&columns, db, SQL_SAVE_HOLDS);
}

static void send_journals(struct db *db, const struct ledger_batch *batch)
{
    struct columns columns;
    COLUMNS_INIT(&columns, batch->arena, batch->journal_count, SQL_I16, SQL_I64, SQL_UUID, SQL_TEXT,
                 SQL_UUID, SQL_UUID, SQL_UUID, SQL_TEXT, SQL_TEXT, SQL_BYTES, SQL_BYTES);
    for (size_t at = 0; at < batch->journal_count; at++) {
        const struct journal *journal = &batch->journals[at];
        columns_add_i64(&columns, journal->lane);
        columns_add_i64(&columns, journal->chain_seq);
        columns_add_uuid(&columns, &journal->id);
        columns_add_name(&columns, journal_type_name(journal->type));
        columns_add_uuid(&columns, &journal->authorization_id);
        columns_add_uuid(&columns, &journal->saga_id);
        columns_add_uuid(&columns, &journal->command_id);
        columns_add_name(&columns, journal->currency->code);
        columns_add_name(&columns, journal->trace_id);
        columns_add_hash(&columns, &journal->previous_hash);
        columns_add_hash(&columns, &journal->hash);
    }
    columns_send_at(&columns, db, SQL_SAVE_JOURNALS, batch->now_us);
}

static void add_entries(struct columns *columns, const struct journal *journal)
{
    for (int line = 1; line <= journal->entry_count; line++) {
        const struct entry *entry = &journal->entries[line - 1];
        columns_add_i64(columns, journal->lane);
        columns_add_i64(columns, journal->chain_seq);
        columns_add_i64(columns, line);
        columns_add_uuid(columns, &entry->ledger_account_id);
        columns_add_name(columns, side_name(entry->side));
        columns_add_name(columns, layer_name(entry->layer));
        columns_add_i64(columns, entry->amount_minor);
        columns_add_name(columns, journal->currency->code);
    }
}

static void send_entries(struct db *db, const struct ledger_batch *batch)
{
    struct columns columns;
    COLUMNS_INIT(&columns, batch->arena, 2 * batch->journal_count, SQL_I16, SQL_I64, SQL_I16,
                 SQL_UUID, SQL_TEXT, SQL_TEXT, SQL_I64, SQL_TEXT);
    for (size_t at = 0; at < batch->journal_count; at++)
        add_entries(&columns, &batch->journals[at]);
    columns_send(&columns, db, SQL_SAVE_ENTRIES);
}

/* The same entries once more, without their places: the statement sums them per account. */
static void send_balances(struct db *db, const struct ledger_batch *batch)
{
    struct columns columns;
    COLUMNS_INIT(&columns, batch->arena, 2 * batch->journal_count, SQL_I16, SQL_UUID, SQL_TEXT,
                 SQL_TEXT, SQL_I64, SQL_TEXT);
    for (size_t at = 0; at < batch->journal_count; at++) {
        const struct journal *journal = &batch->journals[at];
        for (int line = 0; line < journal->entry_count; line++) {
            const struct entry *entry = &journal->entries[line];
            columns_add_i64(&columns, journal->lane);
            columns_add_uuid(&columns, &entry->ledger_account_id);
            columns_add_name(&columns, side_name(entry->side));
            columns_add_name(&columns, layer_name(entry->layer));
            columns_add_i64(&columns, entry->amount_minor);
            columns_add_name(&columns, journal->currency->code);
        }
    }
    columns_send(&columns, db, SQL_SAVE_BALANCES);
}

static void send_chains(struct db *db, const struct ledger_batch *batch)
{
    struct columns columns;
    COLUMNS_INIT(&columns, batch->arena, LANE_COUNT, SQL_I16, SQL_I64, SQL_BYTES);
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        const struct chain *chain = &batch->chains[lane];
        if (!chain->is_moved)
            continue;
        columns_add_i64(&columns, lane);
        columns_add_i64(&columns, chain->chain_seq);
        columns_add_hash(&columns, &chain->hash);
    }
    columns_send(&columns, db, SQL_MOVE_CHAINS);
}

enum status ledger_store_save_batch(struct db *db, const struct ledger_batch *batch,
                                    const struct outbox *answers, struct error *err)
{
    send_steps(db, batch);
    send_holds(db, batch);
    if (batch->journal_count > 0) {
        send_journals(db, batch);
        send_entries(db, batch);
        send_balances(db, batch);
        send_chains(db, batch);
    }
    outbox_send(answers, db);
    db_send_commit(db);
    return db_run(db, err);
}
