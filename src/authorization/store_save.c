/* Saving a batch: tables in one fixed order, every array sorted by its unique key, one commit. */
#include "authorization/store.h"

#include "authorization_sql.h"
#include "base/arena.h"
#include "base/assert.h"

#include <stdlib.h>

static const int64_t DAY_US = 86400LL * 1000000;
/* Longer than any SQL transaction of this service lives (its statements time out before). */
static const int64_t MIDNIGHT_US = 60LL * 1000000;

/* ---- authorizations -------------------------------------------------------------------------- */

enum { AUTHORIZATION_COLUMNS = 20 };

static const enum sql_type AUTHORIZATION_TYPES[AUTHORIZATION_COLUMNS] = {
    SQL_I16,  SQL_UUID, SQL_TEXT, SQL_I64,   SQL_TEXT, SQL_TEXT, SQL_TEXT,
    SQL_TEXT, SQL_TEXT, SQL_UUID, SQL_TEXT,  SQL_I64,  SQL_I64,  SQL_I64,
    SQL_TIME, SQL_UUID, SQL_TEXT, SQL_BYTES, SQL_I16,  SQL_TIME,
};

static void add_nullable_uuid(struct sql_array *array, const struct uuid *id)
{
    if (uuid_is_nil(id))
        sql_array_add_null(array);
    else
        sql_array_add_uuid(array, id);
}

static void add_nullable_time(struct sql_array *array, int64_t time_us)
{
    if (time_us == 0)
        sql_array_add_null(array);
    else
        sql_array_add_i64(array, time_us);
}

/* In the order of insert_authorizations' parameters. */
static void add_authorization(struct sql_array *column, const struct authorization *a,
                              struct arena *arena)
{
    sql_array_add_i64(column++, a->lane);
    sql_array_add_uuid(column++, &a->id);
    sql_array_add_text(column++, text_of(authorization_status_name(a->status)));
    sql_array_add_i64(column++, a->remaining_minor);
    sql_array_add_text(column++, text_of(decision_code_name(a->decision.code)));
    sql_array_add_text(column++, decision_reasons_text(arena, a->decision.reasons));
    sql_array_add_text(column++, TENANT);
    sql_array_add_text(column++, a->transaction_id);
    sql_array_add_text(column++, a->user_id);
    sql_array_add_uuid(column++, &a->account_id);
    sql_array_add_text(column++, text_of(a->currency->code));
    sql_array_add_i64(column++, a->requested_minor);
    sql_array_add_i64(column++, a->approved_minor);
    sql_array_add_i64(column++, a->available_minor);
    add_nullable_time(column++, a->expires_at_us);
    add_nullable_uuid(column++, &a->saga_id);
    sql_array_add_text(column++, a->trace_id);
    sql_array_add_bytes(column++, a->fingerprint.bytes, sizeof a->fingerprint.bytes);
    sql_array_add_i64(column++, 1);
    sql_array_add_i64(column++, a->created_at_us);
}

static void send_authorizations(struct batch *b)
{
    struct sql_array columns[AUTHORIZATION_COLUMNS];
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_array_init(&columns[at], b->arena, AUTHORIZATION_TYPES[at], b->count);
    for (size_t at = 0; at < b->authorization_count; at++)
        if (b->authorizations[at]->is_new)
            add_authorization(columns, &b->authorizations[at]->authorization, b->arena);
    if (columns[0].count == 0)
        return;
    struct sql_args args;
    sql_args_init(&args, b->arena);
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_add_array(&args, &columns[at]);
    db_send(b->db, SQL_INSERT_AUTHORIZATIONS, &args);
}

/* ---- what became of authorizations ------------------------------------------------------------
 */

