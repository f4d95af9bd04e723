/* platform/keystore/keystore.h - a shield of idempotency keys in front of the authorization
 * service.
 *
 * Purpose:   one of the two seams with several parts behind them. The guarantee is elsewhere: the
 *            authorization service saves key, fingerprint and outcome in the decision's own SQL
 *            transaction. A key store answers repeats before they get there. A batch is claimed,
 *            then what the store does not answer is asked, then each claim is completed (there is
 *            an outcome to keep: 200, 201) or released (a refusal: it is never kept). A claim that
 *            is neither (its outcome is unknown) runs out by itself; whoever takes it over asks
 *            the authorization service again, whose own record gives the first outcome.
 * Units:     none.
 * Ownership: replayed texts live in the arena given; a store belongs to whoever opened it.
 * Errors:    ERR_DOWN, ERR_TIMEOUT of keystore_claim: nothing was claimed; ask all or refuse all.
 *            Completing and releasing cannot fail for the caller: a claim left behind runs out.
 * Threads:   a store belongs to one thread. */
#ifndef PLATFORM_KEYSTORE_KEYSTORE_H
#define PLATFORM_KEYSTORE_KEYSTORE_H

#include "base/error.h"
#include "base/sha256.h"

struct arena;
struct keystore;

enum keystore_verdict {
    KEYSTORE_ASK,       /* not known here, or claimed for us now: ask the authorization service */
    KEYSTORE_REPLAY,    /* done before with this fingerprint: `outcome` is the answer           */
    KEYSTORE_IN_FLIGHT, /* somebody else is at it: 409                                           */
    KEYSTORE_REUSED,    /* known with another fingerprint: 422                                   */
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
    struct keystore_outcome outcome; /* KEYSTORE_REPLAY: set by keystore_claim;
                                        keystore_complete: what to keep */
};

MUST_CHECK enum status keystore_open(const char *kind, struct keystore **store_out,
                                     struct error *err);
void keystore_close(struct keystore *store); /* accepts NULL */

/* Sets the verdict of each. Equal keys in one call: the first is claimed, the others see it. */
MUST_CHECK enum status keystore_claim(struct keystore *store, struct arena *arena,
                                      struct keystore_claim *const *claims, size_t count,
                                      struct error *err);
void keystore_complete(struct keystore *store, const struct keystore_claim *const *claims,
                       size_t count);
void keystore_release(struct keystore *store, const struct keystore_claim *const *claims,
                      size_t count);

#endif
