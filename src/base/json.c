#include "base/json.h"

#include "base/arena.h"
#include "base/assert.h"

#include <stdlib.h>

const struct json_value *json_get(const struct json_value *object, const char *name)
{
    if (object == NULL || object->type != JSON_OBJECT)
        return NULL;
    for (size_t at = 0; at < object->count; at++) {
        if (text_equals_c(object->members[at].name, name))
            return &object->members[at].value;
    }
    return NULL;
}

struct text json_get_text(const struct json_value *object, const char *name)
{
    const struct json_value *value = json_get(object, name);
    if (value == NULL || value->type != JSON_STRING)
        return TEXT_NONE;
    return value->text;
}

bool json_get_i64(const struct json_value *object, const char *name, int64_t *out)
{
    const struct json_value *value = json_get(object, name);
    if (value == NULL || value->type != JSON_NUMBER)
        return false;
    if (!text_starts_with(value->text, "-"))
        return text_to_i64(value->text, out);
    if (!text_to_i64(text_skip(value->text, 1), out))
        return false;
    *out = -*out;
    return true;
}

bool json_get_uuid(const struct json_value *object, const char *name, struct uuid *out)
{
    return uuid_parse(json_get_text(object, name), out);
}

/* In UTF-16, characters beyond the first plane begin with a surrogate (D800 to DBFF) and so come
 * before E000 to FFFF; in UTF-8 they come after (lead bytes F0 to F4 against EE and EF). All else
 * sorts alike. */
static int utf16_weight(char c)
{
    const int byte = (uint8_t)c;
    return byte == 0xee || byte == 0xef ? byte + 0x10 : byte;
}

static int compare_names(struct text a, struct text b)
{
    const size_t shorter = a.size < b.size ? a.size : b.size;
    for (size_t at = 0; at < shorter; at++) {
        if (a.data[at] != b.data[at])
            return utf16_weight(a.data[at]) - utf16_weight(b.data[at]);
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

static int compare_members(const void *a, const void *b)
{
    const struct json_member *const left = *(const struct json_member *const *)a;
    const struct json_member *const right = *(const struct json_member *const *)b;
    const int order = compare_names(left->name, right->name);
    return order != 0 ? order : (left > right) - (left < right);
}

const struct json_member **json_sort_members(struct arena *arena, const struct json_value *object)
{
    const struct json_member **sorted = arena_alloc(arena, object->count * sizeof *sorted);
    for (size_t at = 0; at < object->count; at++)
        sorted[at] = &object->members[at];
    qsort(sorted, object->count, sizeof *sorted, compare_members);
    return sorted;
}

static void add_canonical(struct text_builder *out, const struct json_value *value);

static void add_canonical_array(struct text_builder *out, const struct json_value *array)
{
    text_builder_add(out, "[", 1);
    for (size_t at = 0; at < array->count; at++) {
        if (at > 0)
            text_builder_add(out, ",", 1);
        add_canonical(out, &array->items[at]);
    }
    text_builder_add(out, "]", 1);
}

static void add_canonical_object(struct text_builder *out, const struct json_value *object)
{
    const struct json_member **sorted = json_sort_members(out->arena, object);
    text_builder_add(out, "{", 1);
    for (size_t at = 0; at < object->count; at++) {
        if (at > 0)
            text_builder_add(out, ",", 1);
        json_add_string(out, sorted[at]->name);
        text_builder_add(out, ":", 1);
        add_canonical(out, &sorted[at]->value);
    }
    text_builder_add(out, "}", 1);
}

static void add_canonical(struct text_builder *out, const struct json_value *value)
{
    switch (value->type) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
    case JSON_NUMBER:
        text_builder_add_text(out, value->source);
        return;
    case JSON_STRING:
        json_add_string(out, value->text);
        return;
    case JSON_ARRAY:
        add_canonical_array(out, value);
        return;
    case JSON_OBJECT:
        add_canonical_object(out, value);
        return;
    }
    UNREACHABLE();
}

struct text json_canonical(struct arena *arena, const struct json_value *value)
{
    struct text_builder out;
    text_builder_init(&out, arena, value->source.size + 1);
    add_canonical(&out, value);
    return text_builder_text(&out);
}
