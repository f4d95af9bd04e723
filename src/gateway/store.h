/* gateway/store.h - the door to the gateway's database: one function per question.
 *
 * Purpose:   reads the API keys; the gateway asks its database nothing else.
 * Units:     none.
 * Ownership: what is read lives in the arena given.
 * Errors:    those of the round trip (platform/postgres/postgres.h).
 * Threads:   as the db. */
#ifndef GATEWAY_STORE_H
#define GATEWAY_STORE_H

#include "gateway/keyring.h"
#include "gateway/token_bucket.h"

struct arena;
struct db;

struct api_key {
    struct sha256 hash;
    struct principal principal;
    struct token_bucket bucket; /* full, as if nobody had asked yet */
};

struct api_key_list {
    struct api_key *keys; /* sorted by hash */
    size_t count;
};

MUST_CHECK enum status store_read_api_keys(struct db *db, struct arena *arena,
                                           struct api_key_list *list_out, struct error *err);

#endif
