/* Opening accounts, in an SQL transaction of its own: nothing else is locked meanwhile. */
#include "authorization/store.h"

#include "authorization/decide.h"
#include "authorization_sql.h"
#include "base/arena.h"
#include "platform/postgres/sql_columns.h"

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

/* The time at which the last of them was opened; 0: none was. */
static int64_t read_opened(struct sql_rows rows, struct store_openings *openings)
{
    int64_t opened_us = 0;
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, OPEN_ACCOUNTS_ID);
        for (size_t at = 0; at < openings->count; at++)
            openings->opened[at] |= uuid_equals(&openings->accounts[at].id, &id);
        opened_us = sql_time(rows, row, OPEN_ACCOUNTS_OPENED_AT);
    }
    return opened_us;
}

static void add_events(struct outbox *outbox, const struct store_openings *openings)
{
    for (size_t at = 0; at < openings->count; at++) {
        const struct item *opener = openings->openers[at];
        if (!openings->opened[at])
            continue;
        const struct event_cause cause = {
            .event_id = uuid_make_v7(), .trace = opener->trace, .traceparent = opener->traceparent};
        event_account(outbox, &openings->accounts[at], "account.opened", NULL, &cause);
    }
}

enum status store_open_accounts(struct db *db, struct arena *arena, struct store_openings *openings,
                                struct error *err)
{
    struct outbox outbox;
    db_send_begin(db);
    send_open(db, arena, openings->accounts, openings->count);
    TRY(db_run(db, err));
    const int64_t opened_us = read_opened(db_rows(db, 1), openings);
    outbox_init(&outbox, arena, openings->count);
    add_events(&outbox, openings);
    outbox_send(&outbox, db, opened_us);
    db_send_commit(db);
    return db_run(db, err);
}
