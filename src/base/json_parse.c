#include "base/json.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hex.h"
#include "base/utf8.h"

#include <yajl/yajl_parse.h>

/* What a message quotes of the input is short. */
enum { QUOTE_SIZE_MAX = 64 };

/* ---- Before parsing: what yajl would let pass ---- */

static enum status refuse_at(struct error *err, size_t position, const char *why)
{
    return error_set(err, ERR_INVALID, "not valid JSON at byte %zu: %s", position, why);
}

/* The code unit of a \uXXXX escape that `t` begins with; false where there is none. */
static bool take_code_unit(struct text t, unsigned *unit_out)
{
    uint8_t bytes[2];
    if (t.size < 6 || t.data[0] != '\\' || t.data[1] != 'u')
        return false;
    if (!hex_parse((struct text){t.data + 2, 4}, bytes, sizeof bytes))
        return false;
    *unit_out = (unsigned)bytes[0] << 8 | bytes[1];
    return true;
}

/* The size of the escape that `t` begins with; 0, and why, where it stands for no character. yajl
 * turns lone surrogates into question marks, so it must not see them. Broken escapes are its. */
static size_t check_escape(struct text t, const char **why_out)
{
    unsigned first = 0;
    unsigned second = 0;
    if (!take_code_unit(t, &first))
        return t.size < 2 ? 1 : 2;
    if (first == 0) {
        *why_out = "the character NUL";
        return 0;
    }
    if (first < 0xd800 || first > 0xdfff)
        return 6;
    *why_out = "half of a surrogate pair";
    if (first > 0xdbff || !take_code_unit(text_skip(t, 6), &second))
        return 0;
    return second >= 0xdc00 && second <= 0xdfff ? 12 : 0;
}

/* The size of the character or escape that `t` begins with; 0, and why, where it is refused. */
static size_t check_character(struct text t, const char **why_out)
{
    const char c = t.data[0];
    if (c == '\\')
        return check_escape(t, why_out);
    if (c >= 0x20 || c == '\n' || c == '\r' || c == '\t')
        return 1;
    if (c == 0)
        *why_out = "the character NUL";
    else if (c > 0)
        *why_out = "a control character";
    else
        *why_out = "bytes that are not UTF-8";
    return c < 0 ? utf8_character_size(t) : 0;
}

static enum status check_characters(struct text input, struct error *err)
{
    size_t at = 0;
    while (at < input.size) {
        const char *why = NULL;
        const size_t size = check_character(text_skip(input, at), &why);
        if (size == 0)
            return refuse_at(err, at + 1, why);
        at += size;
    }
    return OK;
}

/* ---- The reader: yajl's events become a tree ---- */

/* An array or object whose end has not been seen. */
struct open_container {
    enum json_type type;
    size_t begin;     /* where it begins in the input */
    size_t first;     /* its first item on the stack */
    struct text name; /* its own, where it is a member */
};

