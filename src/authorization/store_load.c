/* Loading a batch: what is locked and looked up, and in which order
 * (docs/adr/0006-lock-order-and-halving.md). */
#include "authorization/store.h"

#include "authorization_sql.h"
#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"
#include "platform/messaging/consumer.h"
#include "platform/messaging/inbox.h"

/* Of one account's due holds, or of a thousand accounts' together; the rest stays due. */
enum { DUE_HOLDS_MAX = 1000 };

/* SQLSTATE of a statement that has waited for a lock as long as lock_timeout allows. */
#define LOCK_NOT_AVAILABLE "55P03"

static bool names_authorization(const struct item *item)
{
    return item->op == ITEM_VOID || item->op == ITEM_RELEASE;
}

/* Lanes and ids of a list, as the two arrays that most statements take. */
struct places {
    struct sql_array lanes;
    struct sql_array ids;
};

static void places_init(struct places *places, struct arena *arena, size_t count)
{
    sql_array_init(&places->lanes, arena, SQL_I16, count);
    sql_array_init(&places->ids, arena, SQL_UUID, count);
}

static void places_add(struct places *places, const struct uuid *id)
{
    sql_array_add_i64(&places->lanes, lane_of(id));
    sql_array_add_uuid(&places->ids, id);
}

static void places_send(struct places *places, struct batch *b,
                        const struct sql_statement *statement)
{
    struct sql_args args;
    sql_args_init(&args, b->arena);
    sql_add_array(&args, &places->lanes);
    sql_add_array(&args, &places->ids);
    db_send(b->db, statement, &args);
}

/* ---- whose authorizations -------------------------------------------------------------------- */

static void set_account_id(struct batch *b, const struct uuid *authorization_id,
                           const struct uuid *account_id)
{
    for (size_t at = 0; at < b->count; at++) {
        struct item *item = b->items[at];
        if (names_authorization(item) && uuid_equals(&item->authorization_id, authorization_id))
            item->account_id = *account_id;
    }
}

enum status store_find_account_ids(struct batch *b, struct error *err)
{
    struct places wanted;
    places_init(&wanted, b->arena, b->count);
    for (size_t at = 0; at < b->count; at++)
        if (names_authorization(b->items[at]) && uuid_is_nil(&b->items[at]->account_id))
            places_add(&wanted, &b->items[at]->authorization_id);
    if (wanted.ids.count == 0)
        return OK;
    places_send(&wanted, b, SQL_FIND_ACCOUNT_IDS);
    TRY(db_run(b->db, err));
    const struct sql_rows rows = db_rows(b->db, 0);
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, FIND_ACCOUNT_IDS_ID);
        const struct uuid account_id = sql_uuid(rows, row, FIND_ACCOUNT_IDS_ACCOUNT_ID);
        set_account_id(b, &id, &account_id);
    }
    return OK;
}

/* ---- the first trip -------------------------------------------------------------------------- */

/* Which result of the trip is whose; -1: not asked. */
struct trip {
    int next;
    int claims;
    int accounts;
    int free_accounts;
    int existing;
    int keys;
    int transactions;
    int authorizations;
    int clock;
};

static void collect_places(const struct batch *b, bool is_doubted, struct places *places)
{
    places_init(places, b->arena, b->account_count);
    for (size_t at = 0; at < b->account_count; at++)
        if (b->accounts[at].is_doubted == is_doubted)
            places_add(places, &b->accounts[at].account.id);
}

static void send_lock_accounts(struct batch *b, struct trip *trip)
{
    struct places wanted;
    collect_places(b, false, &wanted);
    if (wanted.ids.count == 0)
        return;
    places_send(&wanted, b, SQL_LOCK_ACCOUNTS);
    trip->accounts = trip->next++;
}

static void send_lock_free_accounts(struct batch *b, struct trip *trip)
{
    struct places wanted;
    collect_places(b, true, &wanted);
    if (wanted.ids.count == 0)
        return;
    places_send(&wanted, b, SQL_LOCK_FREE_ACCOUNTS);
    trip->free_accounts = trip->next++;
    collect_places(b, true, &wanted); /* sending has closed its arrays */
    places_send(&wanted, b, SQL_FIND_EXISTING_ACCOUNTS);
    trip->existing = trip->next++;
}

static void collect_keys(const struct batch *b, struct sql_array *hashes)
{
    sql_array_init(hashes, b->arena, SQL_BYTES, b->count);
    for (size_t at = 0; at < b->count; at++)
        if (b->items[at]->has_key)
            sql_array_add_bytes(hashes, b->items[at]->key_hash.bytes, 32);
}

