/* What a batch writes: new accounts, steps, holds, journals, entries, balances, chain heads,
 * answers; always in this order, under the locks of its chain heads. */
#include "ledger/store.h"

#include "base/arena.h"
#include "base/assert.h"
#include "ledger_sql.h"
#include "platform/messaging/outbox.h"
#include "platform/postgres/sql_columns.h"

#include <stdlib.h>

static void send_new_accounts(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    SQL_COLUMNS_INIT(&columns, batch->arena, batch->account_count, SQL_I16, SQL_UUID, SQL_TEXT,
                     SQL_TEXT, SQL_TEXT, SQL_TEXT);
    for (size_t at = 0; at < batch->account_count; at++) {
        const struct account_row *row = &batch->accounts[at];
        const struct ledger_account *account = &row->account;
        if (row->is_known)
            continue;
        sql_columns_add_i64(&columns, row->lane);
        sql_columns_add_uuid(&columns, &account->id);
        sql_columns_add_name(&columns,
                             ledger_account_code(batch->arena, account->kind, &account->id));
        sql_columns_add_name(&columns, ledger_account_kind_name(account->kind));
        sql_columns_add_name(&columns, account->currency->code);
        sql_columns_add_name(&columns, side_name(ledger_account_normal_side(account->kind)));
    }
    if (!sql_columns_is_empty(&columns))
        sql_columns_send(&columns, db, SQL_OPEN_ACCOUNTS);
}

static void send_steps(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    SQL_COPY_INIT(&columns, batch->arena, batch->step_count, SQL_I16, SQL_UUID, SQL_TEXT, SQL_TEXT,
                  SQL_UUID, SQL_UUID, SQL_TEXT, SQL_TEXT, SQL_I64, SQL_TEXT, SQL_UUID, SQL_I64,
                  SQL_TIME);
    for (size_t at = 0; at < batch->step_count; at++) {
        const struct step_row *row = &batch->steps[at];
        if (!row->is_new)
            continue;
        sql_columns_add_i64(&columns, row->lane);
        sql_columns_add_uuid(&columns, &row->saga_id);
        sql_columns_add_name(&columns, ledger_step_name(row->step));
        sql_columns_add_name(&columns, ledger_op_name(row->op));
        sql_columns_add_uuid(&columns, &row->command_id);
        sql_columns_add_uuid(&columns, &row->authorization_id);
        sql_columns_add_name(&columns, ledger_outcome_name(row->outcome));
        sql_columns_add_name(&columns, ledger_reason_name(row->reason));
        sql_columns_add_i64(&columns, row->amount_minor);
        sql_columns_add_name(&columns, row->currency->code);
        sql_columns_add_uuid(&columns, &row->journal_id);
        sql_columns_add_i64(&columns, row->version);
        sql_columns_add_time(&columns, batch->now_us);
    }
    if (!sql_columns_is_empty(&columns))
        sql_columns_send(&columns, db, SQL_SAVE_STEPS);
}

static void add_hold(struct sql_columns *columns, const struct hold_row *row)
{
    sql_columns_add_i64(columns, row->lane);
    sql_columns_add_uuid(columns, &row->authorization_id);
    sql_columns_add_uuid(columns, &row->account_id);
    sql_columns_add_name(columns, row->hold.currency->code);
    sql_columns_add_name(columns, ledger_hold_status_name(row->hold.status));
    sql_columns_add_i64(columns, row->hold.recorded_minor);
    sql_columns_add_i64(columns, row->hold.pending_minor);
    sql_columns_add_i64(columns, row->hold.version);
    sql_columns_add_uuid(columns, &row->hold.journal_id);
}

static void send_holds(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns made, changed;
    SQL_COPY_INIT(&made, batch->arena, batch->hold_count, SQL_I16, SQL_UUID, SQL_UUID, SQL_TEXT,
                  SQL_TEXT, SQL_I64, SQL_I64, SQL_I64, SQL_UUID);
    SQL_COLUMNS_INIT(&changed, batch->arena, 0, SQL_I16, SQL_UUID, SQL_UUID, SQL_TEXT, SQL_TEXT,
                     SQL_I64, SQL_I64, SQL_I64, SQL_UUID);
    for (size_t at = 0; at < batch->hold_count; at++) {
        const struct hold_row *row = &batch->holds[at];
        if (row->is_changed)
            add_hold(row->is_known ? &changed : &made, row);
    }
    if (!sql_columns_is_empty(&made))
        sql_columns_send(&made, db, SQL_SAVE_HOLDS);
    if (!sql_columns_is_empty(&changed))
        sql_columns_send(&changed, db, SQL_CHANGE_HOLDS);
}

static void send_journals(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    SQL_COPY_INIT(&columns, batch->arena, batch->journal_count, SQL_I16, SQL_I64, SQL_UUID,
                  SQL_TEXT, SQL_UUID, SQL_UUID, SQL_UUID, SQL_TEXT, SQL_TEXT, SQL_BYTES, SQL_BYTES,
                  SQL_TIME);
    for (size_t at = 0; at < batch->journal_count; at++) {
        const struct journal *journal = &batch->journals[at];
        sql_columns_add_i64(&columns, journal->lane);
        sql_columns_add_i64(&columns, journal->chain_seq);
        sql_columns_add_uuid(&columns, &journal->id);
        sql_columns_add_name(&columns, journal_type_name(journal->type));
        sql_columns_add_uuid(&columns, &journal->authorization_id);
        sql_columns_add_uuid(&columns, &journal->saga_id);
        sql_columns_add_uuid(&columns, &journal->command_id);
        sql_columns_add_name(&columns, journal->currency->code);
        sql_columns_add_name(&columns, journal->trace_id);
        sql_columns_add_hash(&columns, &journal->previous_hash);
        sql_columns_add_hash(&columns, &journal->hash);
        sql_columns_add_time(&columns, journal->created_at_us);
    }
    sql_columns_send(&columns, db, SQL_SAVE_JOURNALS);
}

