/* platform/keystore/keystore.h - a shield of idempotency keys in front of the authorization
 * service.
 *
 * Purpose:   one of the two seams with several parts behind them. The guarantee is elsewhere: the
 *            authorization service saves key, fingerprint and outcome in the decision's own SQL
 *            transaction. A key store answers repeats before they get there. A batch is claimed,
 *            then what the store does not answer is asked, then each claim is completed (there is
 *            an outcome to keep: 200, 201) or released (a refusal: it is never kept). A claim that
 *            is neither (its outcome is unknown, or the store could not be told) runs out by
 *            itself, soon after its request must have been answered; whoever takes it over asks
 *            the authorization service again, whose own record gives the first outcome.
 * Units:     the name says it; deadlines in microseconds of the monotonic clock.
 * Ownership: replayed texts live in the batch's arena; a store belongs to whoever opened it.
 * Errors:    only of keystore_open: ERR_INVALID with what to set. A store that does not answer is
 *            a verdict; completing and releasing cannot fail for the caller: a claim left behind
 *            runs out.
 * Threads:   a store belongs to one thread. */
#ifndef PLATFORM_KEYSTORE_KEYSTORE_H
#define PLATFORM_KEYSTORE_KEYSTORE_H

#include "base/error.h"
#include "base/sha256.h"

struct arena;
struct keystore;

struct keystore_config {
    const char *kind;        /* none | dynamodb */
    const char *table;       /* dynamodb */
    int64_t lease_ms;        /* a claim runs out after it, if not before */
    int64_t ttl_s;           /* an outcome is forgotten after it */
    int64_t timeout_ms;      /* a batch waits no longer for the store, nor its answers */
    int64_t connections_max; /* calls under way at once */
};

enum keystore_verdict {
    KEYSTORE_ASK,        /* claimed for us, or nobody keeps it: ask the authorization service */
    KEYSTORE_REPLAY,     /* done before with this fingerprint: `outcome` is the answer        */
    KEYSTORE_IN_FLIGHT,  /* somebody else is at it: 409                                        */
    KEYSTORE_REUSED,     /* known with another fingerprint: 422                                */
    KEYSTORE_UNANSWERED, /* the store does not answer: ask without it, or refuse               */
};

struct keystore_outcome {
    int status;
    struct text body;
    struct text location; /* TEXT_NONE: none */
};

struct keystore_claim {
    struct sha256 key_hash;
    struct sha256 fingerprint;
    enum keystore_verdict verdict;   /* set by keystore_claim */
    bool is_takeover;                /* KEYSTORE_ASK: of a claim that somebody left behind */
    bool may_be_held;                /* ours to complete or release: claimed, or perhaps */
    struct keystore_outcome outcome; /* KEYSTORE_REPLAY: set by keystore_claim;
                                        keystore_complete: what to keep */
};

struct keystore_batch {
    struct arena *arena;
    struct keystore_claim *const *claims;
    size_t count;
    int64_t deadline_us;    /* of whoever waits for the store; its own timeout holds too */
    int64_t asked_until_us; /* keystore_claim: afterwards none of the claims' requests is under way
                               here, so they run out */
};

MUST_CHECK enum status keystore_open(const struct keystore_config *config,
                                     struct keystore **store_out, struct error *err);
void keystore_close(struct keystore *store); /* accepts NULL */

/* Sets the verdict of each. Equal keys in one call: the first is claimed, the others see it. */
void keystore_claim(struct keystore *store, const struct keystore_batch *batch);
/* Of claims of the last keystore_claim; those that are not held are passed over by both. */
void keystore_complete(struct keystore *store, const struct keystore_batch *batch);
void keystore_release(struct keystore *store, const struct keystore_batch *batch);

#endif
