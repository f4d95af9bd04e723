/* JSON: the reader, against another reader of RFC 8259 that builds nothing. */
#include "base/json.h"
#include "base/utf8.h"
#include "oracle.h"

/* ---- the other reader ------------------------------------------------------------------------ */

struct cursor {
    struct text rest;
    int depth;
};

static bool skip_value(struct cursor *c);

static char next(const struct cursor *c)
{
    return c->rest.size == 0 ? '\0' : c->rest.data[0];
}

static bool take(struct cursor *c, char wanted)
{
    if (c->rest.size == 0 || c->rest.data[0] != wanted)
        return false;
    c->rest = text_skip(c->rest, 1);
    return true;
}

static void skip_blanks(struct cursor *c)
{
    while (take(c, ' ') || take(c, '\t') || take(c, '\r') || take(c, '\n'))
        continue;
}

static bool skip_word(struct cursor *c, const char *word)
{
    if (!text_starts_with(c->rest, word))
        return false;
    c->rest = text_skip(c->rest, strlen(word));
    return true;
}

static bool skip_digits(struct cursor *c)
{
    const size_t before = c->rest.size;
    while (next(c) >= '0' && next(c) <= '9')
        c->rest = text_skip(c->rest, 1);
    return c->rest.size < before;
}

static bool skip_number(struct cursor *c)
{
    (void)take(c, '-');
    if (!take(c, '0') && !skip_digits(c))
        return false;
    if (take(c, '.') && !skip_digits(c))
        return false;
    if (!take(c, 'e') && !take(c, 'E'))
        return true;
    if (!take(c, '+'))
        (void)take(c, '-');
    return skip_digits(c);
}

/* Four hex digits; -1 where they are none. */
static int take_unit(struct cursor *c)
{
    int unit = 0;
    for (int at = 0; at < 4; at++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *found = next(c) == '\0' ? NULL : strchr(digits, next(c));
        if (found == NULL)
            return -1;
        unit = unit * 16 + (int)((found - digits) % 16);
        c->rest = text_skip(c->rest, 1);
    }
    return unit;
}

static bool skip_escape(struct cursor *c)
{
    static const char SIMPLE[] = "\"\\/bfnrt";
    for (size_t at = 0; at < sizeof SIMPLE - 1; at++)
        if (take(c, SIMPLE[at]))
            return true;
    if (!take(c, 'u'))
        return false;
    const int unit = take_unit(c);
    if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return false;
    if (unit < 0xd800 || unit > 0xdbff)
        return true;
    const int low = take(c, '\\') && take(c, 'u') ? take_unit(c) : -1;
    return low >= 0xdc00 && low <= 0xdfff;
}

/* One character beyond ASCII, by its number: none that fits fewer bytes, no half of a pair. */
static bool skip_character(struct cursor *c)
{
    static const unsigned LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned lead = (unsigned char)next(c);
    const size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    unsigned number = lead & (0x7fu >> size);
    if (lead < 0xc0 || lead > 0xf7 || c->rest.size < size)
        return false;
    for (size_t at = 1; at < size; at++) {
        const unsigned byte = (unsigned char)c->rest.data[at];
        if (byte >> 6 != 2)
            return false;
        number = number << 6 | (byte & 0x3f);
    }
    c->rest = text_skip(c->rest, size);
    return number >= LEAST[size] && number <= 0x10ffff && (number < 0xd800 || number > 0xdfff);
}

static bool skip_plain(struct cursor *c)
{
    const unsigned char first = (unsigned char)next(c);
    if (first >= 0x80)
        return skip_character(c);
    if (first < ' ')
        return false; /* a control character, or the end */
    c->rest = text_skip(c->rest, 1);
    return true;
}

static bool skip_string(struct cursor *c)
{
    if (!take(c, '"'))
        return false;
    while (!take(c, '"')) {
        const bool is_skipped = take(c, '\\') ? skip_escape(c) : skip_plain(c);
        if (!is_skipped)
            return false;
    }
    return true;
}

/* Items up to `end`, whose first character has been taken. */
static bool skip_items(struct cursor *c, char end)
{
    skip_blanks(c);
    if (take(c, end))
        return true;
    for (;;) {
        skip_blanks(c);
        if (end == '}') {
            if (!skip_string(c))
                return false;
            skip_blanks(c);
            if (!take(c, ':'))
                return false;
        }
        if (!skip_value(c))
            return false;
        skip_blanks(c);
        if (take(c, end))
            return true;
        if (!take(c, ','))
            return false;
    }
}

