/* Reading single things, for the queries and the sweeper. */
#include "authorization/store.h"

#include "authorization_sql.h"
#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"

/* ---- authorizations with their changes --------------------------------------------------------
 */

static void send_find_changes(struct db *db, struct arena *arena,
                              const struct authorization *authorizations, size_t count)
{
    struct sql_array lanes, ids;
    sql_array_init(&lanes, arena, SQL_I16, count);
    sql_array_init(&ids, arena, SQL_UUID, count);
    for (size_t at = 0; at < count; at++) {
        sql_array_add_i64(&lanes, authorizations[at].lane);
        sql_array_add_uuid(&ids, &authorizations[at].id);
    }
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_array(&args, &lanes);
    sql_add_array(&args, &ids);
    db_send(db, SQL_FIND_CHANGES, &args);
}

/* Rows of one of the statements that read authorizations, as they are now. The version is counted
 * from the changes that were read, so that a change between the two reads cannot tear the view. */
static enum status read_views(struct db *db, struct arena *arena, int trip_index,
                              struct authorization_view **views_out, size_t *count_out,
                              struct error *err)
{
    const struct sql_rows rows = db_rows(db, trip_index);
    const size_t count = (size_t)rows.count;
    struct authorization *found = ARENA_NEW_ARRAY(arena, struct authorization, count);
    struct authorization_view *views = ARENA_NEW_ARRAY(arena, struct authorization_view, count);
    for (size_t at = 0; at < count; at++)
        store_read_authorization(rows, (int)at, arena, &found[at]);
    *views_out = views;
    *count_out = count;
    if (count == 0)
        return OK;
    send_find_changes(db, arena, found, count);
    TRY(db_run(db, err));
    const struct sql_rows changed = db_rows(db, 0);
    const struct authorization_change *changes = store_read_changes(changed, arena);
    for (size_t at = 0; at < count; at++) {
        views[at].authorization = &found[at];
        for (int row = 0; row < changed.count; row++) {
            if (!uuid_equals(&changes[row].authorization_id, &found[at].id))
                continue;
            if (views[at].change_count++ == 0)
                views[at].changes = &changes[row];
        }
        views[at].version = 1 + (int64_t)views[at].change_count;
    }
    return OK;
}

static enum status read_one_view(struct db *db, struct arena *arena,
                                 struct authorization_view *view_out, bool *found_out,
                                 struct error *err)
{
    struct authorization_view *views = NULL;
    size_t count = 0;
    TRY(read_views(db, arena, 0, &views, &count, err));
    *found_out = count > 0;
    if (count > 0)
        *view_out = views[0];
    return OK;
}

enum status store_find_authorization(struct db *db, struct arena *arena, const struct uuid *id,
                                     struct authorization_view *view_out, bool *found_out,
                                     struct error *err)
{
    struct sql_array lanes, ids;
    struct sql_args args;
    sql_array_init(&lanes, arena, SQL_I16, 1);
    sql_array_init(&ids, arena, SQL_UUID, 1);
    sql_array_add_i64(&lanes, lane_of(id));
    sql_array_add_uuid(&ids, id);
    sql_args_init(&args, arena);
    sql_add_array(&args, &lanes);
    sql_add_array(&args, &ids);
    TRY(db_run_one(db, SQL_FIND_AUTHORIZATIONS, &args, err));
    return read_one_view(db, arena, view_out, found_out, err);
}

enum status store_find_transaction(struct db *db, struct arena *arena,
                                   const struct uuid *transaction_key,
                                   struct authorization_view *view_out, bool *found_out,
                                   struct error *err)
{
    struct sql_array keys;
    struct sql_args args;
    sql_array_init(&keys, arena, SQL_UUID, 1);
    sql_array_add_uuid(&keys, transaction_key);
    sql_args_init(&args, arena);
    sql_add_array(&args, &keys);
    TRY(db_run_one(db, SQL_FIND_TRANSACTIONS, &args, err));
    return read_one_view(db, arena, view_out, found_out, err);
}

enum status store_list_authorizations(struct db *db, struct arena *arena,
                                      const struct uuid *account_id, const struct uuid *before_id,
                                      size_t limit, struct authorization_view **views_out,
                                      size_t *count_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i16(&args, lane_of(account_id));
    sql_add_uuid(&args, account_id);
    sql_add_uuid(&args, before_id);
    sql_add_i64(&args, (int64_t)limit);
    TRY(db_run_one(db, SQL_LIST_AUTHORIZATIONS, &args, err));
    return read_views(db, arena, 0, views_out, count_out, err);
}

/* ---- accounts, keys ---------------------------------------------------------------------------
 */

enum status store_find_account(struct db *db, struct arena *arena, const struct uuid *id,
                               struct account *account_out, bool *found_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i16(&args, lane_of(id));
    sql_add_uuid(&args, id);
    TRY(db_run_one(db, SQL_FIND_ACCOUNT, &args, err));
    const struct sql_rows rows = db_rows(db, 0);
    *found_out = rows.count > 0;
    if (rows.count > 0)
        store_read_account(rows, 0, arena, account_out);
    return OK;
}

enum status store_find_due_accounts(struct db *db, struct arena *arena, size_t limit,
                                    struct uuid **ids_out, size_t *count_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i64(&args, (int64_t)limit);
    TRY(db_run_one(db, SQL_FIND_DUE_ACCOUNTS, &args, err));
    const struct sql_rows rows = db_rows(db, 0);
    struct uuid *ids = ARENA_NEW_ARRAY(arena, struct uuid, (size_t)rows.count);
    for (int row = 0; row < rows.count; row++)
        ids[row] = sql_uuid(rows, row, FIND_DUE_ACCOUNTS_ID);
    *ids_out = ids;
    *count_out = (size_t)rows.count;
    return OK;
}

enum status store_rotate_keys(struct db *db, struct arena *arena, int64_t ttl_s, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i64(&args, ttl_s);
    return db_run_one(db, SQL_ROTATE_KEYS, &args, err);
}
