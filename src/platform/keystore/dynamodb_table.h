/* platform/keystore/dynamodb_table.h - the table that holds the keys.
 *
 * Purpose:   says what a table lacks and makes it: pay per request, `key_hash` its key,
 *            `expires_at` its time to live (clean-up only: claims compare the time themselves).
 * Units:     none.
 * Ownership: none.
 * Errors:    ERR_INVALID: no region, no credentials, or a table of that name with another key.
 *            ERR_DOWN, ERR_TIMEOUT: DynamoDB does not answer. ERR_BROKEN: it refuses, with its own
 *            words.
 * Threads:   any. */
#ifndef PLATFORM_KEYSTORE_DYNAMODB_TABLE_H
#define PLATFORM_KEYSTORE_DYNAMODB_TABLE_H

#include "base/error.h"

struct dynamodb_plan {
    bool must_create;
    bool must_set_ttl;
};

MUST_CHECK enum status dynamodb_table_plan(const char *table, struct dynamodb_plan *plan_out,
                                           struct error *err);
/* Makes what lacks, waits until the table can be used, and says what it did. */
MUST_CHECK enum status dynamodb_table_apply(const char *table, struct dynamodb_plan *done_out,
                                            struct error *err);

#endif