static void add_entries(struct sql_columns *columns, const struct journal *journal)
{
    for (int line = 1; line <= journal->entry_count; line++) {
        const struct entry *entry = &journal->entries[line - 1];
        sql_columns_add_i64(columns, journal->lane);
        sql_columns_add_i64(columns, journal->chain_seq);
        sql_columns_add_i64(columns, line);
        sql_columns_add_uuid(columns, &entry->ledger_account_id);
        sql_columns_add_name(columns, side_name(entry->side));
        sql_columns_add_name(columns, layer_name(entry->layer));
        sql_columns_add_i64(columns, entry->amount_minor);
        sql_columns_add_name(columns, journal->currency->code);
    }
}

static void send_entries(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    SQL_COPY_INIT(&columns, batch->arena, 2 * batch->journal_count, SQL_I16, SQL_I64, SQL_I16,
                  SQL_UUID, SQL_TEXT, SQL_TEXT, SQL_I64, SQL_TEXT);
    for (size_t at = 0; at < batch->journal_count; at++)
        add_entries(&columns, &batch->journals[at]);
    sql_columns_send(&columns, db, SQL_SAVE_ENTRIES);
}

/* ---- balances -------------------------------------------------------------------------------- */

/* What a batch adds to one balance. */
struct balance_sum {
    int lane;
    struct uuid ledger_account_id;
    const struct currency *currency;
    enum layer layer;
    int64_t minor[2]; /* by enum side */
};

static int compare_balances(const void *one, const void *other)
{
    const struct balance_sum *a = one, *b = other;
    if (a->lane != b->lane)
        return a->lane - b->lane;
    const int by_account = uuid_compare(&a->ledger_account_id, &b->ledger_account_id);
    if (by_account != 0)
        return by_account;
    const int by_currency = strcmp(a->currency->code, b->currency->code);
    return by_currency != 0 ? by_currency : (int)a->layer - (int)b->layer;
}

static void add_minor(int64_t *sum_minor, int64_t minor)
{
    ASSERT(!__builtin_add_overflow(*sum_minor, minor, sum_minor));
}

/* One sum for each entry, in the order of the balances. */
static struct balance_sum *sort_entries(const struct ledger_batch *batch, size_t *count_out)
{
    struct balance_sum *sums = ARENA_NEW_ARRAY(batch->arena, struct balance_sum,
                                               JOURNAL_ENTRIES_MAX * batch->journal_count);
    size_t count = 0;
    for (size_t at = 0; at < batch->journal_count; at++) {
        const struct journal *journal = &batch->journals[at];
        for (int line = 0; line < journal->entry_count; line++) {
            const struct entry *entry = &journal->entries[line];
            struct balance_sum *sum = &sums[count++];
            *sum = (struct balance_sum){.lane = journal->lane,
                                        .ledger_account_id = entry->ledger_account_id,
                                        .currency = journal->currency,
                                        .layer = entry->layer};
            sum->minor[entry->side] = entry->amount_minor;
        }
    }
    qsort(sums, count, sizeof *sums, compare_balances);
    *count_out = count;
    return sums;
}

/* The entries once more, summed for each balance that they change. */
static void send_balances(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    size_t count;
    const struct balance_sum *sums = sort_entries(batch, &count);
    SQL_COLUMNS_INIT(&columns, batch->arena, count, SQL_I16, SQL_UUID, SQL_TEXT, SQL_TEXT, SQL_I64,
                     SQL_I64);
    for (size_t at = 0; at < count;) {
        struct balance_sum sum = sums[at++];
        for (; at < count && compare_balances(&sums[at], &sum) == 0; at++) {
            add_minor(&sum.minor[SIDE_DEBIT], sums[at].minor[SIDE_DEBIT]);
            add_minor(&sum.minor[SIDE_CREDIT], sums[at].minor[SIDE_CREDIT]);
        }
        sql_columns_add_i64(&columns, sum.lane);
        sql_columns_add_uuid(&columns, &sum.ledger_account_id);
        sql_columns_add_name(&columns, sum.currency->code);
        sql_columns_add_name(&columns, layer_name(sum.layer));
        sql_columns_add_i64(&columns, sum.minor[SIDE_DEBIT]);
        sql_columns_add_i64(&columns, sum.minor[SIDE_CREDIT]);
    }
    sql_columns_send(&columns, db, SQL_SAVE_BALANCES);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void send_chains(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    SQL_COLUMNS_INIT(&columns, batch->arena, LANE_COUNT, SQL_I16, SQL_I64, SQL_BYTES);
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        const struct chain *chain = &batch->chains[lane];
        if (!chain->is_moved)
            continue;
        sql_columns_add_i64(&columns, lane);
        sql_columns_add_i64(&columns, chain->chain_seq);
        sql_columns_add_hash(&columns, &chain->hash);
    }
    sql_columns_send(&columns, db, SQL_MOVE_CHAINS);
}

enum status ledger_store_save_batch(struct db *db, const struct ledger_batch *batch,
                                    const struct outbox *answers, struct error *err)
{
    send_new_accounts(db, batch);
    send_steps(db, batch);
    send_holds(db, batch);
    if (batch->journal_count > 0) {
        send_journals(db, batch);
        send_entries(db, batch);
        send_balances(db, batch);
        send_chains(db, batch);
    }
    outbox_send(answers, db, batch->now_us);
    db_send_commit(db);
    return db_run(db, err);
}