struct reader {
    struct arena *arena;
    struct text input;
    struct error *err;
    yajl_handle yajl;
    size_t at;        /* where the last event ended in the input */
    bool at_end;      /* yajl has the whole input */
    struct text name; /* of the member whose value comes next */
    size_t value_count;
    int depth;
    struct open_container open[JSON_DEPTH_MAX];
    /* Finished values of open containers. A container's end moves its own into an array of their
     * exact number; the last one left is the outermost value. */
    struct json_member *stack;
    size_t count;
    size_t capacity;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_between_events(char c)
{
    return is_blank(c) || c == ',' || c == ':';
}

/* The bytes of the event that yajl reports now. */
static struct text take_source(struct reader *r)
{
    size_t begin = r->at;
    while (begin < r->input.size && is_between_events(r->input.data[begin]))
        begin++;
    r->at = r->at_end ? r->input.size : yajl_get_bytes_consumed(r->yajl);
    ASSERT(r->at > begin);
    return (struct text){r->input.data + begin, r->at - begin};
}

static void push(struct reader *r, struct json_member member)
{
    if (r->count == r->capacity) {
        const size_t capacity = r->capacity == 0 ? 16 : 2 * r->capacity;
        struct json_member *bigger = arena_alloc(r->arena, capacity * sizeof *bigger);
        if (r->count > 0)
            memcpy(bigger, r->stack, r->count * sizeof *bigger);
        r->stack = bigger;
        r->capacity = capacity;
    }
    r->stack[r->count++] = member;
}

static int push_value(struct reader *r, struct json_value value)
{
    if (r->value_count == JSON_VALUES_MAX) {
        (void)refuse_at(r->err, r->at, "too many values");
        return 0;
    }
    r->value_count++;
    push(r, (struct json_member){r->name, value});
    return 1;
}

static int push_literal(struct reader *r, enum json_type type)
{
    return push_value(r, (struct json_value){.type = type, .source = take_source(r)});
}

static int on_null(void *context)
{
    return push_literal(context, JSON_NULL);
}

static int on_boolean(void *context, int is_true)
{
    return push_literal(context, is_true ? JSON_TRUE : JSON_FALSE);
}

static int on_number(void *context, const char *data, size_t size)
{
    (void)data; /* not always in the input: the source is */
    struct reader *r = context;
    const struct text source = take_source(r);
    ASSERT(source.size == size);
    return push_value(r, (struct json_value){JSON_NUMBER, .text = source, .source = source});
}

/* Every escape is longer than what it stands for: equal sizes mean that there was none. */
static struct text unescaped(struct reader *r, struct text source, const unsigned char *data,
                             size_t size)
{
    ASSERT(source.size >= 2);
    const struct text inside = {source.data + 1, source.size - 2};
    if (size == inside.size)
        return inside;
    return text_copy(r->arena, (struct text){(const char *)data, size});
}

static int on_string(void *context, const unsigned char *data, size_t size)
{
    struct reader *r = context;
    const struct text source = take_source(r);
    const struct text text = unescaped(r, source, data, size);
    return push_value(r, (struct json_value){JSON_STRING, .text = text, .source = source});
}

static int on_name(void *context, const unsigned char *data, size_t size)
{
    struct reader *r = context;
    r->name = unescaped(r, take_source(r), data, size);
    return 1;
}

static int begin_container(struct reader *r, enum json_type type)
{
    const struct text source = take_source(r);
    if (r->depth == JSON_DEPTH_MAX) {
        (void)refuse_at(r->err, r->at, "nested too deep");
        return 0;
    }
    r->open[r->depth++] = (struct open_container){
        .type = type,
        .begin = (size_t)(source.data - r->input.data),
        .first = r->count,
        .name = r->name,
    };
    return 1;
}

static int on_begin_object(void *context)
{
    return begin_container(context, JSON_OBJECT);
}

static int on_begin_array(void *context)
{
    return begin_container(context, JSON_ARRAY);
}

/* The second of two members with one name; NULL where all differ. */
static const struct json_member *find_duplicate(struct arena *arena,
                                                const struct json_value *object)
{
    const struct json_member **sorted = json_sort_members(arena, object);
    for (size_t at = 1; at < object->count; at++) {
        if (text_equals(sorted[at - 1]->name, sorted[at]->name))
            return sorted[at];
    }
    return NULL;
}

static int refuse_duplicate(const struct reader *r, const struct json_member *member)
{
    const struct text name = utf8_clip(member->name, QUOTE_SIZE_MAX);
    const size_t position = (size_t)(member->value.source.data - r->input.data) + 1;
    (void)error_set(r->err, ERR_INVALID, "not valid JSON at byte %zu: the member '%.*s' again",
                    position, TEXT_ARGS(name));
    return 0;
}

static void move_items(struct reader *r, size_t first, struct json_value *array)
{
    array->items = arena_alloc(r->arena, array->count * sizeof *array->items);
    for (size_t at = 0; at < array->count; at++)
        array->items[at] = r->stack[first + at].value;
}

static void move_members(struct reader *r, size_t first, struct json_value *object)
{
    const size_t size = object->count * sizeof *object->members;
    object->members = arena_alloc(r->arena, size);
    if (size > 0)
        memcpy(object->members, r->stack + first, size);
}

static int on_end_container(void *context)
{
    struct reader *r = context;
    (void)take_source(r);
    ASSERT(r->depth > 0);
    const struct open_container open = r->open[--r->depth];
    struct json_value value = {
        .type = open.type,
        .source = {r->input.data + open.begin, r->at - open.begin},
        .count = r->count - open.first,
    };
    if (open.type == JSON_ARRAY) {
        move_items(r, open.first, &value);
    } else {
        move_members(r, open.first, &value);
        const struct json_member *duplicate = find_duplicate(r->arena, &value);
        if (duplicate != NULL)
            return refuse_duplicate(r, duplicate);
    }
    r->count = open.first;
    r->name = open.name;
    return push_value(r, value);
}

/* ---- yajl's memory: pieces of the arena, each behind its size so that it can grow ---- */

union piece {
    size_t size;
    max_align_t align;
};

static void *piece_alloc(void *context, size_t size)
{
    union piece *piece = arena_alloc(context, sizeof *piece + size);
    piece->size = size;
    return piece + 1;
}

static void *piece_grow(void *context, void *old, size_t size)
{
    void *bigger = piece_alloc(context, size);
    if (old != NULL) {
        const size_t old_size = ((union piece *)old - 1)->size;
        memcpy(bigger, old, old_size < size ? old_size : size);
    }
    return bigger;
}

static void piece_forget(void *context, void *piece)
{
    (void)context;
    (void)piece; /* the arena ends it */
}

/* ---- Parsing ---- */

/* yajl's words, "lexical error: invalid char in json text.\n", in a client's. */
static struct text explain(struct reader *r)
{
    static const struct {
        const char *theirs;
        const char *ours;
    } WORDS[] = {
        {"premature EOF", "it ends too early"},
        {"trailing garbage", "something follows the value"},
        {"unallowed token at this point in JSON text", "a value is missing"},
        {"invalid char in json text", "no value begins like this"},
        {"invalid string in json text", "a word other than true, false and null"},
        {"probable comment found in input text, comments are not enabled", "a comment"},
        {"invalid object key (must be a string)", "a member name is missing"},
        {"object key and value must be separated by a colon (':')", "a colon is missing"},
        {"after array element, I expect ',' or ']'", "a comma or ] is missing"},
        {"after key and value, inside map, I expect ',' or '}'", "a comma or } is missing"},
        {"invalid character inside string", "a control character in a string"},
        {"inside a string, '\\' occurs before a character which it may not", "no such escape"},
        {"invalid (non-hex) character occurs after '\\u' inside string", "no such escape"},
    };
    const unsigned char *const words = yajl_get_error(r->yajl, 0, NULL, 0);
    struct text t = text_of((const char *)words);
    if (text_starts_with(t, "lexical error: "))
        t = text_skip(t, strlen("lexical error: "));
    else if (text_starts_with(t, "parse error: "))
        t = text_skip(t, strlen("parse error: "));
    while (t.size > 0 && (t.data[t.size - 1] == '\n' || t.data[t.size - 1] == '.'))
        t.size--;
    for (size_t at = 0; at < COUNT(WORDS); at++) {
        if (text_equals_c(t, WORDS[at].theirs))
            return text_of(WORDS[at].ours);
    }
    return t;
}

static enum status run(struct reader *r)
{
    const unsigned char *const data = (const unsigned char *)r->input.data;
    yajl_status status = yajl_parse(r->yajl, data, r->input.size);
    size_t position = yajl_get_bytes_consumed(r->yajl);
    if (status == yajl_status_ok) {
        r->at_end = true; /* a number may have waited for more digits */
        status = yajl_complete_parse(r->yajl);
        position = r->input.size;
    }
    switch (status) {
    case yajl_status_ok:
        return OK;
    case yajl_status_client_canceled:
        return ERR_INVALID; /* a callback has said why */
    case yajl_status_error:
        return error_set(r->err, ERR_INVALID, "not valid JSON at byte %zu: %.*s", position,
                         TEXT_ARGS(explain(r)));
    }
    UNREACHABLE();
}

/* yajl takes an open string behind the value for the end of the text. */
static enum status check_end(const struct reader *r)
{
    size_t at = r->at;
    while (at < r->input.size && is_blank(r->input.data[at]))
        at++;
    if (at < r->input.size)
        return refuse_at(r->err, at + 1, "something follows the value");
    return OK;
}

enum status json_parse(struct arena *arena, struct text input, struct json_value *value_out,
                       struct error *err)
{
    static const yajl_callbacks CALLBACKS = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_string,
        .yajl_start_map = on_begin_object,
        .yajl_map_key = on_name,
        .yajl_end_map = on_end_container,
        .yajl_start_array = on_begin_array,
        .yajl_end_array = on_end_container,
    };
    if (input.size == 0)
        return error_set(err, ERR_INVALID, "not valid JSON: it is empty");
    TRY(check_characters(input, err));
    yajl_alloc_funcs memory = {piece_alloc, piece_grow, piece_forget, arena};
    struct reader r = {.arena = arena, .input = input, .err = err};
    r.yajl = yajl_alloc(&CALLBACKS, &memory, &r);
    (void)yajl_config(r.yajl, yajl_dont_validate_strings, 1); /* check_characters has */
    TRY(run(&r));
    TRY(check_end(&r));
    ASSERT(r.count == 1);
    *value_out = r.stack[0].value;
    return OK;
}
