/* gateway/account_request.h - what an operator sets with PUT /v1/accounts/{user_id}.
 *
 * Purpose:   turns a parsed body into a request, or into one problem that names every field that is
 *            refused. What depends on the account (its currency, so the limit's precision) is
 *            decided behind the hop.
 * Units:     `_minor`: minor units.
 * Ownership: texts borrow from the parsed body.
 * Errors:    gathered in `fields`.
 * Threads:   values. */
#ifndef GATEWAY_ACCOUNT_REQUEST_H
#define GATEWAY_ACCOUNT_REQUEST_H

#include "base/error.h"
#include "base/json.h"
#include "domain/money.h"
#include "gateway/fields.h"

struct account_request {
    struct text user_id; /* from the path; set by the caller */
    bool has_limit;
    bool limit_is_minor;             /* it was sent as credit_limit_minor */
    struct decimal limit;            /* 0 or more; in minor units where limit_is_minor */
    const struct currency *currency; /* NULL: as it is */
    struct text status;              /* open | frozen | closed; none: as it is */
};

/* False: something is wrong, `fields` says what. */
MUST_CHECK bool account_request_read(const struct json_value *body,
                                     struct account_request *request_out,
                                     struct field_errors *fields);

#endif
