/* gateway/keyring.h - who may come in, and how often: API keys, held in memory.
 *
 * Purpose:   every request asks for its key's owner and scopes without leaving the door's thread.
 *            The keys are read again each second; a key that is not among them lets its request
 *            wait for a reading younger than itself, at most ten of those a second. Each key has
 *            a bucket of tokens, this gateway's own.
 * Units:     times in microseconds.
 * Ownership: the keyring owns its thread, its database connection and the requests that wait.
 * Errors:    a database that is down leaves the keys as they were; requests with a key that was
 *            not among them are answered 503 dependency_down.
 * Threads:   all but start and stop from any thread. */
#ifndef GATEWAY_KEYRING_H
#define GATEWAY_KEYRING_H

#include "base/error.h"
#include "base/sha256.h"
#include "base/uuid.h"
#include "gateway/scope.h"

struct gateway;
struct keyring;
struct visit;

/* In whose name a request comes; its name is part of the idempotency key. */
struct principal {
    char name[UUID_TEXT_SIZE + 1]; /* the key's id, or anonymous */
    unsigned scopes;               /* bits of enum scope */
    struct sha256 key_hash;        /* of a key; anonymous has none */
};

/* Reads the keys once; ERR_INVALID: there is none and the door is not open without one. */
MUST_CHECK enum status keyring_start(struct gateway *gateway, struct keyring **keyring_out,
                                     struct error *err);
/* What waits is answered 503. Accepts NULL. */
void keyring_stop(struct keyring *keyring);

bool keyring_find(struct keyring *keyring, const struct sha256 *hash, struct principal *out);
/* Whether the key may send one more request. 0: yes, it has taken a token; otherwise how long until
 * it may. Nobody limits who has no key. */
int64_t keyring_admit(struct keyring *keyring, const struct principal *principal);
/* The request that was admitted counts for so many more. */
void keyring_charge(struct keyring *keyring, const struct principal *principal, int64_t requests);
/* The visit is dispatched again after the next reading. False: too many wait already. */
MUST_CHECK bool keyring_wait(struct keyring *keyring, struct visit *visit);
#endif
