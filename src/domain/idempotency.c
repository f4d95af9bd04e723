#include "domain/idempotency.h"

#include "base/arena.h"
#include "base/assert.h"

static const int64_t DAY_US = 86400LL * 1000000;
/* Longer than any SQL transaction that answers a key lives (its statements time out before). */
static const int64_t MIDNIGHT_US = 60LL * 1000000;

/* What stands between the quotes, without its escapes. False where that is no string: a quote
 * inside, another escape, no closing quote, anything behind it. */
static bool unquote(struct arena *arena, struct text quoted, struct text *out)
{
    char *const key = arena_alloc(arena, quoted.size);
    size_t size = 0;
    size_t at = 1;
    for (; at < quoted.size && quoted.data[at] != '"'; at++) {
        if (quoted.data[at] == '\\') {
            at++;
            if (at == quoted.size || (quoted.data[at] != '"' && quoted.data[at] != '\\'))
                return false;
        }
        key[size++] = quoted.data[at];
    }
    *out = (struct text){key, size};
    return at + 1 == quoted.size;
}

static bool is_key(struct text key)
{
    if (key.size == 0 || key.size > IDEMPOTENCY_KEY_SIZE_MAX)
        return false;
    for (size_t at = 0; at < key.size; at++) {
        if (key.data[at] < 0x21 || key.data[at] > 0x7e)
            return false;
    }
    return true;
}

enum problem_code idempotency_key_parse(struct arena *arena, struct text header,
                                        struct text *key_out)
{
    if (text_is_none(header))
        return PROBLEM_IDEMPOTENCY_KEY_MISSING;
    struct text key = text_trim(header);
    if (text_starts_with(key, "\"") && !unquote(arena, key, &key))
        return PROBLEM_IDEMPOTENCY_KEY_INVALID;
    if (!is_key(key))
        return PROBLEM_IDEMPOTENCY_KEY_INVALID;
    *key_out = key;
    return PROBLEM_NONE;
}

struct sha256 idempotency_lookup(const struct idempotency_use *use)
{
    ASSERT(is_key(use->key));
    const struct text parts[] = {use->tenant, use->principal, use->method, use->route, use->key};
    return sha256_of_parts(parts, COUNT(parts));
}

struct sha256 idempotency_item_lookup(const struct sha256 *header, size_t index)
{
    char number[8]; /* big end first, like the sizes before the parts */
    for (size_t byte = 0; byte < sizeof number; byte++)
        number[byte] = (char)((uint64_t)index >> (56 - 8 * byte));
    const struct text parts[] = {
        {(const char *)header->bytes, sizeof header->bytes},
        {number, sizeof number},
    };
    return sha256_of_parts(parts, COUNT(parts));
}

struct sha256 idempotency_fingerprint(struct text method, struct text route, struct text canonical)
{
    const struct text parts[] = {method, route, canonical};
    return sha256_of_parts(parts, COUNT(parts));
}

size_t idempotency_days(int64_t now_us, int64_t days_out[static 2])
{
    ASSERT(now_us >= 0);
    const int64_t into_day_us = now_us % DAY_US;
    days_out[0] = now_us - into_day_us;
    if (into_day_us < MIDNIGHT_US) {
        days_out[1] = days_out[0];
        days_out[0] -= DAY_US;
        return 2;
    }
    if (into_day_us >= DAY_US - MIDNIGHT_US) {
        days_out[1] = days_out[0] + DAY_US;
        return 2;
    }
    return 1;
}