static void add_change(struct sql_array *column, const struct batch_authorization *of,
                       const struct authorization_change *change)
{
    sql_array_add_i64(column++, of->authorization.lane);
    sql_array_add_uuid(column++, &change->authorization_id);
    sql_array_add_i64(column++, change->version);
    sql_array_add_text(column++, text_of(authorization_status_name(change->status)));
    sql_array_add_i64(column++, change->amount_minor);
    sql_array_add_text(column++, change->changed_by);
    sql_array_add_text(column++, change->reason);
    sql_array_add_text(column++, of->authorization.trace_id);
}

static void send_changes(struct batch *b)
{
    static const enum sql_type TYPES[] = {SQL_I16, SQL_UUID, SQL_I64,  SQL_TEXT,
                                          SQL_I64, SQL_TEXT, SQL_TEXT, SQL_TEXT};
    struct sql_array columns[COUNT(TYPES)];
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_array_init(&columns[at], b->arena, TYPES[at], 16);
    for (size_t at = 0; at < b->authorization_count; at++) {
        const struct batch_authorization *of = b->authorizations[at];
        for (size_t new = of->change_count - of->changes_new; new < of->change_count; new ++)
            add_change(columns, of, &of->changes[new]);
    }
    if (columns[0].count == 0)
        return;
    struct sql_args args;
    sql_args_init(&args, b->arena);
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_add_array(&args, &columns[at]);
    sql_add_time(&args, b->now_us);
    db_send(b->db, SQL_INSERT_CHANGES, &args);
}

static void send_released(struct batch *b)
{
    struct sql_array lanes, ids, statuses, versions;
    sql_array_init(&lanes, b->arena, SQL_I16, 16);
    sql_array_init(&ids, b->arena, SQL_UUID, 16);
    sql_array_init(&statuses, b->arena, SQL_TEXT, 16);
    sql_array_init(&versions, b->arena, SQL_I64, 16);
    for (size_t at = 0; at < b->authorization_count; at++) {
        const struct authorization *a = &b->authorizations[at]->authorization;
        if (b->authorizations[at]->changes_new == 0 || b->authorizations[at]->is_new)
            continue;
        sql_array_add_i64(&lanes, a->lane);
        sql_array_add_uuid(&ids, &a->id);
        sql_array_add_text(&statuses, text_of(authorization_status_name(a->status)));
        sql_array_add_i64(&versions, a->version);
    }
    if (ids.count == 0)
        return;
    struct sql_args args;
    sql_args_init(&args, b->arena);
    sql_add_array(&args, &lanes);
    sql_add_array(&args, &ids);
    sql_add_array(&args, &statuses);
    sql_add_array(&args, &versions);
    db_send(b->db, SQL_UPDATE_RELEASED, &args);
}

/* ---- transaction ids and keys -----------------------------------------------------------------
 */

static void send_transactions(struct batch *b)
{
    struct sql_array keys, lanes, ids;
    sql_array_init(&keys, b->arena, SQL_UUID, b->count);
    sql_array_init(&lanes, b->arena, SQL_I16, b->count);
    sql_array_init(&ids, b->arena, SQL_UUID, b->count);
    for (size_t at = 0; at < b->count; at++) {
        const struct item *item = b->items[at];
        const struct batch_authorization *decided =
            uuid_map_find(b->authorizations_by_id, &item->authorization_id);
        if (item->op != ITEM_AUTHORIZE || decided == NULL || !decided->is_new)
            continue;
        sql_array_add_uuid(&keys, &item->transaction_key);
        sql_array_add_i64(&lanes, item->lane);
        sql_array_add_uuid(&ids, &item->authorization_id);
    }
    if (ids.count == 0)
        return;
    struct sql_args args;
    sql_args_init(&args, b->arena);
    sql_add_array(&args, &keys);
    sql_add_array(&args, &lanes);
    sql_add_array(&args, &ids);
    db_send(b->db, SQL_INSERT_TRANSACTIONS, &args);
}

/* Around midnight a key goes into both days: two SQL transactions on either side of it must still
 * meet in one unique index, or one key could have two outcomes. */
