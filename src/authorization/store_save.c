/* Saving a batch: tables in one fixed order, every array sorted by its unique key, one commit. */
#include "authorization/store.h"

#include "authorization_sql.h"
#include "base/arena.h"
#include "base/assert.h"
#include "domain/authorization_json.h"
#include "domain/idempotency.h"
#include "platform/postgres/sql_columns.h"

#include <stdlib.h>

#define UNIQUE_VIOLATION "23505" /* SQLSTATE */

/* ---- authorizations -------------------------------------------------------------------------- */

static void add_authorization(struct sql_columns *columns, const struct authorization *a)
{
    sql_columns_add_i64(columns, a->lane);
    sql_columns_add_uuid(columns, &a->id);
    sql_columns_add_name(columns, authorization_status_name(a->status));
    sql_columns_add_i64(columns, a->version);
    sql_columns_add_i64(columns, a->remaining_minor);
    sql_columns_add_name(columns,
                         authorization_status_name(a->status)); /* the decision, for ever */
    sql_columns_add_name(columns, decision_code_name(a->decision.code));
    sql_columns_add_text(columns, decision_reasons_text(columns->arena, a->decision.reasons));
    sql_columns_add_text(columns, TENANT);
    sql_columns_add_text(columns, a->transaction_id);
    sql_columns_add_text(columns, a->user_id);
    sql_columns_add_uuid(columns, &a->account_id);
    sql_columns_add_name(columns, a->currency->code);
    sql_columns_add_i64(columns, a->requested_minor);
    sql_columns_add_i64(columns, a->approved_minor);
    sql_columns_add_i64(columns, a->available_minor);
    sql_columns_add_i64(columns, a->limit_minor);
    sql_columns_add_i64(columns, a->held_minor);
    sql_columns_add_time(columns, a->expires_at_us);
    sql_columns_add_uuid(columns, &a->saga_id);
    sql_columns_add_text(columns, a->trace_id);
    sql_columns_add_hash(columns, &a->fingerprint);
    sql_columns_add_i64(columns, AUTHORIZATION_BODY_FORMAT);
    sql_columns_add_i64(columns, a->created_at_us);
}

static void send_authorizations(struct batch *b)
{
    struct sql_columns columns;
    SQL_COPY_INIT(&columns, b->arena, b->count, SQL_I16, SQL_UUID, SQL_TEXT, SQL_I64, SQL_I64,
                  SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_TEXT, SQL_UUID, SQL_TEXT,
                  SQL_I64, SQL_I64, SQL_I64, SQL_I64, SQL_I64, SQL_TIME, SQL_UUID, SQL_TEXT,
                  SQL_BYTES, SQL_I16, SQL_TIME);
    for (size_t at = 0; at < b->authorization_count; at++)
        if (b->authorizations[at]->is_new)
            add_authorization(&columns, &b->authorizations[at]->authorization);
    if (!sql_columns_is_empty(&columns))
        sql_columns_send(&columns, b->db, SQL_INSERT_AUTHORIZATIONS);
}

/* ---- what became of authorizations ------------------------------------------------------------
 */

static void add_change(struct sql_columns *columns, const struct batch_authorization *of,
                       const struct authorization_change *change)
{
    sql_columns_add_i64(columns, of->authorization.lane);
    sql_columns_add_uuid(columns, &change->authorization_id);
    sql_columns_add_i64(columns, change->version);
    sql_columns_add_name(columns, authorization_status_name(change->status));
    sql_columns_add_i64(columns, change->amount_minor);
    sql_columns_add_text(columns, change->changed_by);
    sql_columns_add_text(columns, change->reason);
    sql_columns_add_name(columns, of->trace.trace_id);
}

static void send_changes(struct batch *b)
{
    struct sql_columns columns;
    struct sql_args args;
    SQL_COLUMNS_INIT(&columns, b->arena, 16, SQL_I16, SQL_UUID, SQL_I64, SQL_TEXT, SQL_I64,
                     SQL_TEXT, SQL_TEXT, SQL_TEXT);
    for (size_t at = 0; at < b->authorization_count; at++) {
        const struct batch_authorization *of = b->authorizations[at];
        for (size_t new = of->change_count - of->changes_new; new < of->change_count; new ++)
            add_change(&columns, of, &of->changes[new]);
    }
    if (sql_columns_is_empty(&columns))
        return;
    sql_args_init(&args, b->arena);
    sql_add_columns(&args, &columns);
    sql_add_time(&args, b->now_us);
    db_send(b->db, SQL_INSERT_CHANGES, &args);
}

static void send_released(struct batch *b)
{
    struct sql_columns columns;
    SQL_COLUMNS_INIT(&columns, b->arena, 16, SQL_I16, SQL_UUID, SQL_TEXT, SQL_I64);
    for (size_t at = 0; at < b->authorization_count; at++) {
        const struct authorization *a = &b->authorizations[at]->authorization;
        if (b->authorizations[at]->changes_new == 0)
            continue;
        ASSERT(!b->authorizations[at]->is_new); /* nobody knows its id before it is answered */
        sql_columns_add_i64(&columns, a->lane);
        sql_columns_add_uuid(&columns, &a->id);
        sql_columns_add_name(&columns, authorization_status_name(a->status));
        sql_columns_add_i64(&columns, a->version);
    }
    if (!sql_columns_is_empty(&columns))
        sql_columns_send(&columns, b->db, SQL_UPDATE_RELEASED);
}

