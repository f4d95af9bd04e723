#include "domain/account.h"

#include "base/assert.h"

static const char *const STATUS_NAMES[] = {
    [ACCOUNT_OPEN] = "open", [ACCOUNT_FROZEN] = "frozen", [ACCOUNT_CLOSED] = "closed"};

int64_t account_available_minor(const struct account *account)
{
    int64_t available = 0;
    ASSERT(!__builtin_sub_overflow(account->limit_minor, account->posted_minor, &available));
    ASSERT(!__builtin_sub_overflow(available, account->held_minor, &available));
    return available;
}

const char *account_status_name(enum account_status status)
{
    ASSERT(status < COUNT(STATUS_NAMES));
    return STATUS_NAMES[status];
}

bool account_status_parse(struct text name, enum account_status *out)
{
    for (size_t at = 0; at < COUNT(STATUS_NAMES); at++) {
        if (text_equals_c(name, STATUS_NAMES[at])) {
            *out = (enum account_status)at;
            return true;
        }
    }
    return false;
}

enum account_refusal account_apply(struct account *account, const struct account_change *change)
{
    ASSERT(!change->has_limit || change->limit_minor >= 0);
    if (change->currency != NULL && change->currency != account->currency)
        return ACCOUNT_CHANGE_CURRENCY;
    const bool new_status = change->has_status && change->status != account->status;
    const bool new_limit = change->has_limit && change->limit_minor != account->limit_minor;
    if (account->status == ACCOUNT_CLOSED && (new_status || new_limit))
        return ACCOUNT_CHANGE_CLOSED;
    if (new_status)
        account->status = change->status;
    if (new_limit)
        account->limit_minor = change->limit_minor;
    if (new_status || new_limit)
        account->version++;
    return ACCOUNT_CHANGE_OK;
}
