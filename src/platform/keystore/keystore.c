#include "platform/keystore/keystore.h"

#include "base/assert.h"
#include "platform/keystore/part.h"

#include <stdlib.h>

static const struct {
    const char *kind;
    const struct keystore_part *part;
} PARTS[] = {
    {"none", &KEYSTORE_NONE},
    {"dynamodb", &KEYSTORE_DYNAMODB},
};

struct keystore {
    const struct keystore_part *part;
    void *self;
};

static const struct keystore_part *find_part(const char *kind)
{
    for (size_t at = 0; at < COUNT(PARTS); at++)
        if (strcmp(PARTS[at].kind, kind) == 0)
            return PARTS[at].part;
    return NULL;
}

enum status keystore_open(const struct keystore_config *config, struct keystore **store_out,
                          struct error *err)
{
    const struct keystore_part *part = find_part(config->kind);
    if (part == NULL)
        return error_set(err, ERR_INVALID, "there is no key store '%s'", config->kind);
    void *self = NULL;
    TRY(part->open(config, &self, err));
    struct keystore *store = malloc(sizeof *store);
    ASSERT(store != NULL);
    *store = (struct keystore){part, self};
    *store_out = store;
    return OK;
}

void keystore_close(struct keystore *store)
{
    if (store == NULL)
        return;
    store->part->close(store->self);
    free(store);
}

void keystore_claim(struct keystore *store, const struct keystore_batch *batch)
{
    store->part->claim(store->self, batch);
}

void keystore_complete(struct keystore *store, const struct keystore_batch *batch)
{
    store->part->complete(store->self, batch);
}

void keystore_release(struct keystore *store, const struct keystore_batch *batch)
{
    store->part->release(store->self, batch);
}
