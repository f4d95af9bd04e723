#include "base/uuid.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hex.h"
#include "base/random.h"

#include <time.h>

/* RFC 9562: the version is the high half of byte 6, the variant the two high bits of byte 8. */
static void stamp_version(struct uuid *id, uint8_t version)
{
    id->bytes[6] = (uint8_t)((id->bytes[6] & 0x0f) | version << 4);
    id->bytes[8] = (uint8_t)((id->bytes[8] & 0x3f) | 0x80);
}

static int64_t clock_ms(void)
{
    struct timespec now;
    ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum { COUNTER_MAX = 0xfff };

struct uuid uuid_make_v7(void)
{
    static _Thread_local int64_t last_ms;
    static _Thread_local uint16_t counter;

    struct uuid id;
    random_bytes(id.bytes, sizeof id.bytes);
    const int64_t now_ms = clock_ms();
    if (now_ms > last_ms) {
        /* Starts low at random: room to count, and nothing told about how many were made. */
        last_ms = now_ms;
        counter = (uint16_t)((id.bytes[6] << 8 | id.bytes[7]) & (COUNTER_MAX >> 1));
    } else if (counter < COUNTER_MAX) {
        counter++;
    } else { /* borrow from the next millisecond rather than wait for it */
        last_ms++;
        counter = 0;
    }
    for (int at = 0; at < 6; at++)
        id.bytes[at] = (uint8_t)(last_ms >> (40 - 8 * at));
    id.bytes[6] = (uint8_t)(counter >> 8);
    id.bytes[7] = (uint8_t)counter;
    stamp_version(&id, 7);
    return id;
}

struct uuid uuid_from_digest(const uint8_t digest[static 16])
{
    struct uuid id;
    memcpy(id.bytes, digest, sizeof id.bytes);
    stamp_version(&id, 8);
    return id;
}

/* Bytes between the hyphens: 8-4-4-4-12 digits. */
static const size_t GROUP_SIZES[] = {4, 2, 2, 2, 6};

bool uuid_parse(struct text t, struct uuid *out)
{
    struct uuid id;
    uint8_t *bytes = id.bytes;
    for (size_t group = 0; group < COUNT(GROUP_SIZES); group++) {
        if (!hex_parse(text_cut(&t, '-'), bytes, GROUP_SIZES[group]))
            return false;
        bytes += GROUP_SIZES[group];
    }
    if (!text_is_none(t))
        return false;
    *out = id;
    return true;
}

void uuid_format(const struct uuid *id, char out[static UUID_TEXT_SIZE + 1])
{
    const uint8_t *bytes = id->bytes;
    for (size_t group = 0; group < COUNT(GROUP_SIZES); group++) {
        out = hex_write(out, bytes, GROUP_SIZES[group]);
        *out++ = '-';
        bytes += GROUP_SIZES[group];
    }
    out[-1] = '\0';
}

struct text uuid_to_text(struct arena *arena, const struct uuid *id)
{
    char *data = arena_alloc(arena, UUID_TEXT_SIZE + 1);
    uuid_format(id, data);
    return (struct text){data, UUID_TEXT_SIZE};
}

bool uuid_equals(const struct uuid *a, const struct uuid *b)
{
    return uuid_compare(a, b) == 0;
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool uuid_is_nil(const struct uuid *id)
{
    static const struct uuid NIL;
    return uuid_equals(id, &NIL);
}
