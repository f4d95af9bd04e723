#include "authorization/busy.h"

#include <string.h>

/* Its place; `count` where it has none. */
static size_t place_of(const struct busy_accounts *busy, const struct uuid *account_id)
{
    size_t at = 0;
    while (at < busy->count && !uuid_equals(&busy->ids[at], account_id))
        at++;
    return at;
}

static void close_gap(struct busy_accounts *busy, size_t at)
{
    busy->count--;
    memmove(&busy->ids[at], &busy->ids[at + 1], (busy->count - at) * sizeof busy->ids[0]);
}

bool busy_accounts_has(const struct busy_accounts *busy, const struct uuid *account_id)
{
    return place_of(busy, account_id) < busy->count;
}

bool busy_accounts_add(struct busy_accounts *busy, const struct uuid *account_id)
{
    if (busy_accounts_has(busy, account_id))
        return false;
    if (busy->count == BUSY_ACCOUNTS_MAX)
        close_gap(busy, 0);
    busy->ids[busy->count++] = *account_id;
    return true;
}

bool busy_accounts_forget(struct busy_accounts *busy, const struct uuid *account_id)
{
    const size_t at = place_of(busy, account_id);
    if (at == busy->count)
        return false;
    close_gap(busy, at);
    return true;
}
