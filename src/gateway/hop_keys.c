#include "gateway/hop_keys.h"

#include "base/arena.h"
#include "platform/clock.h"

static void refuse(const struct hop_keys *keys, struct hop_item *item, enum problem_code code,
                   const char *detail)
{
    item->answer = answer_problem(item->visit, keys->arena, code, detail);
}

static void use_verdict(const struct hop_keys *keys, struct hop_item *item,
                        const struct keystore_claim *claim)
{
    switch (claim->verdict) {
    case KEYSTORE_ASK:
        if (claim->is_takeover)
            item->claimed_as = IDEMPOTENCY_TAKEOVER;
        break;
    case KEYSTORE_REPLAY:
        item->answer = (struct answer){.status = claim->outcome.status,
                                       .body = claim->outcome.body,
                                       .location = claim->outcome.location,
                                       .is_replayed = true};
        break;
    case KEYSTORE_IN_FLIGHT:
        refuse(keys, item, PROBLEM_IDEMPOTENCY_IN_FLIGHT, NULL);
        break;
    case KEYSTORE_REUSED:
        refuse(keys, item, PROBLEM_IDEMPOTENCY_KEY_REUSED, NULL);
        break;
    case KEYSTORE_UNANSWERED:
        item->claimed_as = IDEMPOTENCY_FALLBACK;
        if (keys->is_strict)
            refuse(keys, item, PROBLEM_DEPENDENCY_DOWN, "the store of idempotency keys is down");
        break;
    }
}

/* Keeps only the claims that are ours to end. */
static void use_verdicts(struct hop_keys *keys)
{
    size_t ours = 0;
    for (size_t at = 0; at < keys->count; at++) {
        use_verdict(keys, keys->items[at], keys->claims[at]);
        if (!keys->claims[at]->may_be_held)
            continue;
        keys->items[ours] = keys->items[at];
        keys->claims[ours++] = keys->claims[at];
    }
    keys->count = ours;
}

/* Of whoever waits longest for an answer. */
static int64_t latest_deadline_us(const struct hop_keys *keys)
{
    int64_t latest_us = 0;
    for (size_t at = 0; at < keys->count; at++)
        if (keys->items[at]->deadline_us > latest_us)
            latest_us = keys->items[at]->deadline_us;
    return latest_us;
}

/* Half of the time that is left: whatever the store does, some must remain to ask without it. */
static int64_t claim_deadline_us(const struct hop_keys *keys)
{
    const int64_t now_us = clock_monotonic_us();
    return now_us + (latest_deadline_us(keys) - now_us) / 2;
}

static struct keystore_batch batch_of(const struct hop_keys *keys, struct keystore_claim **claims,
                                      size_t count, int64_t deadline_us)
{
    return (struct keystore_batch){
        .arena = keys->arena,
        .claims = claims,
        .count = count,
        .deadline_us = deadline_us,
    };
}

void hop_keys_claim(struct hop_keys *keys, struct hop_item *const *items, size_t count)
{
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
    struct keystore_batch batch =
        batch_of(keys, keys->claims, keys->count, claim_deadline_us(keys));
    batch.asked_until_us = latest_deadline_us(keys);
    keystore_claim(keys->store, &batch);
    use_verdicts(keys);
}

/* It may have been decided: whoever comes with the key next asks the authorization service. */
static bool is_unknown(int status)
{
    return status == 500 || status == 504;
}

void hop_keys_settle(struct hop_keys *keys)
{
    struct keystore_claim **done =
        ARENA_NEW_ARRAY(keys->arena, struct keystore_claim *, keys->count);
    struct keystore_claim **refused =
        ARENA_NEW_ARRAY(keys->arena, struct keystore_claim *, keys->count);
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
    const int64_t deadline_us = latest_deadline_us(keys);
    const struct keystore_batch to_keep = batch_of(keys, done, done_count, deadline_us);
    const struct keystore_batch to_let_go = batch_of(keys, refused, refused_count, deadline_us);
    keystore_complete(keys->store, &to_keep);
    keystore_release(keys->store, &to_let_go);
}
