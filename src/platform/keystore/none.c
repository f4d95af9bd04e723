/* The part for those who need no shield: PostgreSQL alone keeps the keys, so every key is asked. */
#include "platform/keystore/keystore.h"

/* It remembers nothing, so one serves all. */
struct keystore {
    const char *kind;
};

static struct keystore none = {"none"};

enum status keystore_open(const char *kind, struct keystore **store_out, struct error *err)
{
    if (strcmp(kind, none.kind) != 0)
        return error_set(err, ERR_INVALID, "there is no key store '%s'", kind);
    *store_out = &none;
    return OK;
}

void keystore_close(struct keystore *store)
{
    (void)store;
}

enum status keystore_claim(struct keystore *store, struct arena *arena,
                           struct keystore_claim *const *claims, size_t count, struct error *err)
{
    (void)store;
    (void)arena;
    (void)err;
    for (size_t at = 0; at < count; at++)
        claims[at]->verdict = KEYSTORE_ASK;
    return OK;
}

void keystore_complete(struct keystore *store, const struct keystore_claim *const *claims,
                       size_t count)
{
    (void)store;
    (void)claims;
    (void)count;
}

void keystore_release(struct keystore *store, const struct keystore_claim *const *claims,
                      size_t count)
{
    (void)store;
    (void)claims;
    (void)count;
}
