/* base/sha256.h - SHA-256 over length-prefixed parts (OpenSSL's).
 *
 * Purpose:   names for things: idempotency keys, fingerprints, account ids, chain links. Each part
 *            is preceded by its size in 8 bytes, big end first, so that ("ab","c") and ("a","bc")
 *            differ.
 * Units:     bytes.
 * Ownership: values.
 * Errors:    none; a failing library aborts.
 * Threads:   values. */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/text.h"

struct sha256 {
    uint8_t bytes[32];
};

enum { SHA256_HEX_SIZE = 64 };

struct sha256 sha256_of(struct text whole); /* plain, without a length prefix */
struct sha256 sha256_of_parts(const struct text *parts, size_t count);
bool sha256_equals(const struct sha256 *a, const struct sha256 *b); /* in constant time */
struct text sha256_to_hex(struct arena *arena, const struct sha256 *digest);
bool sha256_parse_hex(struct text hex, struct sha256 *out);

#endif