static void send_find_keys(struct batch *b, struct trip *trip)
{
    struct sql_array hashes;
    collect_keys(b, &hashes);
    if (hashes.count == 0)
        return;
    struct sql_args args;
    sql_args_init(&args, b->arena);
    sql_add_array(&args, &hashes);
    sql_add_i64(&args, b->policy->key_ttl_s);
    db_send(b->db, SQL_FIND_KEYS, &args);
    trip->keys = trip->next++;
}

static void send_find_transactions(struct batch *b, struct trip *trip)
{
    struct sql_array keys;
    sql_array_init(&keys, b->arena, SQL_UUID, b->count);
    for (size_t at = 0; at < b->count; at++)
        if (b->items[at]->op == ITEM_AUTHORIZE)
            sql_array_add_uuid(&keys, &b->items[at]->transaction_key);
    if (keys.count == 0)
        return;
    struct sql_args args;
    sql_args_init(&args, b->arena);
    sql_add_array(&args, &keys);
    db_send(b->db, SQL_FIND_TRANSACTIONS, &args);
    trip->transactions = trip->next++;
}

static void send_find_authorizations(struct batch *b, struct trip *trip)
{
    struct places wanted;
    places_init(&wanted, b->arena, b->count);
    for (size_t at = 0; at < b->count; at++)
        if (names_authorization(b->items[at]))
            places_add(&wanted, &b->items[at]->authorization_id);
    if (wanted.ids.count == 0)
        return;
    places_send(&wanted, b, SQL_FIND_AUTHORIZATIONS);
    trip->authorizations = trip->next++;
}

static enum status run_first_trip(struct batch *b, struct trip *trip, struct error *err)
{
    *trip = (struct trip){0, -1, -1, -1, -1, -1, -1, -1, -1};
    db_send_begin(b->db);
    trip->next++;
    if (b->deliveries != NULL) {
        inbox_send_claims(b->db, b->arena, CONSUMER_GROUP, b->deliveries, b->count);
        trip->claims = trip->next++;
    }
    send_lock_accounts(b, trip);
    send_lock_free_accounts(b, trip);
    send_find_keys(b, trip);
    send_find_transactions(b, trip);
    send_find_authorizations(b, trip);
    db_send(b->db, SQL_READ_CLOCK, NULL);
    trip->clock = trip->next++;
    const enum status status = db_run(b->db, err);
    b->has_waited = status == ERR_CONFLICT && strcmp(db_sqlstate(b->db), LOCK_NOT_AVAILABLE) == 0;
    return status;
}

static void read_accounts(struct batch *b, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++) {
        struct account account;
        store_read_account(rows, row, b->arena, &account);
        struct batch_account *place = batch_find_account(b, &account.id);
        ASSERT(place != NULL);
        place->account = account;
        place->exists = true;
    }
}

static void read_existing(struct batch *b, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, FIND_EXISTING_ACCOUNTS_ID);
        struct batch_account *place = batch_find_account(b, &id);
        ASSERT(place != NULL && place->is_doubted);
        place->is_busy = !place->exists;
    }
}

static struct batch_authorization *read_one(struct batch *b, struct sql_rows rows, int row)
{
    struct authorization authorization;
    store_read_authorization(rows, row, b->arena, &authorization);
    return batch_add_authorization(b, &authorization);
}

static void read_keys(struct batch *b, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++) {
        const struct sha256 hash = sql_sha256(rows, row, FIND_KEYS_KEY_HASH);
        struct uuid half;
        memcpy(half.bytes, hash.bytes, sizeof half.bytes);
        struct batch_key *key = ARENA_NEW(b->arena, struct batch_key);
        key->fingerprint = sql_sha256(rows, row, FIND_KEYS_KEY_FINGERPRINT);
        key->authorization = read_one(b, rows, row);
        key->version = sql_i64(rows, row, FIND_KEYS_KEY_VERSION);
        key->http_status = sql_i16(rows, row, FIND_KEYS_HTTP_STATUS);
        key->shows_reasons = sql_bool(rows, row, FIND_KEYS_SHOWS_REASONS);
        *uuid_map_at(b->keys_by_hash, &half) = key;
    }
}

static void read_transactions(struct batch *b, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++) {
        struct batch_authorization *found = read_one(b, rows, row);
        const struct text parts[] = {TENANT, found->authorization.transaction_id};
        const struct sha256 digest = sha256_of_parts(parts, COUNT(parts));
        struct uuid key;
        memcpy(key.bytes, digest.bytes, sizeof key.bytes);
        *uuid_map_at(b->authorizations_by_transaction, &key) = found;
    }
}

