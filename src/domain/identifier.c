#include "domain/identifier.h"

#include "base/utf8.h"

/* C0 and DEL are one byte; C1 (U+0080 to U+009F) is C2 80 to C2 9F. */
static bool is_control(struct text character)
{
    const uint8_t first = (uint8_t)character.data[0];
    if (character.size == 1)
        return first < 0x20 || first == 0x7f;
    return character.size == 2 && first == 0xc2 && (uint8_t)character.data[1] < 0xa0;
}

enum identifier_result identifier_check(struct text t)
{
    if (t.size == 0)
        return IDENTIFIER_EMPTY;
    for (int count = 0; t.size > 0; count++) {
        const size_t size = utf8_character_size(t);
        if (size == 0 || is_control((struct text){t.data, size}))
            return IDENTIFIER_UNPRINTABLE;
        if (count == IDENTIFIER_CHARACTERS_MAX)
            return IDENTIFIER_TOO_LONG;
        t = text_skip(t, size);
    }
    return IDENTIFIER_OK;
}
