/* gateway/hop_keys.h - the key store's part in a batch of the hop.
 *
 * Purpose:   claims a batch's keys before it is sent, answers what the store knows already, and
 *            afterwards tells the store how each claim ended.
 * Units:     none.
 * Ownership: everything lives in the arena of the batch.
 * Errors:    none: what the store does not answer is asked all the same, because the authorization
 *            service has the last word on every key anyway; or refused (503 dependency_down), where
 *            the operator wants it so.
 * Threads:   as the store. */
#ifndef GATEWAY_HOP_KEYS_H
#define GATEWAY_HOP_KEYS_H

#include "gateway/hop.h"
#include "platform/keystore/keystore.h"

struct hop_keys {
    struct keystore *store;
    struct arena *arena;
    bool is_strict;                 /* what the store does not answer is refused */
    struct keystore_claim **claims; /* ours to complete or release ... */
    struct hop_item **items;        /* ... and the item of each        */
    size_t count;
};

/* Items that have an answer already, or no key, are left alone. */
void hop_keys_claim(struct hop_keys *keys, struct hop_item *const *items, size_t count);
/* Keeps outcomes; lets go of what was refused; leaves what is unknown to run out. */
void hop_keys_settle(struct hop_keys *keys);

#endif
