/* domain/authorize_request.h - what a client asks for with POST /authorize.
 *
 * Purpose:   turns a parsed body into a request, or into one problem that points to every field
 *            that is refused. What depends on the account (its currency, so the amount's
 *            precision; whether there is an account at all) is not decided here.
 * Units:     times in seconds.
 * Ownership: texts borrow from the parsed body; errors live in the arena.
 * Errors:    validation_failed where any field is not valid; else amount_out_of_range,
 *            amount_precision (more decimals than any currency has) or currency_unsupported.
 * Threads:   values. */
#ifndef DOMAIN_AUTHORIZE_REQUEST_H
#define DOMAIN_AUTHORIZE_REQUEST_H

#include "base/error.h"
#include "base/json.h"
#include "base/problem.h"
#include "domain/money.h"

struct arena;

enum { EXPIRES_IN_S_MAX = 366 * 86400 };

struct authorize_request {
    struct text transaction_id;      /* 1 to 128 characters, see domain/identifier.h */
    struct text user_id;             /* likewise */
    struct decimal amount;           /* more than 0; in minor units where amount_is_minor */
    bool amount_is_minor;            /* it was sent as amount_minor */
    const struct currency *currency; /* NULL: the account's own */
    int64_t expires_in_s;            /* 0: as the policy says; never lengthens it */
};

/* Returns PROBLEM_NONE and fills *request_out, or returns why not and fills `code`, `detail` and
 * `errors` of *problem_out, leaving the rest of it alone. */
MUST_CHECK enum problem_code authorize_request_read(struct arena *arena,
                                                    const struct json_value *body,
                                                    struct authorize_request *request_out,
                                                    struct problem *problem_out);

/* The amount once its currency is known. */
MUST_CHECK enum money_result authorize_request_minor(const struct authorize_request *request,
                                                     const struct currency *currency,
                                                     int64_t *minor_out);

#endif
