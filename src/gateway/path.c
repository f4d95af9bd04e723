#include "gateway/path.h"

#include "base/arena.h"
#include "base/hex.h"
#include "base/utf8.h"

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

bool path_matches(const char *template, struct text path, struct text *variable_out)
{
    struct text wanted = text_of(template);
    struct text variable = TEXT_NONE;
    while (!text_is_none(wanted) && !text_is_none(path)) {
        const struct text want = text_cut(&wanted, '/');
        const struct text have = text_cut(&path, '/');
        if (text_starts_with(want, "{") && have.size > 0)
            variable = have;
        else if (!text_equals(want, have))
            return false;
    }
    if (!text_is_none(wanted) || !text_is_none(path))
        return false;
    *variable_out = variable;
    return true;
}

/* The byte that `%XX` at the front of the text stands for, or -1. */
static int escaped_byte(struct text t)
{
    if (t.size < 3)
        return -1;
    const int high = hex_digit_value(t.data[1]);
    const int low = hex_digit_value(t.data[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool path_decode(struct arena *arena, struct text encoded, struct text *out)
{
    char *plain = arena_alloc(arena, encoded.size);
    size_t size = 0;
    while (encoded.size > 0) {
        const bool is_escaped = encoded.data[0] == '%';
        const int byte = is_escaped ? escaped_byte(encoded) : encoded.data[0];
        if (byte == 0 || (is_escaped && byte < 0))
            return false;
        plain[size++] = (char)byte;
        encoded = text_skip(encoded, is_escaped ? 3 : 1);
    }
    const struct text decoded = {plain, size};
    if (!utf8_is_valid(decoded))
        return false;
    *out = decoded;
    return true;
}

struct text path_encode(struct arena *arena, struct text plain)
{
    static const char HEX[] = "0123456789ABCDEF";
    char *encoded = arena_alloc(arena, plain.size * 3);
    size_t size = 0;
    for (size_t at = 0; at < plain.size; at++) {
        const unsigned char byte = (unsigned char)plain.data[at];
        if (is_unreserved(plain.data[at])) {
            encoded[size++] = plain.data[at];
            continue;
        }
        encoded[size++] = '%';
        encoded[size++] = HEX[byte / 16];
        encoded[size++] = HEX[byte % 16];
    }
    return (struct text){encoded, size};
}

const char *url_join(struct arena *arena, const char *base, const char *path)
{
    struct text host = text_of(base);
    while (host.size > 0 && host.data[host.size - 1] == '/')
        host.size--;
    return text_format(arena, "%.*s%s", TEXT_ARGS(host), path).data;
}
