/* base/uuid.h - UUIDs of RFC 9562: version 7 for what happens, version 8 for what is derived.
 *
 * Purpose:   ids that sort by time, so that an index grows at its end (random keys are
 *            what inserting costs most), and ids that follow from a name.
 * Units:     milliseconds since 1970 in version 7.
 * Ownership: values.
 * Errors:    uuid_parse says false.
 * Threads:   uuid_make_v7 is safe from any thread; within a thread its ids ascend. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include "base/text.h"

struct uuid {
    uint8_t bytes[16];
};

enum { UUID_TEXT_SIZE = 36 };

/* From the clock and the kernel's randomness (RFC 9562, 5.7; a counter in rand_a within one
 * millisecond, 6.2 method 1). */
struct uuid uuid_make_v7(void);
/* `digest`: the first 16 of its bytes, stamped as version 8. */
struct uuid uuid_from_digest(const uint8_t digest[static 16]);
/* 36 characters, hyphens in place, either case. */
bool uuid_parse(struct text t, struct uuid *out);
void uuid_format(const struct uuid *id, char out[static UUID_TEXT_SIZE + 1]); /* lower case, NUL */
struct text uuid_to_text(struct arena *arena, const struct uuid *id);
bool uuid_equals(const struct uuid *a, const struct uuid *b);
int uuid_compare(const struct uuid *a, const struct uuid *b); /* PostgreSQL's order: bytewise */
bool uuid_is_nil(const struct uuid *id);

#endif