static void read_first_trip(struct batch *b, const struct trip *trip)
{
    if (trip->claims >= 0)
        inbox_read_claims(db_rows(b->db, trip->claims), b->deliveries, b->count);
    if (trip->accounts >= 0)
        read_accounts(b, db_rows(b->db, trip->accounts));
    if (trip->free_accounts >= 0) {
        read_accounts(b, db_rows(b->db, trip->free_accounts));
        read_existing(b, db_rows(b->db, trip->existing));
    }
    if (trip->keys >= 0)
        read_keys(b, db_rows(b->db, trip->keys));
    if (trip->transactions >= 0)
        read_transactions(b, db_rows(b->db, trip->transactions));
    if (trip->authorizations >= 0) {
        const struct sql_rows rows = db_rows(b->db, trip->authorizations);
        for (int row = 0; row < rows.count; row++)
            read_one(b, rows, row);
    }
    b->now_us = sql_time(db_rows(b->db, trip->clock), 0, READ_CLOCK_NOW);
}

/* ---- the second, where something is due or was changed before ---------------------------------
 */

static bool is_due(const struct batch *b, const struct batch_account *account)
{
    return account->exists && account->account.next_expiry_us != 0 &&
           account->account.next_expiry_us <= b->now_us;
}

static size_t collect_due(struct batch *b, struct places *due)
{
    places_init(due, b->arena, b->account_count);
    for (size_t at = 0; at < b->account_count; at++)
        if (is_due(b, &b->accounts[at]))
            places_add(due, &b->accounts[at].account.id);
    return (size_t)due->ids.count;
}

static void send_find_due(struct batch *b, struct places *due)
{
    struct sql_args args;
    sql_args_init(&args, b->arena);
    sql_add_array(&args, &due->lanes);
    sql_add_array(&args, &due->ids);
    sql_add_time(&args, b->now_us);
    db_send(b->db, SQL_FIND_NEXT_EXPIRY, &args);
    sql_add_i64(&args, DUE_HOLDS_MAX);
    db_send(b->db, SQL_FIND_DUE_HOLDS, &args);
}

/* Where not every due hold was read, the account stays due. */
static void read_next_expiry(struct batch *b, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, FIND_NEXT_EXPIRY_ACCOUNT_ID);
        struct batch_account *account = batch_find_account(b, &id);
        account->dirty = true;
        if (b->is_more_due)
            continue;
        account->account.next_expiry_us = 0;
        if (!sql_is_null(rows, row, FIND_NEXT_EXPIRY_NEXT_EXPIRY_AT))
            account->account.next_expiry_us = sql_time(rows, row, FIND_NEXT_EXPIRY_NEXT_EXPIRY_AT);
    }
}

static void read_due_holds(struct batch *b, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++)
        read_one(b, rows, row)->is_due = true;
}

static void send_find_changes(struct batch *b, bool *sent_out)
{
    struct places changed;
    places_init(&changed, b->arena, b->authorization_count);
    for (size_t at = 0; at < b->authorization_count; at++)
        if (b->authorizations[at]->authorization.version > 1)
            places_add(&changed, &b->authorizations[at]->authorization.id);
    *sent_out = changed.ids.count > 0;
    if (*sent_out)
        places_send(&changed, b, SQL_FIND_CHANGES);
}

/* Rows come grouped by authorization, in order of version. */
static void read_changes(struct batch *b, struct sql_rows rows)
{
    struct authorization_change *changes = store_read_changes(rows, b->arena);
    for (int row = 0; row < rows.count; row++) {
        struct batch_authorization *of =
            uuid_map_find(b->authorizations_by_id, &changes[row].authorization_id);
        ASSERT(of != NULL);
        if (of->change_count == 0)
            of->changes = &changes[row];
        of->change_count++;
    }
}

static enum status run_second_trip(struct batch *b, struct error *err)
{
    struct places due;
    bool changes_sent = false;
    const bool due_sent = collect_due(b, &due) > 0;
    if (due_sent)
        send_find_due(b, &due);
    send_find_changes(b, &changes_sent);
    if (!due_sent && !changes_sent)
        return OK;
    TRY(db_run(b->db, err));
    if (changes_sent)
        read_changes(b, db_rows(b->db, due_sent ? 2 : 0));
    if (due_sent) {
        const struct sql_rows holds = db_rows(b->db, 1);
        b->is_more_due = holds.count == DUE_HOLDS_MAX;
        read_next_expiry(b, db_rows(b->db, 0));
        read_due_holds(b, holds);
    }
    return OK;
}

enum status store_delete_expired_keys(struct batch *b, struct error *err)
{
    struct sql_args args;
    struct sql_array hashes;
    arena_reset(b->arena);
    collect_keys(b, &hashes);
    if (hashes.count == 0)
        return OK;
    sql_args_init(&args, b->arena);
    sql_add_array(&args, &hashes);
    sql_add_i64(&args, b->policy->key_ttl_s);
    return db_run_one(b->db, SQL_DELETE_EXPIRED_KEYS, &args, err);
}

enum status store_load(struct batch *b, struct error *err)
{
    struct trip trip;
    TRY(run_first_trip(b, &trip, err));
    read_first_trip(b, &trip);
    return run_second_trip(b, err);
}
