/* What a batch reads, in the order of its locks: inbox, chain heads, and what they protect. A later
 * statement of the trip has a newer snapshot, so it sees what the lock waited for. */
#include "ledger/store.h"

#include "base/assert.h"
#include "ledger/metrics.h"
#include "ledger_sql.h"
#include "platform/messaging/consumer.h"
#include "platform/messaging/inbox.h"
#include "platform/postgres/sql_columns.h"

const struct sql_statement *const *const ledger_store_statements = ledger_statements;

/* Places in the round trip. */
enum { TRIP_BEGIN, TRIP_CLAIMS, TRIP_CHAINS, TRIP_ACCOUNTS, TRIP_STEPS, TRIP_HOLDS, TRIP_CLOCK };

static void send_lock_chains(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    SQL_COLUMNS_INIT(&columns, batch->arena, LANE_COUNT, SQL_I16);
    for (int lane = 0; lane < LANE_COUNT; lane++)
        if (batch->chains[lane].is_wanted)
            sql_columns_add_i64(&columns, lane);
    sql_columns_send(&columns, db, SQL_LOCK_CHAINS);
}

static void send_find_accounts(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    SQL_COLUMNS_INIT(&columns, batch->arena, batch->account_count, SQL_I16, SQL_UUID);
    for (size_t at = 0; at < batch->account_count; at++) {
        sql_columns_add_i64(&columns, batch->accounts[at].lane);
        sql_columns_add_uuid(&columns, &batch->accounts[at].account.id);
    }
    sql_columns_send(&columns, db, SQL_FIND_ACCOUNTS);
}

static void send_find_steps(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    SQL_COLUMNS_INIT(&columns, batch->arena, batch->step_count, SQL_I16, SQL_UUID, SQL_TEXT,
                     SQL_TEXT);
    for (size_t at = 0; at < batch->step_count; at++) {
        const struct step_row *row = &batch->steps[at];
        sql_columns_add_i64(&columns, row->lane);
        sql_columns_add_uuid(&columns, &row->saga_id);
        sql_columns_add_name(&columns, ledger_step_name(row->step));
        sql_columns_add_name(&columns, ledger_op_name(row->op));
    }
    sql_columns_send(&columns, db, SQL_FIND_STEPS);
}

static void send_find_holds(struct db *db, const struct ledger_batch *batch)
{
    struct sql_columns columns;
    SQL_COLUMNS_INIT(&columns, batch->arena, batch->hold_count, SQL_I16, SQL_UUID);
    for (size_t at = 0; at < batch->hold_count; at++) {
        sql_columns_add_i64(&columns, batch->holds[at].lane);
        sql_columns_add_uuid(&columns, &batch->holds[at].authorization_id);
    }
    sql_columns_send(&columns, db, SQL_FIND_HOLDS);
}

/* ---- reading the answers --------------------------------------------------------------------- */

/* Whatever a table names, the domain knows: its own constraints and this program wrote it. */
static const struct currency *read_currency(struct sql_rows rows, int row, int column)
{
    const struct currency *currency = currency_find(sql_text(rows, row, column));
    ASSERT(currency != NULL);
    return currency;
}

static struct uuid read_uuid_or_nil(struct sql_rows rows, int row, int column)
{
    if (sql_is_null(rows, row, column))
        return (struct uuid){{0}};
    return sql_uuid(rows, row, column);
}

static void read_chains(struct sql_rows rows, struct ledger_batch *batch)
{
    for (int row = 0; row < rows.count; row++) {
        struct chain *chain = &batch->chains[sql_i16(rows, row, LOCK_CHAINS_LANE)];
        chain->chain_seq = sql_i64(rows, row, LOCK_CHAINS_CHAIN_SEQ);
        chain->hash = sql_sha256(rows, row, LOCK_CHAINS_HASH);
    }
    if (rows.count > 0)
        metric_observe(&METRIC_LEDGER_LOCK_WAIT, 0,
                       sql_i64(rows, rows.count - 1, LOCK_CHAINS_WAITED_US));
}

