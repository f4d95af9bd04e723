/* base/json_plain.h - which bytes stand in a JSON string as they are; for json_*.c alone.
 *
 * Purpose:   strings are mostly plain, so reader and writer pass over plain bytes eight at a time.
 * Units:     sizes in bytes.
 * Ownership: none.
 * Errors:    none.
 * Threads:   any. */
#ifndef BASE_JSON_PLAIN_H
#define BASE_JSON_PLAIN_H

#include "base/text.h"

/* Neither control character, quote, backslash nor beyond ASCII. */
static inline bool json_is_plain(char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && (uint8_t)c < 0x80;
}

/* Whether all eight bytes are plain. Subtracting 1 from a byte borrows from its highest bit where
 * the byte is 0, which is what a byte becomes by XOR with itself; 0x20 likewise finds what is less.
 * A borrow can spoil the byte above, but only where the one below is not plain. */
static inline bool json_are_plain(uint64_t bytes)
{
    const uint64_t ones = 0x0101010101010101;
    const uint64_t highest = ones * 0x80;
    const uint64_t quotes = bytes ^ ones * '"';
    const uint64_t backslashes = bytes ^ ones * '\\';
    const uint64_t found = (bytes - ones * 0x20) | (quotes - ones) | (backslashes - ones) | bytes;
    return (found & highest) == 0;
}

/* How many plain bytes `t` begins with. */
static inline size_t json_plain_size(struct text t)
{
    size_t size = 0;
    uint64_t bytes;
    for (; t.size - size >= sizeof bytes; size += sizeof bytes) {
        memcpy(&bytes, t.data + size, sizeof bytes);
        if (!json_are_plain(bytes))
            break;
    }
    while (size < t.size && json_is_plain(t.data[size]))
        size++;
    return size;
}

#endif
