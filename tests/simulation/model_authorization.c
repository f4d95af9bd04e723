/* The statements of src/authorization/sql/. */
#include "base/assert.h"
#include "sim.h"
#include "statement.h"

static const char AUTHORIZATION_COLUMNS[] =
    "lane id status version remaining_minor decision_code reasons transaction_id user_id "
    "account_id currency requested_minor approved_minor available_minor expires_at saga_id "
    "trace_id fingerprint created_at";

static const int64_t US_PER_S = 1000000;

static enum status read_clock(struct call *call, struct error *err)
{
    (void)err;
    answer_add(call, NULL, NULL, "");
    answer_add_cell(call, cell_time(server_now_us()));
    return OK;
}

static enum status do_nothing(struct call *call, struct error *err)
{
    (void)err;
    answer_add(call, NULL, NULL, "");
    return OK;
}

static struct cell *set(const struct call *call, enum table_id id, struct cell *cells,
                        const char *column)
{
    return &cells[column_at(call_table(call, id), column)];
}

static void fill_released(const struct call *call, struct cell *cells)
{
    *set(call, T_AUTHORIZATION, cells, "remaining_minor") = cell_i64(0);
}

static void fill_account(const struct call *call, struct cell *cells)
{
    *set(call, T_ACCOUNT, cells, "held_minor") = cell_i64(0);
    *set(call, T_ACCOUNT, cells, "posted_minor") = cell_i64(0);
    *set(call, T_ACCOUNT, cells, "version") = cell_i64(1);
    *set(call, T_ACCOUNT, cells, "opened_at") = cell_time(server_now_us());
}

/* ---- keys and transaction ids --------------------------------------------------------------- */

static const struct cell *find_by_id(const struct call *call, struct cell lane, struct cell id)
{
    const struct table *table = call_table(call, T_AUTHORIZATION);
    const struct cell key[] = {lane, id};
    const struct row *row = row_find(table, key);
    return row == NULL ? NULL : row_seen(row, call->tx);
}

static enum status find_keys(struct call *call, struct error *err)
{
    (void)err;
    const struct table *keys = call_table(call, T_KEY);
    const struct cells hashes = call_array(call, 1);
    const int64_t newer_us = server_now_us() - cell_to_i64(call_param(call, 2)) * US_PER_S;
    struct row *row;
    for (size_t at = 0; (row = next_row(keys, call, &at)) != NULL;) {
        if (!cells_have(&hashes, COLUMN(row, call, "key_hash")) ||
            cell_to_time(COLUMN(row, call, "created_at")) <= newer_us)
            continue;
        const struct cell *of =
            find_by_id(call, COLUMN(row, call, "lane"), COLUMN(row, call, "authorization_id"));
        if (of == NULL)
            continue;
        answer_add(call, call_table(call, T_AUTHORIZATION), of, AUTHORIZATION_COLUMNS);
        answer_add_cell(call, COLUMN(row, call, "key_hash"));
        answer_add_cell(call, COLUMN(row, call, "fingerprint"));
        answer_add_cell(call, COLUMN(row, call, "version"));
        answer_add_cell(call, COLUMN(row, call, "http_status"));
        answer_add_cell(call, COLUMN(row, call, "shows_reasons"));
    }
    return OK;
}

static enum status find_transactions(struct call *call, struct error *err)
{
    (void)err;
    const struct table *decided = call_table(call, T_TRANSACTION);
    const struct cells wanted = call_array(call, 1);
    for (int at = 0; at < wanted.count; at++) {
        const struct row *row = row_find(decided, &wanted.items[at]);
        if (row == NULL || row_seen(row, call->tx) == NULL)
            continue;
        const struct cell *of =
            find_by_id(call, COLUMN(row, call, "lane"), COLUMN(row, call, "authorization_id"));
        if (of != NULL)
            answer_add(call, call_table(call, T_AUTHORIZATION), of, AUTHORIZATION_COLUMNS);
    }
    return OK;
}

static enum status delete_expired_keys(struct call *call, struct error *err)
{
    const struct table *keys = call_table(call, T_KEY);
    const struct cells hashes = call_array(call, 1);
    const int64_t newer_us = server_now_us() - cell_to_i64(call_param(call, 2)) * US_PER_S;
    struct row *row;
    for (size_t at = 0; (row = next_row(keys, call, &at)) != NULL;) {
        if (!cells_have(&hashes, COLUMN(row, call, "key_hash")) ||
            cell_to_time(COLUMN(row, call, "created_at")) > newer_us)
            continue;
        TRY(row_lock(row, call->tx, call->until_us, err));
        if (row_seen(row, call->tx) == NULL)
            continue;
        row_delete(row);
        call->answer.affected++;
    }
    return OK;
}

/* ---- what is due ---------------------------------------------------------------------------- */

static bool is_open_hold_of(const struct call *call, const struct row *row, struct cell account_id)
{
    return cell_equals(COLUMN(row, call, "account_id"), account_id) &&
           cell_to_i64(COLUMN(row, call, "remaining_minor")) > 0;
}

