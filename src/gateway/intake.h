/* gateway/intake.h - what every request that changes something must bring: a key and a body.
 *
 * Purpose:   checks the head and parses the body, refusing with the one problem that says why.
 * Units:     none.
 * Ownership: results live in the request's arena.
 * Errors:    false: the visit has been refused (400, 415, 503).
 * Threads:   values. */
#ifndef GATEWAY_INTAKE_H
#define GATEWAY_INTAKE_H

#include "base/json.h"
#include "base/sha256.h"
#include "gateway/visit.h"

/* The route under which authorizations are counted, whichever door they took: /authorize too. */
#define AUTHORIZE_ROUTE "/v1/authorizations"

/* Asked before anything is read: while nothing more can be taken, a refusal must cost little. */
MUST_CHECK bool intake_has_room(struct visit *visit);
/* The lookup digest of the Idempotency-Key; `route` is canonical. */
MUST_CHECK bool intake_key(struct visit *visit, const char *route, struct sha256 *lookup_out);
MUST_CHECK bool intake_body(struct visit *visit, struct json_value *body_out);
/* Without a body, an empty object. */
MUST_CHECK bool intake_optional_body(struct visit *visit, struct json_value *body_out);

struct sha256 intake_fingerprint(struct visit *visit, const char *route,
                                 const struct json_value *body);

/* When the answer to what comes in now must be there; monotonic clock, microseconds. */
int64_t intake_deadline_us(const struct visit *visit);

#endif