static void read_accounts(struct sql_rows rows, struct ledger_batch *batch)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, FIND_ACCOUNTS_ID);
        struct account_row *found =
            ledger_batch_find_account(batch, sql_i16(rows, row, FIND_ACCOUNTS_LANE), &id);
        ASSERT(found != NULL);
        found->is_known = true;
        found->account.currency = read_currency(rows, row, FIND_ACCOUNTS_CURRENCY);
        ASSERT(ledger_account_status_parse(sql_text(rows, row, FIND_ACCOUNTS_STATUS),
                                           &found->account.status));
    }
}

static void read_steps(struct sql_rows rows, struct ledger_batch *batch)
{
    for (int row = 0; row < rows.count; row++) {
        struct step_row key = {.lane = sql_i16(rows, row, FIND_STEPS_LANE),
                               .saga_id = sql_uuid(rows, row, FIND_STEPS_SAGA_ID)};
        ASSERT(ledger_step_parse(sql_text(rows, row, FIND_STEPS_STEP), &key.step));
        ASSERT(ledger_op_parse(sql_text(rows, row, FIND_STEPS_OP), &key.op));
        struct step_row *found = ledger_batch_find_step(batch, &key);
        ASSERT(found != NULL);
        found->is_done = true;
        ASSERT(ledger_outcome_parse(sql_text(rows, row, FIND_STEPS_OUTCOME), &found->outcome));
        if (!sql_is_null(rows, row, FIND_STEPS_REASON))
            ASSERT(ledger_reason_parse(sql_text(rows, row, FIND_STEPS_REASON), &found->reason));
        found->amount_minor = sql_i64(rows, row, FIND_STEPS_AMOUNT_MINOR);
        found->currency = read_currency(rows, row, FIND_STEPS_CURRENCY);
        found->journal_id = read_uuid_or_nil(rows, row, FIND_STEPS_JOURNAL_ID);
        found->version = sql_i64(rows, row, FIND_STEPS_VERSION);
    }
}

static void read_holds(struct sql_rows rows, struct ledger_batch *batch)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, FIND_HOLDS_AUTHORIZATION_ID);
        struct hold_row *found =
            ledger_batch_find_hold(batch, sql_i16(rows, row, FIND_HOLDS_LANE), &id);
        ASSERT(found != NULL);
        found->is_known = true;
        found->account_id = sql_uuid(rows, row, FIND_HOLDS_ACCOUNT_ID);
        struct ledger_hold *hold = &found->hold;
        ASSERT(ledger_hold_status_parse(sql_text(rows, row, FIND_HOLDS_STATUS), &hold->status));
        hold->currency = read_currency(rows, row, FIND_HOLDS_CURRENCY);
        hold->recorded_minor = sql_i64(rows, row, FIND_HOLDS_RECORDED_MINOR);
        hold->pending_minor = sql_i64(rows, row, FIND_HOLDS_PENDING_MINOR);
        hold->version = sql_i64(rows, row, FIND_HOLDS_VERSION);
        hold->journal_id = read_uuid_or_nil(rows, row, FIND_HOLDS_JOURNAL_ID);
    }
}

enum status ledger_store_load_batch(struct db *db, struct ledger_batch *batch, struct error *err)
{
    db_send_begin(db);
    inbox_send_claims(db, batch->arena, "ledger", batch->deliveries, batch->count);
    send_lock_chains(db, batch);
    send_find_accounts(db, batch);
    send_find_steps(db, batch);
    send_find_holds(db, batch);
    db_send(db, SQL_READ_CLOCK, NULL);
    TRY(db_run(db, err));

    inbox_read_claims(db_rows(db, TRIP_CLAIMS), batch->deliveries, batch->count);
    read_chains(db_rows(db, TRIP_CHAINS), batch);
    read_accounts(db_rows(db, TRIP_ACCOUNTS), batch);
    read_steps(db_rows(db, TRIP_STEPS), batch);
    read_holds(db_rows(db, TRIP_HOLDS), batch);
    batch->now_us = sql_time(db_rows(db, TRIP_CLOCK), 0, READ_CLOCK_NOW);
    return OK;
}
