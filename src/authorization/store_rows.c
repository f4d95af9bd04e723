/* Rows into structs. A name in a column that this program does not know means that a newer one
 * wrote it: a bug in the order of upgrades, so it aborts. */
#include "authorization/store.h"

#include "authorization_sql.h"
#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"

static const struct currency *read_currency(struct sql_rows rows, int row, int column)
{
    const struct currency *currency = currency_find(sql_text(rows, row, column));
    ASSERT(currency != NULL);
    return currency;
}

/* The failing checks from their stored names. */
static unsigned read_reasons(struct text names)
{
    unsigned reasons = 0;
    while (names.size > 0) {
        enum decision_code code;
        ASSERT(decision_code_parse(text_cut(&names, ','), &code));
        reasons |= 1u << code;
    }
    return reasons;
}

/* find_keys, find_transactions, find_authorizations, find_due_holds and list_authorizations all
 * begin with the same columns. */
_Static_assert((int)FIND_KEYS_CREATED_AT == (int)FIND_AUTHORIZATIONS_CREATED_AT &&
                   (int)FIND_TRANSACTIONS_CREATED_AT == (int)FIND_AUTHORIZATIONS_CREATED_AT &&
                   (int)FIND_DUE_HOLDS_CREATED_AT == (int)FIND_AUTHORIZATIONS_CREATED_AT &&
                   (int)LIST_AUTHORIZATIONS_CREATED_AT == (int)FIND_AUTHORIZATIONS_CREATED_AT,
               "one reader serves them all");

static void read_decision(struct sql_rows rows, int row, struct authorization *a)
{
    ASSERT(decision_code_parse(sql_text(rows, row, FIND_AUTHORIZATIONS_DECISION_CODE),
                               &a->decision.code));
    a->decision.reasons = read_reasons(sql_text(rows, row, FIND_AUTHORIZATIONS_REASONS));
    a->currency = read_currency(rows, row, FIND_AUTHORIZATIONS_CURRENCY);
    a->requested_minor = sql_i64(rows, row, FIND_AUTHORIZATIONS_REQUESTED_MINOR);
    a->approved_minor = sql_i64(rows, row, FIND_AUTHORIZATIONS_APPROVED_MINOR);
    a->available_minor = sql_i64(rows, row, FIND_AUTHORIZATIONS_AVAILABLE_MINOR);
    if (!sql_is_null(rows, row, FIND_AUTHORIZATIONS_EXPIRES_AT))
        a->expires_at_us = sql_time(rows, row, FIND_AUTHORIZATIONS_EXPIRES_AT);
    if (!sql_is_null(rows, row, FIND_AUTHORIZATIONS_SAGA_ID))
        a->saga_id = sql_uuid(rows, row, FIND_AUTHORIZATIONS_SAGA_ID);
    a->created_at_us = sql_time(rows, row, FIND_AUTHORIZATIONS_CREATED_AT);
}

void store_read_authorization(struct sql_rows rows, int row, struct arena *arena,
                              struct authorization *a)
{
    *a = (struct authorization){
        .id = sql_uuid(rows, row, FIND_AUTHORIZATIONS_ID),
        .lane = sql_i16(rows, row, FIND_AUTHORIZATIONS_LANE),
        .transaction_id = text_copy(arena, sql_text(rows, row, FIND_AUTHORIZATIONS_TRANSACTION_ID)),
        .user_id = text_copy(arena, sql_text(rows, row, FIND_AUTHORIZATIONS_USER_ID)),
        .account_id = sql_uuid(rows, row, FIND_AUTHORIZATIONS_ACCOUNT_ID),
        .version = sql_i64(rows, row, FIND_AUTHORIZATIONS_VERSION),
        .remaining_minor = sql_i64(rows, row, FIND_AUTHORIZATIONS_REMAINING_MINOR),
        .trace_id = text_copy(arena, sql_text(rows, row, FIND_AUTHORIZATIONS_TRACE_ID)),
        .fingerprint = sql_sha256(rows, row, FIND_AUTHORIZATIONS_FINGERPRINT),
    };
    ASSERT(authorization_status_parse(sql_text(rows, row, FIND_AUTHORIZATIONS_STATUS), &a->status));
    read_decision(rows, row, a);
}

_Static_assert((int)FIND_ACCOUNT_VERSION == (int)LOCK_ACCOUNTS_VERSION, "one reader serves both");

void store_read_account(struct sql_rows rows, int row, struct arena *arena, struct account *account)
{
    *account = (struct account){
        .id = sql_uuid(rows, row, LOCK_ACCOUNTS_ID),
        .user_id = text_copy(arena, sql_text(rows, row, LOCK_ACCOUNTS_USER_ID)),
        .currency = read_currency(rows, row, LOCK_ACCOUNTS_CURRENCY),
        .limit_minor = sql_i64(rows, row, LOCK_ACCOUNTS_LIMIT_MINOR),
        .held_minor = sql_i64(rows, row, LOCK_ACCOUNTS_HELD_MINOR),
        .posted_minor = sql_i64(rows, row, LOCK_ACCOUNTS_POSTED_MINOR),
        .version = sql_i64(rows, row, LOCK_ACCOUNTS_VERSION),
    };
    account->lane = lane_of(&account->id);
    ASSERT(account_status_parse(sql_text(rows, row, LOCK_ACCOUNTS_STATUS), &account->status));
    if (!sql_is_null(rows, row, LOCK_ACCOUNTS_NEXT_EXPIRY_AT))
        account->next_expiry_us = sql_time(rows, row, LOCK_ACCOUNTS_NEXT_EXPIRY_AT);
}

struct authorization_change *store_read_changes(struct sql_rows rows, struct arena *arena)
{
    struct authorization_change *changes =
        ARENA_NEW_ARRAY(arena, struct authorization_change, (size_t)rows.count);
    for (int row = 0; row < rows.count; row++) {
        changes[row] = (struct authorization_change){
            .authorization_id = sql_uuid(rows, row, FIND_CHANGES_AUTHORIZATION_ID),
            .version = sql_i64(rows, row, FIND_CHANGES_VERSION),
            .amount_minor = sql_i64(rows, row, FIND_CHANGES_AMOUNT_MINOR),
            .changed_by = text_copy(arena, sql_text(rows, row, FIND_CHANGES_CHANGED_BY)),
            .reason = text_copy(arena, sql_text(rows, row, FIND_CHANGES_REASON)),
            .changed_at_us = sql_time(rows, row, FIND_CHANGES_CHANGED_AT),
        };
        ASSERT(authorization_status_parse(sql_text(rows, row, FIND_CHANGES_STATUS),
                                          &changes[row].status));
    }
    return changes;
}
