/* platform/keystore/part.h - what a part behind the key store has to offer.
 *
 * Purpose:   keystore.h's functions, told apart by kind. One of the two seams with several parts;
 *            a new store is a file with this table and a row in keystore.c.
 * Units:     as in keystore.h.
 * Ownership: `self` is the part's own object, made by open, ended by close.
 * Errors:    as in keystore.h; a store that is down does not fail an open.
 * Threads:   as in keystore.h. */
#ifndef PLATFORM_KEYSTORE_PART_H
#define PLATFORM_KEYSTORE_PART_H

#include "platform/keystore/keystore.h"

struct keystore_part {
    enum status (*open)(const struct keystore_config *config, void **self_out, struct error *err);
    void (*claim)(void *self, const struct keystore_batch *batch);
    void (*complete)(void *self, const struct keystore_batch *batch);
    void (*release)(void *self, const struct keystore_batch *batch);
    void (*close)(void *self);
};

extern const struct keystore_part KEYSTORE_NONE;
extern const struct keystore_part KEYSTORE_DYNAMODB;

#endif
