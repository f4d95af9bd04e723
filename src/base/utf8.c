#include "base/utf8.h"

#include "base/assert.h"

static bool is_between(uint8_t byte, uint8_t low, uint8_t high)
{
    return byte >= low && byte <= high;
}

static size_t size_by_lead(uint8_t lead)
{
    if (lead < 0x80)
        return 1;
    if (is_between(lead, 0xc2, 0xdf))
        return 2;
    if (is_between(lead, 0xe0, 0xef))
        return 3;
    if (is_between(lead, 0xf0, 0xf4))
        return 4;
    return 0;
}

/* Some leads narrow what may follow: overlong forms, surrogates, beyond the last character. */
static bool is_second(uint8_t lead, uint8_t second)
{
    switch (lead) {
    case 0xe0:
        return is_between(second, 0xa0, 0xbf);
    case 0xed:
        return is_between(second, 0x80, 0x9f);
    case 0xf0:
        return is_between(second, 0x90, 0xbf);
    case 0xf4:
        return is_between(second, 0x80, 0x8f);
    default:
        return is_between(second, 0x80, 0xbf);
    }
}

size_t utf8_character_size(struct text t)
{
    if (t.size == 0)
        return 0;
    const size_t size = size_by_lead((uint8_t)t.data[0]);
    if (size > t.size)
        return 0;
    if (size > 1 && !is_second((uint8_t)t.data[0], (uint8_t)t.data[1]))
        return 0;
    for (size_t at = 2; at < size; at++) {
        if (!is_between((uint8_t)t.data[at], 0x80, 0xbf))
            return 0;
    }
    return size;
}

bool utf8_is_valid(struct text t)
{
    while (t.size > 0) {
        const size_t size = utf8_character_size(t);
        if (size == 0)
            return false;
        t = text_skip(t, size);
    }
    return true;
}

struct text utf8_clip(struct text t, size_t size_max)
{
    if (t.size <= size_max)
        return t;
    size_t size = size_max;
    while (size > 0 && ((uint8_t)t.data[size] & 0xc0) == 0x80)
        size--;
    return (struct text){t.data, size};
}

size_t utf8_write(unsigned character, char out[static UTF8_SIZE_MAX])
{
    static const unsigned LEADS[] = {0, 0, 0xc0, 0xe0, 0xf0};
    ASSERT(character <= 0x10ffff);
    const size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t at = size - 1; at > 0; at--) {
        out[at] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    out[0] = (char)(LEADS[size] | character);
    return size;
}
