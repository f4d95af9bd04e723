/* domain/idempotency.h - how a request is recognized when it comes again.
 *
 * Purpose:   the Idempotency-Key header becomes a lookup digest (whose request is it?), the body a
 *            fingerprint (is it the same request?). Both are digests, so that no key is ever kept
 *            or logged. Every part is length-prefixed before it is hashed (base/sha256.h).
 * Units:     sizes in bytes; times in microseconds since 1970.
 * Ownership: a key borrows from its header, or lives in the arena where it was escaped.
 * Errors:    PROBLEM_IDEMPOTENCY_KEY_MISSING and PROBLEM_IDEMPOTENCY_KEY_INVALID.
 * Threads:   values. */
#ifndef DOMAIN_IDEMPOTENCY_H
#define DOMAIN_IDEMPOTENCY_H

#include "base/error.h"
#include "base/problem.h"
#include "base/sha256.h"
#include "base/text.h"

enum { IDEMPOTENCY_KEY_SIZE_MAX = 255 };

/* The key in a header: a bare token, or a string of RFC 8941 in quotes (its only escapes are \" and
 * \\); abc and "abc" are the same key. 1 to 255 characters from 0x21 to 0x7E. A header that is none
 * is missing, one that is empty is invalid. */
MUST_CHECK enum problem_code idempotency_key_parse(struct arena *arena, struct text header,
                                                   struct text *key_out);

/* Whose key it is, and on what: another principal's equal key is another key. */
struct idempotency_use {
    struct text tenant;
    struct text principal; /* anonymous where no API key is asked for */
    struct text method;    /* POST */
    struct text route;     /* canonical: /authorize counts as /v1/authorizations */
    struct text key;
};

struct sha256 idempotency_lookup(const struct idempotency_use *use);
/* Of one item of a batch, whose one header key has the lookup `header`. */
struct sha256 idempotency_item_lookup(const struct sha256 *header, size_t index);
/* `route`: its template; `canonical`: the parsed body's canonical form (base/json.h). */
struct sha256 idempotency_fingerprint(struct text method, struct text route, struct text canonical);

/* The days, as their first moments, under which a key answered now is kept: within a minute of
 * midnight both. Two SQL transactions on either side of it must still meet in one unique index, or
 * one key could have two outcomes. In order; says how many: 1 or 2. */
size_t idempotency_days(int64_t now_us, int64_t days_out[static 2]);

#endif
