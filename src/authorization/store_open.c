/* Opening accounts, in an SQL transaction of its own: nothing else is locked meanwhile. */
#include "authorization/store.h"

#include "authorization/decide.h"
#include "authorization_sql.h"
#include "base/arena.h"
#include "base/assert.h"

static void send_open(struct db *db, struct arena *arena, const struct account *accounts,
                      size_t count)
{
    static const enum sql_type TYPES[] = {SQL_I16,  SQL_UUID, SQL_TEXT, SQL_TEXT,
                                          SQL_TEXT, SQL_TEXT, SQL_I64};
    struct sql_array columns[COUNT(TYPES)];
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_array_init(&columns[at], arena, TYPES[at], count);
    for (size_t at = 0; at < count; at++) {
        const struct account *account = &accounts[at];
        struct sql_array *column = columns;
        sql_array_add_i64(column++, account->lane);
        sql_array_add_uuid(column++, &account->id);
        sql_array_add_text(column++, TENANT);
        sql_array_add_text(column++, account->user_id);
        sql_array_add_text(column++, text_of(account_status_name(account->status)));
        sql_array_add_text(column++, text_of(account->currency->code));
        sql_array_add_i64(column++, account->limit_minor);
    }
    struct sql_args args;
    sql_args_init(&args, arena);
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_add_array(&args, &columns[at]);
    db_send(db, SQL_OPEN_ACCOUNTS, &args);
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
