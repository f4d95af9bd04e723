/* domain/authorization.h - the decision: may this account hold this amount, and what may happen
 * to the authorization afterwards.
 *
 * Purpose:   pure rules of the authorization service. A business "no" is a value with every
 *            failing reason; the first in precedence is the decision's code.
 * Units:     minor units of the currency named beside them; times in microseconds since 1970.
 * Ownership: values; texts borrow.
 * Errors:    none.
 * Threads:   values. */
#ifndef DOMAIN_AUTHORIZATION_H
#define DOMAIN_AUTHORIZATION_H

#include "base/sha256.h"
#include "base/text.h"
#include "base/uuid.h"

#include <stdbool.h>

struct account;
struct arena;
struct currency;

/* What a decision says: code, and answer code of ISO 8583 field 39. The order is the precedence:
 * account state, currency, amount limits, funds. */
#define DECISION_CODES(X)                                                                          \
    X(DECISION_APPROVED, "approved", "00")                                                         \
    X(DECISION_ACCOUNT_NOT_FOUND, "account_not_found", "14")                                       \
    X(DECISION_ACCOUNT_CLOSED, "account_closed", "78")                                             \
    X(DECISION_ACCOUNT_FROZEN, "account_frozen", "62")                                             \
    X(DECISION_CURRENCY_MISMATCH, "currency_mismatch", "12")                                       \
    X(DECISION_AMOUNT_LIMIT_EXCEEDED, "amount_limit_exceeded", "61")                               \
    X(DECISION_CREDIT_LIMIT_EXCEEDED, "credit_limit_exceeded", "51")

#define DECISION_AS_ENUM(code, name, iso8583) code,
enum decision_code { DECISION_CODES(DECISION_AS_ENUM) DECISION_CODE_COUNT };
#undef DECISION_AS_ENUM

const char *decision_code_name(enum decision_code code);
const char *decision_code_iso8583(enum decision_code code);
bool decision_code_parse(struct text name, enum decision_code *out);

struct decision {
    enum decision_code code; /* the first failing check, or approved */
    unsigned reasons;        /* bit (1 << code) for each failing check */
};

struct decision_policy {
    bool has_amount_limit;
    int64_t amount_limit_minor; /* per authorization, in the account's currency */
};

/* `account` is NULL where it does not exist. */
struct decision authorization_decide(const struct account *account, const struct currency *currency,
                                     int64_t amount_minor, const struct decision_policy *policy);

/* The failing checks' names, separated by commas, in order of precedence. */
struct text decision_reasons_text(struct arena *arena, unsigned reasons);

/* ---- the authorization and what may become of it --------------------------------------------- */

/*      decide ──> declined
 *        │
 *        └──> approved ──> voided    (the client asks)
 *                     ├──> expired   (its time is over)
 *                     └──> reversed  (the ledger refused to book it)      all four are final     */
enum authorization_status {
    AUTHORIZATION_APPROVED,
    AUTHORIZATION_DECLINED,
    AUTHORIZATION_VOIDED,
    AUTHORIZATION_EXPIRED,
    AUTHORIZATION_REVERSED,
};

const char *authorization_status_name(enum authorization_status status);
bool authorization_status_parse(struct text name, enum authorization_status *out);

struct authorization {
    struct uuid id; /* v7, the account's lane in its last six bits */
    int lane;
    struct text transaction_id;
    struct text user_id;
    struct uuid account_id;
    /* what it is now */
    enum authorization_status status;
    int64_t version;         /* 1 + changes since the decision */
    int64_t remaining_minor; /* what it still holds */
    /* the decision; never changes */
    struct decision decision;
    const struct currency *currency;
    int64_t requested_minor;
    int64_t approved_minor;
    int64_t available_minor; /* of the account, right after the decision; unknown account: 0 */
    int64_t limit_minor;     /* of the account at the decision, for who asks later; not read back */
    int64_t held_minor;      /* likewise, right after it */
    int64_t expires_at_us;   /* 0: nothing held */
    struct uuid saga_id;     /* its booking; nil: nothing to book */
    struct text trace_id;
    struct sha256 fingerprint;
    int64_t created_at_us;
};

/* One change after the decision; the decision itself is version 1. */
struct authorization_change {
    struct uuid authorization_id;
    int64_t version;
    enum authorization_status status; /* afterwards */
    int64_t amount_minor;             /* released by it */
    struct text changed_by;           /* api, expiry, saga */
    struct text reason;
    int64_t changed_at_us;
};

/* Gives the rest of a hold back: status, version and remaining change, and the account holds less.
 * False, and nothing changed, where the authorization is no longer approved (terminal). */
bool authorization_release(struct authorization *authorization, struct account *account,
                           enum authorization_status to, struct authorization_change *change_out);

#endif
