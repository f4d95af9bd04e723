#include "base/text.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdio.h>

bool text_starts_with(struct text t, const char *prefix)
{
    const size_t size = strlen(prefix);
    return t.size >= size && memcmp(t.data, prefix, size) == 0;
}

bool text_ends_with(struct text t, const char *suffix)
{
    const size_t size = strlen(suffix);
    return t.size >= size && memcmp(t.data + t.size - size, suffix, size) == 0;
}

struct text text_trim(struct text t)
{
    while (t.size > 0 && (t.data[0] == ' ' || t.data[0] == '\t'))
        t = text_skip(t, 1);
    while (t.size > 0 && (t.data[t.size - 1] == ' ' || t.data[t.size - 1] == '\t'))
        t.size--;
    return t;
}

int text_compare(struct text a, struct text b)
{
    const size_t shorter = a.size < b.size ? a.size : b.size;
    const int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

struct text text_cut(struct text *rest, char separator)
{
    const char *found = rest->size == 0 ? NULL : memchr(rest->data, separator, rest->size);
    struct text before = *rest;
    if (found == NULL) {
        *rest = TEXT_NONE;
        return before;
    }
    before.size = (size_t)(found - rest->data);
    *rest = text_skip(*rest, before.size + 1);
    return before;
}

bool text_to_i64(struct text t, int64_t *out)
{
    int64_t value = 0;
    if (t.size == 0)
        return false;
    for (size_t at = 0; at < t.size; at++) {
        if (t.data[at] < '0' || t.data[at] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, t.data[at] - '0', &value))
            return false;
    }
    *out = value;
    return true;
}

struct text text_copy(struct arena *arena, struct text t)
{
    if (text_is_none(t))
        return TEXT_NONE;
    return (struct text){text_to_c(arena, t), t.size};
}

const char *text_to_c(struct arena *arena, struct text t)
{
    char *copy = arena_alloc(arena, t.size + 1);
    if (t.size > 0)
        memcpy(copy, t.data, t.size);
    copy[t.size] = '\0';
    return copy;
}

__attribute__((format(printf, 2, 0))) static struct text format_list(struct arena *arena,
                                                                     const char *format,
                                                                     va_list args)
{
    ASSERT(format != NULL);
    va_list again;
    va_copy(again, args);
    const int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    ASSERT(size >= 0);
    char *data = arena_alloc(arena, (size_t)size + 1);
    vsnprintf(data, (size_t)size + 1, format, args);
    return (struct text){data, (size_t)size};
}

struct text text_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct text t = format_list(arena, format, args);
    va_end(args);
    return t;
}

void text_builder_init(struct text_builder *b, struct arena *arena, size_t capacity_first)
{
    ASSERT(capacity_first > 0);
    *b = (struct text_builder){.arena = arena, .capacity = capacity_first};
    b->data = arena_alloc(arena, capacity_first);
}

void text_builder_grow(struct text_builder *b, size_t size)
{
    const size_t capacity = (b->size + size) * 2;
    char *bigger = arena_alloc(b->arena, capacity);
    memcpy(bigger, b->data, b->size);
    b->data = bigger;
    b->capacity = capacity;
}

void text_builder_add_format(struct text_builder *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const struct text t = format_list(b->arena, format, args);
    va_end(args);
    text_builder_add_text(b, t);
}

struct text text_builder_text(const struct text_builder *b)
{
    return (struct text){b->data, b->size};
}
