/* Opening accounts, in an SQL transaction of its own: nothing else is locked meanwhile. */
#include "authorization/store.h"

#include "authorization/decide.h"
#include "authorization_sql.h"
#include "base/arena.h"
#include "platform/sql_columns.h"

static void send_open(struct db *db, struct arena *arena, const struct account *accounts,
                      size_t count)
{
    struct sql_columns columns;
    SQL_COLUMNS_INIT(&columns, arena, count, SQL_I16, SQL_UUID, SQL_TEXT, SQL_TEXT, SQL_TEXT,
                     SQL_TEXT, SQL_I64);
    for (size_t at = 0; at < count; at++) {
        const struct account *account = &accounts[at];
        sql_columns_add_i64(&columns, account->lane);
        sql_columns_add_uuid(&columns, &account->id);
        sql_columns_add_text(&columns, TENANT);
        sql_columns_add_text(&columns, account->user_id);
        sql_columns_add_name(&columns, account_status_name(account->status));
        sql_columns_add_name(&columns, account->currency->code);
        sql_columns_add_i64(&columns, account->limit_minor);
    }
    sql_columns_send(&columns, db, SQL_OPEN_ACCOUNTS);
}

static void read_opened(struct sql_rows rows, const struct account *accounts, size_t count,
                        bool *opened)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, OPEN_ACCOUNTS_ID);
        for (size_t at = 0; at < count; at++)
            opened[at] |= uuid_equals(&accounts[at].id, &id);
    }
}

enum status store_open_accounts(struct db *db, struct arena *arena, struct item *const *openers,
                                const struct account *accounts, size_t count, bool *opened_out,
                                struct error *err)
{
    struct outbox outbox;
    db_send_begin(db);
    send_open(db, arena, accounts, count);
    TRY(db_run(db, err));
    read_opened(db_rows(db, 1), accounts, count, opened_out);
    outbox_init(&outbox, arena, count);
    for (size_t at = 0; at < count; at++) {
        if (!opened_out[at])
            continue;
        const struct event_cause cause = {.event_id = uuid_make_v7(),
                                          .trace = openers[at]->trace,
                                          .traceparent = openers[at]->traceparent};
        event_account(&outbox, &accounts[at], "account.opened", NULL, &cause);
    }
    outbox_send(&outbox, db);
    db_send_commit(db);
    return db_run(db, err);
}
