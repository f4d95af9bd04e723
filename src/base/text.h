/* base/text.h - a slice of bytes that somebody else owns, and a bounded builder of text.
 *
 * Purpose:   strings without copies. A text need not end in NUL; text_to_c copies it when a
 *            library wants that.
 * Units:     sizes in bytes.
 * Ownership: a text borrows; it lives as long as the bytes it points to (mostly an arena).
 *            A builder's bytes live in its arena.
 * Errors:    a builder that would pass its arena's bound aborts (see base/arena.h).
 * Threads:   values; share freely while the bytes live. A builder belongs to one thread. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/assert.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

struct text {
    const char *data;
    size_t size;
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})
#define TEXT_NONE     ((struct text){NULL, 0})

/* For printf: printf("%.*s", TEXT_ARGS(t)). */
#define TEXT_ARGS(t) ((int)(t).size), ((t).data == NULL ? "" : (t).data)

/* What every request does hundreds of times stands here in full, so that the compiler can place it
 * into its callers. */

/* NULL gives TEXT_NONE. */
static inline struct text text_of(const char *c_string)
{
    if (c_string == NULL)
        return TEXT_NONE;
    return (struct text){c_string, strlen(c_string)};
}

/* No data at all; an empty text is not none. */
static inline bool text_is_none(struct text t)
{
    return t.data == NULL;
}

static inline bool text_equals(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool text_equals_c(struct text a, const char *c_string)
{
    return text_equals(a, text_of(c_string));
}

/* Without its first `count` bytes. */
static inline struct text text_skip(struct text t, size_t count)
{
    ASSERT(count <= t.size);
    return (struct text){t.data + count, t.size - count};
}

bool text_starts_with(struct text t, const char *prefix);
bool text_ends_with(struct text t, const char *suffix);
struct text text_trim(struct text t);           /* without blanks and tabs at both ends */
int text_compare(struct text a, struct text b); /* bytewise, for sorting */

/* Cuts *rest at the first `separator`: returns what stood before it, leaves what stands after.
 * Without a separator it returns all and leaves TEXT_NONE. */
struct text text_cut(struct text *rest, char separator);

/* Decimal digits only, no sign, no blanks, at most INT64_MAX. False leaves *out as it was. */
bool text_to_i64(struct text t, int64_t *out);

struct text text_copy(struct arena *arena, struct text t);
const char *text_to_c(struct arena *arena, struct text t);
struct text text_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Text that grows in an arena. */
struct text_builder {
    struct arena *arena;
    char *data;
    size_t size;
    size_t capacity;
};

void text_builder_init(struct text_builder *b, struct arena *arena, size_t capacity_first);
/* Makes place for `size` more bytes; for text_builder_extend. */
void text_builder_grow(struct text_builder *b, size_t size);

/* The text becomes `size` bytes longer: the caller writes them where the answer points. */
static inline char *text_builder_extend(struct text_builder *b, size_t size)
{
    if (size > b->capacity - b->size)
        text_builder_grow(b, size);
    char *const place = b->data + b->size;
    b->size += size;
    return place;
}

static inline void text_builder_add(struct text_builder *b, const char *data, size_t size)
{
    char *const place = text_builder_extend(b, size);
    if (size > 0)
        memcpy(place, data, size);
}

static inline void text_builder_add_text(struct text_builder *b, struct text t)
{
    text_builder_add(b, t.data, t.size);
}

static inline void text_builder_add_c(struct text_builder *b, const char *c_string)
{
    text_builder_add(b, c_string, strlen(c_string));
}

void text_builder_add_format(struct text_builder *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct text text_builder_text(const struct text_builder *b);

#endif
