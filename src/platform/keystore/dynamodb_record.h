/* platform/keystore/dynamodb_record.h - a key's record as DynamoDB keeps it.
 *
 * Purpose:   writes the three requests that change a record, each on its own condition, as a call
 *            of its own or as a statement among others, and reads the record that stood in the way
 *            of a claim.
 *
 *            key_hash S (the table's key) | state S IN_FLIGHT, DONE | owner S | fingerprint S |
 *            lease_until N (ms) | created_at N (s) | expires_at N (s, the table's TTL attribute) |
 *            status N | body S | location S (all three: DONE only)
 * Units:     the name says it; times since 1970 by this machine's clock.
 * Ownership: written and read texts live in the arena given.
 * Errors:    ERR_BROKEN: a record that cannot be read.
 * Threads:   values. */
#ifndef PLATFORM_KEYSTORE_DYNAMODB_RECORD_H
#define PLATFORM_KEYSTORE_DYNAMODB_RECORD_H

#include "base/json.h"
#include "base/uuid.h"
#include "platform/keystore/keystore.h"

/* Whose claim, and when: the same for all claims of a batch. */
struct dynamodb_claimant {
    const char *table;
    struct uuid owner;
    int64_t now_ms;
    int64_t lease_ms;
    int64_t ttl_s;
};

struct dynamodb_record {
    struct text owner;
    struct sha256 fingerprint;
    bool is_done;
    struct keystore_outcome outcome; /* is_done */
};

enum {
    /* An item of DynamoDB has at most 400 KB; what is larger is not kept. */
    DYNAMODB_BODY_SIZE_MAX = 350 * 1024,
    /* Clocks of two machines may differ by so much before a claim looks run out too early. */
    DYNAMODB_CLOCK_SKEW_MS = 1000,
};

enum dynamodb_verb {
    DYNAMODB_CLAIM,    /* where it is absent, or expired, or its lease has passed */
    DYNAMODB_COMPLETE, /* while it is still the claimant's */
    DYNAMODB_RELEASE,  /* likewise */
};

/* The body of PutItem, UpdateItem or DeleteItem. */
struct text dynamodb_write_call(struct arena *arena, const struct dynamodb_claimant *claimant,
                                enum dynamodb_verb verb, const struct keystore_claim *claim);
/* One of the statements of BatchExecuteStatement. Its claim is stricter: the record must be
 * absent. */
void dynamodb_write_statement(struct json_writer *w, struct arena *arena,
                              const struct dynamodb_claimant *claimant, enum dynamodb_verb verb,
                              const struct keystore_claim *claim);

/* The record in a refused claim's reply. ERR_NOT_FOUND: the reply has none. */
MUST_CHECK enum status dynamodb_read_obstacle(struct arena *arena, struct text reply,
                                              struct dynamodb_record *record_out,
                                              struct error *err);
/* True: a claim that succeeded has taken the place of one that somebody left IN_FLIGHT. */
bool dynamodb_was_left_behind(struct arena *arena, struct text reply);

#endif