static size_t days_of(int64_t now_us, int64_t days_out[static 2])
{
    const int64_t into_day_us = now_us % DAY_US;
    days_out[0] = now_us - into_day_us;
    if (into_day_us < MIDNIGHT_US) {
        days_out[1] = days_out[0] - DAY_US;
        return 2;
    }
    if (into_day_us >= DAY_US - MIDNIGHT_US) {
        days_out[1] = days_out[0] + DAY_US;
        return 2;
    }
    return 1;
}

static void add_key(struct sql_array *column, const struct batch_key *key, int64_t day_us)
{
    const struct authorization *a = &key->authorization->authorization;
    sql_array_add_bytes(column++, key->new_for->key_hash.bytes, 32);
    sql_array_add_i64(column++, day_us);
    sql_array_add_bytes(column++, key->fingerprint.bytes, sizeof key->fingerprint.bytes);
    sql_array_add_i64(column++, a->lane);
    sql_array_add_uuid(column++, &a->id);
    sql_array_add_i64(column++, key->version);
    sql_array_add_i64(column++, key->http_status);
    sql_array_add_bool(column++, key->shows_reasons);
}

static void send_keys(struct batch *b)
{
    static const enum sql_type TYPES[] = {SQL_BYTES, SQL_TIME, SQL_BYTES, SQL_I16,
                                          SQL_UUID,  SQL_I64,  SQL_I16,   SQL_BOOL};
    struct sql_array columns[COUNT(TYPES)];
    int64_t days_us[2];
    const size_t day_count = days_of(b->now_us, days_us);
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_array_init(&columns[at], b->arena, TYPES[at], b->key_count * day_count + 1);
    for (size_t at = 0; at < b->key_count; at++)
        for (size_t day = 0; day < day_count; day++)
            add_key(columns, b->keys_new[at], days_us[day]);
    if (columns[0].count == 0)
        return;
    struct sql_args args;
    sql_args_init(&args, b->arena);
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_add_array(&args, &columns[at]);
    sql_add_time(&args, b->now_us);
    sql_add_i64(&args, b->policy->key_ttl_s);
    db_send(b->db, SQL_INSERT_KEYS, &args);
}

/* ---- accounts ---------------------------------------------------------------------------------
 */

static void add_account(struct sql_array *column, const struct account *account)
{
    sql_array_add_i64(column++, account->lane);
    sql_array_add_uuid(column++, &account->id);
    sql_array_add_text(column++, text_of(account_status_name(account->status)));
    sql_array_add_i64(column++, account->limit_minor);
    sql_array_add_i64(column++, account->held_minor);
    add_nullable_time(column++, account->next_expiry_us);
    sql_array_add_i64(column++, account->version);
}

static void send_accounts(struct batch *b)
{
    static const enum sql_type TYPES[] = {SQL_I16, SQL_UUID, SQL_TEXT, SQL_I64,
                                          SQL_I64, SQL_TIME, SQL_I64};
    struct sql_array columns[COUNT(TYPES)];
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_array_init(&columns[at], b->arena, TYPES[at], b->account_count);
    for (size_t at = 0; at < b->account_count; at++)
        if (b->accounts[at].dirty)
            add_account(columns, &b->accounts[at].account);
    if (columns[0].count == 0)
        return;
    struct sql_args args;
    sql_args_init(&args, b->arena);
    for (size_t at = 0; at < COUNT(columns); at++)
        sql_add_array(&args, &columns[at]);
    db_send(b->db, SQL_UPDATE_ACCOUNTS, &args);
}

/* ---- all of it --------------------------------------------------------------------------------
 */

enum status store_save(struct batch *b, struct error *err)
{
    send_authorizations(b);
    send_changes(b);
    send_released(b);
    send_transactions(b);
    send_keys(b);
    send_accounts(b);
    outbox_send(&b->outbox, b->db);
    db_send_commit(b->db);
    return db_run(b->db, err);
}
