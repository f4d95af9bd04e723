/* What the HTTP door reads. */
#include "ledger/store.h"

#include "base/arena.h"
#include "base/assert.h"
#include "ledger_sql.h"

static const struct currency *read_currency(struct sql_rows rows, int row, int column)
{
    const struct currency *currency = currency_find(sql_text(rows, row, column));
    ASSERT(currency != NULL);
    return currency;
}

static struct text read_text(struct arena *arena, struct sql_rows rows, int row, int column)
{
    return text_copy(arena, sql_text(rows, row, column));
}

static struct entry_view read_entry(struct arena *arena, struct sql_rows rows, int row)
{
    return (struct entry_view){
        .place = {sql_i64(rows, row, LIST_ENTRIES_CHAIN_SEQ),
                  sql_i16(rows, row, LIST_ENTRIES_LINE)},
        .journal_id = sql_uuid(rows, row, LIST_ENTRIES_JOURNAL_ID),
        .type = read_text(arena, rows, row, LIST_ENTRIES_TYPE),
        .authorization_id = sql_uuid(rows, row, LIST_ENTRIES_AUTHORIZATION_ID),
        .side = read_text(arena, rows, row, LIST_ENTRIES_SIDE),
        .layer = read_text(arena, rows, row, LIST_ENTRIES_LAYER),
        .amount_minor = sql_i64(rows, row, LIST_ENTRIES_AMOUNT_MINOR),
        .currency = read_currency(rows, row, LIST_ENTRIES_CURRENCY),
        .counterpart = read_text(arena, rows, row, LIST_ENTRIES_COUNTERPART),
        .created_at_us = sql_time(rows, row, LIST_ENTRIES_CREATED_AT),
    };
}

enum status ledger_store_list_entries(struct db *db, struct arena *arena,
                                      const struct entry_page *page, struct entry_list *list_out,
                                      struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i16(&args, lane_of(&page->account_id));
    sql_add_uuid(&args, &page->account_id);
    sql_add_i64(&args, page->before.chain_seq);
    sql_add_i16(&args, page->before.line);
    sql_add_i32(&args, page->limit + 1); /* one more says that there is a next page */
    TRY(db_run_one(db, SQL_LIST_ENTRIES, &args, err));

    const struct sql_rows rows = db_rows(db, 0);
    struct entry_list list = {.has_more = rows.count > page->limit};
    list.count = list.has_more ? (size_t)page->limit : (size_t)rows.count;
    list.entries = ARENA_NEW_ARRAY(arena, struct entry_view, list.count);
    for (size_t at = 0; at < list.count; at++)
        list.entries[at] = read_entry(arena, rows, (int)at);
    *list_out = list;
    return OK;
}

enum status ledger_store_find_balance(struct db *db, struct arena *arena,
                                      const struct uuid *account_id,
                                      struct balance_view *balance_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, arena);
    sql_add_i16(&args, lane_of(account_id));
    sql_add_uuid(&args, account_id);
    TRY(db_run_one(db, SQL_FIND_BALANCE, &args, err));

    const struct sql_rows rows = db_rows(db, 0);
    if (rows.count == 0)
        return error_set(err, ERR_NOT_FOUND, "the ledger has no such account");
    *balance_out = (struct balance_view){
        .code = read_text(arena, rows, 0, FIND_BALANCE_CODE),
        .status = read_text(arena, rows, 0, FIND_BALANCE_STATUS),
        .currency = read_currency(rows, 0, FIND_BALANCE_CURRENCY),
        .pending = {sql_i64(rows, 0, FIND_BALANCE_PENDING_DEBIT_MINOR),
                    sql_i64(rows, 0, FIND_BALANCE_PENDING_CREDIT_MINOR)},
        .posted = {sql_i64(rows, 0, FIND_BALANCE_POSTED_DEBIT_MINOR),
                   sql_i64(rows, 0, FIND_BALANCE_POSTED_CREDIT_MINOR)},
    };
    return OK;
}
