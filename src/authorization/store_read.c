/* Reading single things, for the queries and the sweeper. */
#include "authorization/store.h"

#include "authorization_sql.h"
#include "base/arena.h"
#include "domain/lane.h"
#include "platform/postgres/sql_columns.h"

/* ---- authorizations with their changes --------------------------------------------------------
 */

static void send_find_changes(struct db *db, struct arena *arena,
                              const struct authorization *authorizations, size_t count)
{
    struct sql_columns wanted;
    SQL_COLUMNS_INIT(&wanted, arena, count, SQL_I16, SQL_UUID);
    for (size_t at = 0; at < count; at++) {
        sql_columns_add_i64(&wanted, authorizations[at].lane);
        sql_columns_add_uuid(&wanted, &authorizations[at].id);
    }
    sql_columns_send(&wanted, db, SQL_FIND_CHANGES);
}

/* The changes of one authorization stand together, in order of version. */
static void point_to_changes(struct authorization_view *view,
                             const struct authorization_change *changes, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        if (!uuid_equals(&changes[at].authorization_id, &view->authorization->id))
            continue;
        if (view->change_count++ == 0)
            view->changes = &changes[at];
    }
    view->version = 1 + (int64_t)view->change_count;
}

/* Rows of one of the statements that read authorizations, as they are now. The version is counted
 * from the changes that were read, so that a change between the two reads cannot tear the view. */
static enum status read_views(const struct store_reader *reader, struct store_page *page,
                              struct error *err)
{
    const struct sql_rows rows = db_rows(reader->db, 0);
    const size_t count = (size_t)rows.count;
    struct authorization *found = ARENA_NEW_ARRAY(reader->arena, struct authorization, count);
    page->views = ARENA_NEW_ARRAY(reader->arena, struct authorization_view, count);
    page->count = count;
    for (size_t at = 0; at < count; at++) {
        store_read_authorization(rows, (int)at, reader->arena, &found[at]);
        page->views[at].authorization = &found[at];
    }
    if (count == 0)
        return OK;
    send_find_changes(reader->db, reader->arena, found, count);
    TRY(db_run(reader->db, err));
    const struct sql_rows changed = db_rows(reader->db, 0);
    const struct authorization_change *changes = store_read_changes(changed, reader->arena);
    for (size_t at = 0; at < count; at++)
        point_to_changes(&page->views[at], changes, (size_t)changed.count);
    return OK;
}

static enum status read_one_view(const struct store_reader *reader,
                                 struct authorization_view *view_out, bool *found_out,
                                 struct error *err)
{
    struct store_page page;
    TRY(read_views(reader, &page, err));
    *found_out = page.count > 0;
    if (page.count > 0)
        *view_out = page.views[0];
    return OK;
}

enum status store_find_authorization(const struct store_reader *reader, const struct uuid *id,
                                     struct authorization_view *view_out, bool *found_out,
                                     struct error *err)
{
    struct sql_columns wanted;
    SQL_COLUMNS_INIT(&wanted, reader->arena, 1, SQL_I16, SQL_UUID);
    sql_columns_add_i64(&wanted, lane_of(id));
    sql_columns_add_uuid(&wanted, id);
    sql_columns_send(&wanted, reader->db, SQL_FIND_AUTHORIZATIONS);
    TRY(db_run(reader->db, err));
    return read_one_view(reader, view_out, found_out, err);
}

enum status store_find_transaction(const struct store_reader *reader,
                                   const struct uuid *transaction_key,
                                   struct authorization_view *view_out, bool *found_out,
                                   struct error *err)
{
    struct sql_columns wanted;
    SQL_COLUMNS_INIT(&wanted, reader->arena, 1, SQL_UUID);
    sql_columns_add_uuid(&wanted, transaction_key);
    sql_columns_send(&wanted, reader->db, SQL_FIND_TRANSACTIONS);
    TRY(db_run(reader->db, err));
    return read_one_view(reader, view_out, found_out, err);
}

enum status store_list_authorizations(const struct store_reader *reader,
                                      const struct uuid *account_id, struct store_page *page,
                                      struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, reader->arena);
    sql_add_i16(&args, lane_of(account_id));
    sql_add_uuid(&args, account_id);
    sql_add_uuid(&args, &page->before_id);
    sql_add_i64(&args, (int64_t)page->limit);
    TRY(db_run_one(reader->db, SQL_LIST_AUTHORIZATIONS, &args, err));
    return read_views(reader, page, err);
}

/* ---- accounts, keys ---------------------------------------------------------------------------
 */

enum status store_find_account(const struct store_reader *reader, const struct uuid *id,
                               struct account *account_out, bool *found_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, reader->arena);
    sql_add_i16(&args, lane_of(id));
    sql_add_uuid(&args, id);
    TRY(db_run_one(reader->db, SQL_FIND_ACCOUNT, &args, err));
    const struct sql_rows rows = db_rows(reader->db, 0);
    *found_out = rows.count > 0;
    if (rows.count > 0)
        store_read_account(rows, 0, reader->arena, account_out);
    return OK;
}

enum status store_find_due_accounts(const struct store_reader *reader, size_t limit,
                                    struct store_due *due_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, reader->arena);
    sql_add_i64(&args, (int64_t)limit);
    TRY(db_run_one(reader->db, SQL_FIND_DUE_ACCOUNTS, &args, err));
    const struct sql_rows rows = db_rows(reader->db, 0);
    struct uuid *ids = ARENA_NEW_ARRAY(reader->arena, struct uuid, (size_t)rows.count);
    for (int row = 0; row < rows.count; row++)
        ids[row] = sql_uuid(rows, row, FIND_DUE_ACCOUNTS_ID);
    *due_out = (struct store_due){.ids = ids, .count = (size_t)rows.count};
    if (rows.count > 0)
        due_out->overdue_us = sql_i64(rows, 0, FIND_DUE_ACCOUNTS_OVERDUE_US);
    return OK;
}

enum status store_rotate_keys(const struct store_reader *reader, int64_t ttl_s, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, reader->arena);
    sql_add_i64(&args, ttl_s);
    return db_run_one(reader->db, SQL_ROTATE_KEYS, &args, err);
}