static bool skip_container(struct cursor *c, char end)
{
    if (c->depth == JSON_DEPTH_MAX)
        return false;
    c->depth++;
    const bool is_whole = skip_items(c, end);
    c->depth--;
    return is_whole;
}

static bool skip_value(struct cursor *c)
{
    skip_blanks(c);
    if (take(c, '{'))
        return skip_container(c, '}');
    if (take(c, '['))
        return skip_container(c, ']');
    if (next(c) == '"')
        return skip_string(c);
    return skip_word(c, "null") || skip_word(c, "true") || skip_word(c, "false") || skip_number(c);
}

static bool is_json(struct text input)
{
    struct cursor c = {.rest = input};
    if (!skip_value(&c))
        return false;
    skip_blanks(&c);
    return c.rest.size == 0;
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void write_again(struct json_writer *w, const char *name, const struct json_value *value);

static void write_items(struct json_writer *w, const char *name, const struct json_value *value,
                        struct arena *arena)
{
    if (value->type == JSON_ARRAY) {
        json_begin_array(w, name);
        for (size_t at = 0; at < value->count; at++)
            write_again(w, NULL, &value->items[at]);
        json_end_array(w);
        return;
    }
    json_begin_object(w, name);
    for (size_t at = 0; at < value->count; at++)
        write_again(w, text_to_c(arena, value->members[at].name), &value->members[at].value);
    json_end_object(w);
}

static void write_again(struct json_writer *w, const char *name, const struct json_value *value)
{
    switch (value->type) {
    case JSON_NULL:
        json_write_null(w, name);
        return;
    case JSON_FALSE:
    case JSON_TRUE:
        json_write_bool(w, name, value->type == JSON_TRUE);
        return;
    case JSON_NUMBER:
        json_write_raw(w, name, value->text);
        return;
    case JSON_STRING:
        json_write_text(w, name, value->text);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        write_items(w, name, value, w->out->arena);
        return;
    }
    UNREACHABLE();
}

/* Each value's bytes lie in the input and are JSON by themselves. */
static void check_tree(struct text input, const struct json_value *value)
{
    HOLDS(value->source.data >= input.data);
    HOLDS(value->source.data + value->source.size <= input.data + input.size);
    HOLDS(is_json(value->source));
    if (value->type == JSON_STRING)
        HOLDS(utf8_is_valid(value->text) && memchr(value->text.data, 0, value->text.size) == NULL);
    for (size_t at = 0; value->type == JSON_ARRAY && at < value->count; at++)
        check_tree(input, &value->items[at]);
    for (size_t at = 0; value->type == JSON_OBJECT && at < value->count; at++) {
        const struct json_member *member = &value->members[at];
        check_tree(input, &member->value);
        HOLDS(json_get(value, text_to_c(fuzz_arena(), member->name)) == &member->value);
    }
}

/* The canonical form is JSON, means the same, and is its own canonical form. */
static void check_written(struct arena *arena, const struct json_value *value)
{
    struct json_value again;
    struct text_builder out;
    struct json_writer w;
    const struct text canonical = json_canonical(arena, value);
    HOLDS(json_parse(arena, canonical, &again, NULL) == OK);
    HOLDS(text_equals(json_canonical(arena, &again), canonical));
    text_builder_init(&out, arena, 64);
    json_writer_init(&w, &out);
    write_again(&w, NULL, value);
    HOLDS(json_parse(arena, text_builder_text(&out), &again, NULL) == OK);
    HOLDS(text_equals(json_canonical(arena, &again), canonical));
}

/* Any bytes become one string; UTF-8 without a NUL comes back. */
static void check_string(struct arena *arena, struct text input)
{
    struct text_builder out;
    struct json_value value;
    text_builder_init(&out, arena, 64);
    json_add_string(&out, input);
    HOLDS(json_parse(arena, text_builder_text(&out), &value, NULL) == OK);
    const bool comes_back = utf8_is_valid(input) && memchr(input.data, 0, input.size) == NULL;
    HOLDS(!comes_back || text_equals(value.text, input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *kept; /* fuzz_arena is for what check_tree needs for a moment */
    const struct text input = fuzz_text(data, size);
    struct json_value value;
    struct error err;
    if (kept == NULL)
        kept = arena_new(64 * 1024 * 1024);
    arena_reset(kept);
    if (json_parse(kept, input, &value, &err) == OK) {
        HOLDS(is_json(input));
        check_tree(input, &value);
        check_written(kept, &value);
    } else {
        const bool is_bounded = strstr(err.message, "too many values") != NULL ||
                                strstr(err.message, "' again") != NULL;
        HOLDS(is_bounded || !is_json(input));
    }
    check_string(kept, input);
    return 0;
}