/* ---- transaction ids and keys -----------------------------------------------------------------
 */

static int compare_transactions(const void *a, const void *b)
{
    const struct item *const *left = a, *const *right = b;
    return uuid_compare(&(*left)->transaction_key, &(*right)->transaction_key);
}

/* In ascending order, so that two batches cannot wait for each other in the unique index. */
static void send_transactions(struct batch *b)
{
    struct sql_columns columns;
    const struct item **deciding = ARENA_NEW_ARRAY(b->arena, const struct item *, b->count);
    size_t count = 0;
    for (size_t at = 0; at < b->count; at++) {
        const struct item *item = b->items[at];
        const struct batch_authorization *decided =
            uuid_map_find(b->authorizations_by_id, &item->authorization_id);
        if (item->op == ITEM_AUTHORIZE && decided != NULL && decided->is_new)
            deciding[count++] = item;
    }
    if (count == 0)
        return;
    qsort(deciding, count, sizeof(const struct item *), compare_transactions);
    SQL_COPY_INIT(&columns, b->arena, count, SQL_UUID, SQL_I16, SQL_UUID);
    for (size_t at = 0; at < count; at++) {
        sql_columns_add_uuid(&columns, &deciding[at]->transaction_key);
        sql_columns_add_i64(&columns, deciding[at]->lane);
        sql_columns_add_uuid(&columns, &deciding[at]->authorization_id);
    }
    sql_columns_send(&columns, b->db, SQL_INSERT_TRANSACTIONS);
}

static int compare_keys(const void *a, const void *b)
{
    const struct batch_key *const *left = a, *const *right = b;
    return memcmp((*left)->new_for->key_hash.bytes, (*right)->new_for->key_hash.bytes,
                  sizeof(*left)->new_for->key_hash.bytes);
}

static void add_key(struct sql_columns *columns, const struct batch *b, const struct batch_key *key,
                    int64_t day_us)
{
    const struct authorization *a = &key->authorization->authorization;
    sql_columns_add_i64(columns, day_us);
    sql_columns_add_hash(columns, &key->new_for->key_hash);
    sql_columns_add_hash(columns, &key->fingerprint);
    sql_columns_add_i64(columns, a->lane);
    sql_columns_add_uuid(columns, &a->id);
    sql_columns_add_i64(columns, key->version);
    sql_columns_add_i64(columns, key->http_status);
    sql_columns_add_bool(columns, key->shows_reasons);
    sql_columns_add_i64(columns, b->now_us);
}

/* In ascending order, too: the days one after the other, as their partitions are filled. */
static void send_keys(struct batch *b)
{
    struct sql_columns columns;
    int64_t days_us[2];
    const size_t day_count = idempotency_days(b->now_us, days_us);
    if (b->key_count == 0)
        return;
    qsort(b->keys_new, b->key_count, sizeof b->keys_new[0], compare_keys);
    SQL_COPY_INIT(&columns, b->arena, b->key_count * day_count, SQL_DATE, SQL_BYTES, SQL_BYTES,
                  SQL_I16, SQL_UUID, SQL_I64, SQL_I16, SQL_BOOL, SQL_TIME);
    for (size_t day = 0; day < day_count; day++)
        for (size_t at = 0; at < b->key_count; at++)
            add_key(&columns, b, b->keys_new[at], days_us[day]);
    sql_columns_send(&columns, b->db, SQL_INSERT_KEYS);
}

/* ---- accounts ---------------------------------------------------------------------------------
 */

static void send_accounts(struct batch *b)
{
    struct sql_columns columns;
    SQL_COLUMNS_INIT(&columns, b->arena, b->account_count, SQL_I16, SQL_UUID, SQL_TEXT, SQL_I64,
                     SQL_I64, SQL_TIME, SQL_I64);
    for (size_t at = 0; at < b->account_count; at++) {
        const struct account *account = &b->accounts[at].account;
        if (!b->accounts[at].dirty)
            continue;
        sql_columns_add_i64(&columns, account->lane);
        sql_columns_add_uuid(&columns, &account->id);
        sql_columns_add_name(&columns, account_status_name(account->status));
        sql_columns_add_i64(&columns, account->limit_minor);
        sql_columns_add_i64(&columns, account->held_minor);
        sql_columns_add_time(&columns, account->next_expiry_us);
        sql_columns_add_i64(&columns, account->version);
    }
    if (!sql_columns_is_empty(&columns))
        sql_columns_send(&columns, b->db, SQL_UPDATE_ACCOUNTS);
}

/* ---- all of it --------------------------------------------------------------------------------
 */

/* Locking a row writes to the log. A batch that has locked none can still answer repeats: of what
 * COMMIT was not sure to have brought to the standby. */
static bool has_locked(const struct batch *b)
{
    for (size_t at = 0; at < b->account_count; at++)
        if (b->accounts[at].exists)
            return true;
    return false;
}

enum status store_save(struct batch *b, struct error *err)
{
    send_authorizations(b);
    send_changes(b);
    send_released(b);
    send_transactions(b);
    send_keys(b);
    send_accounts(b);
    outbox_send(&b->outbox, b->db, b->now_us);
    if (!has_locked(b))
        db_send(b->db, SQL_WRITE_MARK, NULL);
    db_send_commit(b->db);
    const enum status status = db_run(b->db, err);
    if (status == ERR_CONFLICT && strcmp(db_sqlstate(b->db), UNIQUE_VIOLATION) == 0)
        b->has_collided = true;
    return status;
}