static enum status find_next_expiry(struct call *call, struct error *err)
{
    (void)err;
    const struct table *table = call_table(call, T_AUTHORIZATION);
    const struct cells accounts = call_array(call, 2);
    const struct cell now = call_param(call, 3);
    for (int nth = 0; nth < accounts.count; nth++) {
        struct cell next = {NULL, 0};
        struct row *row;
        for (size_t at = 0; (row = next_row(table, call, &at)) != NULL;) {
            if (!is_open_hold_of(call, row, accounts.items[nth]))
                continue;
            const struct cell expires_at = COLUMN(row, call, "expires_at");
            if (cell_compare(expires_at, now) > 0 &&
                (next.data == NULL || cell_compare(expires_at, next) < 0))
                next = expires_at;
        }
        answer_add(call, NULL, NULL, "");
        answer_add_cell(call, accounts.items[nth]);
        answer_add_cell(call, next);
    }
    return OK;
}

static enum status find_due_holds(struct call *call, struct error *err)
{
    (void)err;
    const struct table *table = call_table(call, T_AUTHORIZATION);
    const struct cells accounts = call_array(call, 2);
    const struct cell now = call_param(call, 3);
    struct row *row;
    for (size_t at = 0; (row = next_row(table, call, &at)) != NULL;) {
        const struct cell account_id = COLUMN(row, call, "account_id");
        if (cells_have(&accounts, account_id) && is_open_hold_of(call, row, account_id) &&
            cell_compare(COLUMN(row, call, "expires_at"), now) <= 0)
            answer_add(call, table, row_seen(row, call->tx), AUTHORIZATION_COLUMNS);
    }
    ASSERT(call->answer.row_count < 1000);
    return OK;
}

static enum status find_due_accounts(struct call *call, struct error *err)
{
    (void)err;
    const struct table *table = call_table(call, T_ACCOUNT);
    struct row *row;
    for (size_t at = 0; (row = next_row(table, call, &at)) != NULL;) {
        const struct cell next = COLUMN(row, call, "next_expiry_at");
        if (next.data == NULL || cell_to_time(next) > server_now_us())
            continue;
        answer_add(call, table, row_seen(row, call->tx), "lane id");
        answer_add_cell(call, cell_i64(server_now_us() - cell_to_time(next)));
    }
    return OK;
}

const struct model AUTHORIZATION_MODELS[] = {
    {"authorization.find_account_ids", MODEL_SELECT, T_AUTHORIZATION,
     "lane[]= id[]=", "id account_id"},
    {"authorization.lock_accounts", MODEL_SELECT, T_ACCOUNT, "lane[]= id[]=",
     "id user_id status currency limit_minor held_minor posted_minor next_expiry_at version"},
    {"authorization.lock_free_accounts", MODEL_SELECT, T_ACCOUNT, "lane[]= id[]=",
     "id user_id status currency limit_minor held_minor posted_minor next_expiry_at version"},
    {"authorization.find_existing_accounts", MODEL_SELECT, T_ACCOUNT, "lane[]= id[]=", "id"},
    {"authorization.find_authorizations", MODEL_SELECT, T_AUTHORIZATION,
     "lane[]= id[]=", AUTHORIZATION_COLUMNS},
    {"authorization.find_changes", MODEL_SELECT, T_CHANGE, "lane[]= authorization_id[]=",
     "authorization_id version status amount_minor changed_by reason changed_at"},
    {"authorization.insert_authorizations", MODEL_INSERT, T_AUTHORIZATION,
     "lane[] id[] status[] version[] remaining_minor[] decision[] decision_code[] reasons[] "
     "tenant_id[] transaction_id[] user_id[] account_id[] currency[] requested_minor[] "
     "approved_minor[] available_minor[] limit_minor[] held_minor[] expires_at[] saga_id[] "
     "trace_id[] fingerprint[] body_format[] created_at[]"},
    {"authorization.insert_changes", MODEL_INSERT, T_CHANGE,
     "lane[] authorization_id[] version[] status[] amount_minor[] changed_by[] reason[] "
     "trace_id[] changed_at"},
    {"authorization.update_released", MODEL_UPDATE, T_AUTHORIZATION,
     "lane[]= id[]= status[] version[]", NULL, fill_released},
    {"authorization.insert_transactions", MODEL_INSERT, T_TRANSACTION,
     "transaction_key[] lane[] authorization_id[]"},
    {"authorization.update_accounts", MODEL_UPDATE, T_ACCOUNT,
     "lane[]= id[]= status[] limit_minor[] held_minor[] next_expiry_at[] version[]"},
    {"authorization.open_accounts", MODEL_INSERT, T_ACCOUNT,
     "lane[] id[] tenant_id[] user_id[] status[] currency[] limit_minor[]", "id opened_at",
     fill_account},
    {"authorization.find_keys", MODEL_OWN, .run = find_keys},
    {"authorization.find_transactions", MODEL_OWN, .run = find_transactions},
    {"authorization.insert_keys", MODEL_INSERT, T_KEY,
     "day[] key_hash[] fingerprint[] lane[] authorization_id[] version[] http_status[] "
     "shows_reasons[] created_at[]"},
    {"authorization.delete_expired_keys", MODEL_OWN, .run = delete_expired_keys},
    {"authorization.find_next_expiry", MODEL_OWN, .run = find_next_expiry},
    {"authorization.find_due_holds", MODEL_OWN, .run = find_due_holds},
    {"authorization.find_due_accounts", MODEL_OWN, .run = find_due_accounts},
    {"authorization.read_clock", MODEL_OWN, .run = read_clock},
    {"authorization.write_mark", MODEL_OWN, .run = do_nothing},
    {"authorization.rotate_keys", MODEL_OWN, .run = do_nothing},
    {NULL, MODEL_OWN},
};
