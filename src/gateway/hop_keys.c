#include "gateway/hop_keys.h"

#include "base/arena.h"
#include "platform/log.h"

static void use_verdict(struct hop_keys *keys, struct hop_item *item,
                        const struct keystore_claim *claim)
{
    switch (claim->verdict) {
    case KEYSTORE_ASK:
        break;
    case KEYSTORE_REPLAY:
        item->answer = (struct answer){.status = claim->outcome.status,
                                       .body = claim->outcome.body,
                                       .location = claim->outcome.location,
                                       .is_replayed = true};
        break;
    case KEYSTORE_IN_FLIGHT:
        item->answer =
            answer_problem(item->visit, keys->arena, PROBLEM_IDEMPOTENCY_IN_FLIGHT, NULL);
        break;
    case KEYSTORE_REUSED:
        item->answer =
            answer_problem(item->visit, keys->arena, PROBLEM_IDEMPOTENCY_KEY_REUSED, NULL);
        break;
    }
}

/* Keeps only the claims that are ours to end. */
static void use_verdicts(struct hop_keys *keys)
{
    size_t ours = 0;
    for (size_t at = 0; at < keys->count; at++) {
        use_verdict(keys, keys->items[at], keys->claims[at]);
        if (keys->claims[at]->verdict != KEYSTORE_ASK)
            continue;
        keys->items[ours] = keys->items[at];
        keys->claims[ours++] = keys->claims[at];
    }
    keys->count = ours;
}

void hop_keys_claim(struct hop_keys *keys, struct hop_item *const *items, size_t count)
{
    struct error err;
    keys->claims = ARENA_NEW_ARRAY(keys->arena, struct keystore_claim *, count);
    keys->items = ARENA_NEW_ARRAY(keys->arena, struct hop_item *, count);
    keys->count = 0;
    for (size_t at = 0; at < count; at++) {
        if (!items[at]->has_key || items[at]->answer.status != 0)
            continue;
        struct keystore_claim *claim = ARENA_NEW(keys->arena, struct keystore_claim);
        claim->key_hash = items[at]->key_hash;
        claim->fingerprint = items[at]->fingerprint;
        keys->items[keys->count] = items[at];
        keys->claims[keys->count++] = claim;
    }
    if (keystore_claim(keys->store, keys->arena, keys->claims, keys->count, &err) == OK) {
        use_verdicts(keys);
        return;
    }
    keys->count = 0;
    log_warning(NULL, "keystore.skipped", "the key store is down, keys go unclaimed",
                kv_str("detail", err.message));
}

/* It may have been decided: whoever comes with the key next asks the authorization service. */
static bool is_unknown(int status)
{
    return status == 500 || status == 504;
}

void hop_keys_settle(struct hop_keys *keys)
{
    const struct keystore_claim **done =
        ARENA_NEW_ARRAY(keys->arena, const struct keystore_claim *, keys->count);
    const struct keystore_claim **refused =
        ARENA_NEW_ARRAY(keys->arena, const struct keystore_claim *, keys->count);
    size_t done_count = 0;
    size_t refused_count = 0;
    for (size_t at = 0; at < keys->count; at++) {
        const struct answer *answer = &keys->items[at]->answer;
        struct keystore_claim *claim = keys->claims[at];
        claim->outcome = (struct keystore_outcome){answer->status, answer->body, answer->location};
        if (answer->status < 400)
            done[done_count++] = claim;
        else if (!is_unknown(answer->status))
            refused[refused_count++] = claim;
    }
    keystore_complete(keys->store, done, done_count);
    keystore_release(keys->store, refused, refused_count);
}
