/* The part for those who need no shield: PostgreSQL alone keeps the keys, so every key is asked. */
#include "platform/keystore/part.h"

static enum status none_open(const struct keystore_config *config, void **self_out,
                             struct error *err)
{
    (void)config;
    (void)err;
    *self_out = NULL;
    return OK;
}

static void none_claim(void *self, const struct keystore_batch *batch)
{
    (void)self;
    for (size_t at = 0; at < batch->count; at++) {
        batch->claims[at]->verdict = KEYSTORE_ASK;
        batch->claims[at]->is_takeover = false;
        batch->claims[at]->may_be_held = false;
    }
}

static void none_end(void *self, const struct keystore_batch *batch)
{
    (void)self;
    (void)batch;
}

static void none_close(void *self)
{
    (void)self;
}

const struct keystore_part KEYSTORE_NONE = {none_open, none_claim, none_end, none_end, none_close};
