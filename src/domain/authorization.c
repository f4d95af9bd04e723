#include "domain/authorization.h"

#include "base/arena.h"
#include "base/assert.h"
#include "domain/account.h"

/* ---- names --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *iso8583;
} CODES[] = {
#define DECISION_AS_ROW(code, name, iso8583) [code] = {name, iso8583},
    DECISION_CODES(DECISION_AS_ROW)
#undef DECISION_AS_ROW
};
_Static_assert(COUNT(CODES) == DECISION_CODE_COUNT, "a row for every code");

static const char *const STATUS_NAMES[] = {
    [AUTHORIZATION_APPROVED] = "approved", [AUTHORIZATION_DECLINED] = "declined",
    [AUTHORIZATION_VOIDED] = "voided",     [AUTHORIZATION_EXPIRED] = "expired",
    [AUTHORIZATION_REVERSED] = "reversed",
};

const char *decision_code_name(enum decision_code code)
{
    ASSERT(code < DECISION_CODE_COUNT);
    return CODES[code].name;
}

const char *decision_code_iso8583(enum decision_code code)
{
    ASSERT(code < DECISION_CODE_COUNT);
    return CODES[code].iso8583;
}

bool decision_code_parse(struct text name, enum decision_code *out)
{
    for (size_t at = 0; at < COUNT(CODES); at++) {
        if (text_equals_c(name, CODES[at].name)) {
            *out = (enum decision_code)at;
            return true;
        }
    }
    return false;
}

const char *authorization_status_name(enum authorization_status status)
{
    ASSERT(status < COUNT(STATUS_NAMES));
    return STATUS_NAMES[status];
}

bool authorization_status_parse(struct text name, enum authorization_status *out)
{
    for (size_t at = 0; at < COUNT(STATUS_NAMES); at++) {
        if (text_equals_c(name, STATUS_NAMES[at])) {
            *out = (enum authorization_status)at;
            return true;
        }
    }
    return false;
}

/* ---- the decision -------------------------------------------------------------------------- */

/* Every check is made, so that all reasons are known; the codes' order picks the first. */
static unsigned failing_checks(const struct account *account, const struct currency *currency,
                               int64_t amount_minor, const struct decision_policy *policy)
{
    unsigned reasons = 0;
    if (account == NULL)
        return 1u << DECISION_ACCOUNT_NOT_FOUND;
    if (account->status == ACCOUNT_CLOSED)
        reasons |= 1u << DECISION_ACCOUNT_CLOSED;
    if (account->status == ACCOUNT_FROZEN)
        reasons |= 1u << DECISION_ACCOUNT_FROZEN;
    if (account->currency != currency)
        return reasons | 1u << DECISION_CURRENCY_MISMATCH; /* amounts cannot be compared */
    if (policy->has_amount_limit && amount_minor > policy->amount_limit_minor)
        reasons |= 1u << DECISION_AMOUNT_LIMIT_EXCEEDED;
    if (amount_minor > account_available_minor(account))
        reasons |= 1u << DECISION_CREDIT_LIMIT_EXCEEDED;
    return reasons;
}

struct decision authorization_decide(const struct account *account, const struct currency *currency,
                                     int64_t amount_minor, const struct decision_policy *policy)
{
    ASSERT(amount_minor > 0); /* the parser refuses zero and negative amounts */
    ASSERT(currency != NULL);
    const unsigned reasons = failing_checks(account, currency, amount_minor, policy);
    if (reasons == 0)
        return (struct decision){DECISION_APPROVED, 0};
    return (struct decision){(enum decision_code)__builtin_ctz(reasons), reasons};
}

struct text decision_reasons_text(struct arena *arena, unsigned reasons)
{
    struct text_builder b;
    text_builder_init(&b, arena, 64);
    for (unsigned code = 1; code < DECISION_CODE_COUNT; code++) {
        if ((reasons & 1u << code) == 0)
            continue;
        if (b.size > 0)
            text_builder_add_c(&b, ",");
        text_builder_add_c(&b, CODES[code].name);
    }
    return text_builder_text(&b);
}

/* ---- release ------------------------------------------------------------------------------- */

bool authorization_release(struct authorization *authorization, struct account *account,
                           enum authorization_status to, struct authorization_change *change_out)
{
    ASSERT(to == AUTHORIZATION_VOIDED || to == AUTHORIZATION_EXPIRED ||
           to == AUTHORIZATION_REVERSED);
    ASSERT(uuid_equals(&authorization->account_id, &account->id));
    if (authorization->status != AUTHORIZATION_APPROVED)
        return false;
    ASSERT(authorization->remaining_minor > 0);
    ASSERT(account->held_minor >= authorization->remaining_minor);

    account->held_minor -= authorization->remaining_minor;
    authorization->status = to;
    authorization->version++;
    *change_out = (struct authorization_change){
        .authorization_id = authorization->id,
        .version = authorization->version,
        .status = to,
        .amount_minor = authorization->remaining_minor,
    };
    authorization->remaining_minor = 0;
    return true;
}
