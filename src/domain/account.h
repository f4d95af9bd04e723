/* domain/account.h - an account with a credit line, as the authorization service sees it.
 *
 * Purpose:   limit, what is held and what is posted; what is available follows from them. The
 *            rules for changing an account are here, its rows are the authorization room's.
 * Units:     minor units of the account's currency; times in microseconds since 1970.
 * Ownership: values; texts borrow.
 * Errors:    none: a change that is not allowed is a named refusal.
 * Threads:   values. */
#ifndef DOMAIN_ACCOUNT_H
#define DOMAIN_ACCOUNT_H

#include "base/text.h"
#include "base/uuid.h"

#include <stdbool.h>

struct currency;

enum account_status { ACCOUNT_OPEN, ACCOUNT_FROZEN, ACCOUNT_CLOSED };

struct account {
    struct uuid id; /* follows from tenant and user id, see domain/lane.h */
    int lane;
    struct text user_id;
    enum account_status status;
    const struct currency *currency;
    int64_t limit_minor;
    int64_t held_minor;     /* sum of what its open authorizations still hold */
    int64_t posted_minor;   /* what was captured and not paid back */
    int64_t next_expiry_us; /* no hold expires earlier; 0: none is open */
    int64_t version;        /* counts changes of limit and status */
};

/* limit - posted - held. Negative when the limit was lowered below what is already used. */
int64_t account_available_minor(const struct account *account);

const char *account_status_name(enum account_status status); /* open, frozen, closed */
bool account_status_parse(struct text name, enum account_status *out);

/* What an operator may ask of an account; a part that is absent stays as it is. */
struct account_change {
    bool has_limit;
    int64_t limit_minor;
    bool has_status;
    enum account_status status;
    const struct currency *currency; /* NULL: not said */
};

enum account_refusal {
    ACCOUNT_CHANGE_OK,
    ACCOUNT_CHANGE_CURRENCY, /* an account keeps its currency for ever */
    ACCOUNT_CHANGE_CLOSED,   /* closed is final */
};

/* Applies the change in place; on a refusal nothing changed. The version rises by one when
 * something did change. */
enum account_refusal account_apply(struct account *account, const struct account_change *change);

#endif
