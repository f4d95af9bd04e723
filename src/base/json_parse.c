/* One pass over the bytes, by recursive descent: a function for each kind of value. What it finds
 * is a slice of the input wherever no escape stands in the way, so that nothing is copied. */
#include "base/json.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hex.h"
#include "base/json_plain.h"
#include "base/utf8.h"

enum {
    QUOTE_SIZE_MAX = 64, /* what a message quotes of the input is short           */
    COMPARED_MAX = 24,   /* names that are compared each with each: no sort, then */
    STACK_SIZE_FIRST = 16,
};

struct reader {
    struct arena *arena;
    struct text input;
    struct error *err;
    size_t at; /* what is read next */
    size_t value_count;
    int depth;
    /* Finished values of containers that are open. A container's end moves its own into an array of
     * their exact number. */
    struct json_member *stack;
    size_t count;
    size_t capacity;
};

static enum status read_value(struct reader *r, struct json_value *value_out);

/* ---- The input ---- */

static enum status refuse_at(const struct reader *r, size_t position, const char *why)
{
    return error_set(r->err, ERR_INVALID, "not valid JSON at byte %zu: %s", position, why);
}

/* Refuses what comes next. */
static enum status refuse(const struct reader *r, const char *why)
{
    if (r->at == r->input.size)
        return refuse_at(r, r->at, "it ends too early");
    const char c = r->input.data[r->at];
    if (c == '\0')
        return refuse_at(r, r->at + 1, "the character NUL");
    return refuse_at(r, r->at + 1, c > 0 && c < 0x20 ? "a control character" : why);
}

/* The next byte; NUL, which is nowhere allowed, at the end. */
static char peek(const struct reader *r)
{
    return r->at < r->input.size ? r->input.data[r->at] : '\0';
}

static bool take(struct reader *r, char wanted)
{
    if (peek(r) != wanted)
        return false;
    r->at++;
    return true;
}

static void skip_blanks(struct reader *r)
{
    while (take(r, ' ') || take(r, '\n') || take(r, '\t') || take(r, '\r'))
        continue;
}

static struct text rest_of(const struct reader *r)
{
    return text_skip(r->input, r->at);
}

static struct text source_from(const struct reader *r, size_t begin)
{
    return (struct text){r->input.data + begin, r->at - begin};
}

/* ---- Strings ---- */

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

/* What a one-letter escape stands for; NUL where there is no such escape. */
static char short_escape(char letter)
{
    static const char MEANT[128] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    return letter < 0 ? '\0' : MEANT[(uint8_t)letter];
}

/* The character that the escape `t` begins with stands for, and the escape's size; 0, and why,
 * where it stands for none. */
static size_t read_escape(struct text t, unsigned *character_out, const char **why_out)
{
    unsigned first = 0;
    unsigned second = 0;
    *why_out = "no such escape";
    if (t.size >= 2 && short_escape(t.data[1]) != '\0') {
        *character_out = (uint8_t)short_escape(t.data[1]);
        return 2;
    }
    if (!take_code_unit(t, &first))
        return 0;
    *character_out = first;
    *why_out = "the character NUL";
    if (first < 0xd800 || first > 0xdfff)
        return first == 0 ? 0 : 6;
    *why_out = "half of a surrogate pair";
    if (first > 0xdbff || !take_code_unit(text_skip(t, 6), &second))
        return 0;
    *character_out = 0x10000 + ((first & 0x3ff) << 10 | (second & 0x3ff));
    return second >= 0xdc00 && second <= 0xdfff ? 12 : 0;
}

/* One escape or character beyond ASCII. */
static enum status skip_special(struct reader *r)
{
    const struct text rest = rest_of(r);
    const char *why = "bytes that are not UTF-8";
    unsigned character = 0;
    size_t size = 0;
    if (peek(r) == '\\')
        size = read_escape(rest, &character, &why);
    else if (rest.size > 0 && rest.data[0] < 0)
        size = utf8_character_size(rest);
    r->at += size;
    return size > 0 ? OK : refuse(r, why);
}

static void add_character(struct text_builder *out, unsigned character)
{
    char bytes[UTF8_SIZE_MAX];
    text_builder_add(out, bytes, utf8_write(character, bytes));
}

/* `escaped` has been checked. No escape is shorter than what it stands for. */
static struct text unescape(struct arena *arena, struct text escaped)
{
    struct text_builder out;
    text_builder_init(&out, arena, escaped.size);
    while (escaped.size > 0) {
        const char *backslash = memchr(escaped.data, '\\', escaped.size);
        const size_t plain = backslash == NULL ? escaped.size : (size_t)(backslash - escaped.data);
        text_builder_add(&out, escaped.data, plain);
        escaped = text_skip(escaped, plain);
        if (escaped.size == 0)
            break;
        unsigned character = 0;
        const char *why;
        escaped = text_skip(escaped, read_escape(escaped, &character, &why));
        add_character(&out, character);
    }
    return text_builder_text(&out);
}

/* The next byte is its quote. */
static enum status read_string(struct reader *r, struct text *text_out)
{
    const size_t begin = ++r->at;
    bool has_escapes = false;
    for (;;) {
        r->at += json_plain_size(rest_of(r));
        if (take(r, '"'))
            break;
        has_escapes |= peek(r) == '\\';
        TRY(skip_special(r));
    }
    const struct text inside = {r->input.data + begin, r->at - 1 - begin};
    *text_out = has_escapes ? unescape(r->arena, inside) : inside;
    return OK;
}

/* ---- Numbers and words ---- */

static bool skip_digits(struct reader *r)
{
    const size_t begin = r->at;
    while (peek(r) >= '0' && peek(r) <= '9')
        r->at++;
    return r->at > begin;
}

static enum status read_number(struct reader *r)
{
    (void)take(r, '-');
    if (!take(r, '0') && !skip_digits(r))
        return refuse(r, "a digit is missing");
    if (take(r, '.') && !skip_digits(r))
        return refuse(r, "a digit is missing");
    if (!take(r, 'e') && !take(r, 'E'))
        return OK;
    if (!take(r, '+'))
        (void)take(r, '-');
    return skip_digits(r) ? OK : refuse(r, "a digit is missing");
}

static enum status read_word(struct reader *r, const char *word)
{
    if (!text_starts_with(rest_of(r), word))
        return refuse(r, "a word other than true, false and null");
    r->at += strlen(word);
    return OK;
}

/* ---- Arrays and objects ---- */

static void push(struct reader *r, const struct json_member *member)
{
    if (r->count == r->capacity) {
        const size_t capacity = r->capacity == 0 ? STACK_SIZE_FIRST : 2 * r->capacity;
        struct json_member *bigger = arena_alloc(r->arena, capacity * sizeof *bigger);
        if (r->count > 0)
            memcpy(bigger, r->stack, r->count * sizeof *bigger);
        r->stack = bigger;
        r->capacity = capacity;
    }
    r->stack[r->count++] = *member;
}

/* The member's name, the colon and the blanks around them. */
static enum status read_name(struct reader *r, struct text *name_out)
{
    if (peek(r) != '"')
        return refuse(r, "a member name is missing");
    TRY(read_string(r, name_out));
    skip_blanks(r);
    if (!take(r, ':'))
        return refuse(r, "a colon is missing");
    skip_blanks(r);
    return OK;
}

/* Onto the stack, up to and with the container's end. */
static enum status read_items(struct reader *r, bool is_object)
{
    const char end = is_object ? '}' : ']';
    skip_blanks(r);
    if (take(r, end))
        return OK;
    for (;;) {
        struct json_member member = {.name = TEXT_NONE};
        if (is_object)
            TRY(read_name(r, &member.name));
        TRY(read_value(r, &member.value));
        push(r, &member);
        skip_blanks(r);
        if (take(r, end))
            return OK;
        if (!take(r, ','))
            return refuse(r, is_object ? "a comma or } is missing" : "a comma or ] is missing");
        skip_blanks(r);
    }
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

static const struct json_member *find_duplicate_among_few(const struct json_value *object)
{
    for (size_t at = 1; at < object->count; at++)
        for (size_t before = 0; before < at; before++)
            if (text_equals(object->members[before].name, object->members[at].name))
                return &object->members[at];
    return NULL;
}

/* The second of two members with one name; NULL where all differ. */
static const struct json_member *find_duplicate(struct arena *arena,
                                                const struct json_value *object)
{
    if (object->count <= COMPARED_MAX)
        return find_duplicate_among_few(object);
    const struct json_member **sorted = json_sort_members(arena, object);
    for (size_t at = 1; at < object->count; at++) {
        if (text_equals(sorted[at - 1]->name, sorted[at]->name))
            return sorted[at];
    }
    return NULL;
}

static enum status refuse_duplicate(const struct reader *r, const struct json_member *member)
{
    const struct text name = utf8_clip(member->name, QUOTE_SIZE_MAX);
    const size_t position = (size_t)(member->value.source.data - r->input.data) + 1;
    return error_set(r->err, ERR_INVALID, "not valid JSON at byte %zu: the member '%.*s' again",
                     position, TEXT_ARGS(name));
}

static enum status read_container(struct reader *r, struct json_value *value)
{
    const bool is_object = value->type == JSON_OBJECT;
    const size_t first = r->count;
    if (r->depth == JSON_DEPTH_MAX)
        return refuse(r, "nested too deep");
    r->depth++;
    r->at++;
    TRY(read_items(r, is_object));
    r->depth--;
    value->count = r->count - first;
    r->count = first;
    if (!is_object) {
        move_items(r, first, value);
        return OK;
    }
    move_members(r, first, value);
    const struct json_member *duplicate = find_duplicate(r->arena, value);
    return duplicate == NULL ? OK : refuse_duplicate(r, duplicate);
}

/* ---- Values ---- */

static enum status read_typed(struct reader *r, struct json_value *value)
{
    switch (value->type) {
    case JSON_NULL:
        return read_word(r, "null");
    case JSON_FALSE:
        return read_word(r, "false");
    case JSON_TRUE:
        return read_word(r, "true");
    case JSON_NUMBER:
        return read_number(r);
    case JSON_STRING:
        return read_string(r, &value->text);
    case JSON_ARRAY:
    case JSON_OBJECT:
        return read_container(r, value);
    }
    UNREACHABLE();
}

/* What the first byte of a value says. */
static bool type_of(char first, enum json_type *type_out)
{
    static const struct {
        bool is_known;
        enum json_type type;
    } TYPES[128] = {
        ['n'] = {true, JSON_NULL},   ['f'] = {true, JSON_FALSE},  ['t'] = {true, JSON_TRUE},
        ['"'] = {true, JSON_STRING}, ['['] = {true, JSON_ARRAY},  ['{'] = {true, JSON_OBJECT},
        ['-'] = {true, JSON_NUMBER}, ['0'] = {true, JSON_NUMBER}, ['1'] = {true, JSON_NUMBER},
        ['2'] = {true, JSON_NUMBER}, ['3'] = {true, JSON_NUMBER}, ['4'] = {true, JSON_NUMBER},
        ['5'] = {true, JSON_NUMBER}, ['6'] = {true, JSON_NUMBER}, ['7'] = {true, JSON_NUMBER},
        ['8'] = {true, JSON_NUMBER}, ['9'] = {true, JSON_NUMBER},
    };
    if (first < 0 || !TYPES[(uint8_t)first].is_known)
        return false;
    *type_out = TYPES[(uint8_t)first].type;
    return true;
}

static enum status refuse_beginning(const struct reader *r)
{
    const bool is_mark = peek(r) != '\0' && strchr("]},:", peek(r)) != NULL;
    return refuse(r, is_mark ? "a value is missing" : "no value begins like this");
}

static enum status read_value(struct reader *r, struct json_value *value_out)
{
    struct json_value value = {.text = TEXT_NONE};
    const size_t begin = r->at;
    if (!type_of(peek(r), &value.type))
        return refuse_beginning(r);
    TRY(read_typed(r, &value));
    value.source = source_from(r, begin);
    if (value.type == JSON_NUMBER)
        value.text = value.source;
    if (r->value_count == JSON_VALUES_MAX)
        return refuse_at(r, r->at, "too many values");
    r->value_count++;
    *value_out = value;
    return OK;
}

enum status json_parse(struct arena *arena, struct text input, struct json_value *value_out,
                       struct error *err)
{
    struct reader r = {.arena = arena, .input = input, .err = err};
    struct json_value value;
    if (input.size == 0)
        return error_set(err, ERR_INVALID, "not valid JSON: it is empty");
    skip_blanks(&r);
    TRY(read_value(&r, &value));
    skip_blanks(&r);
    if (r.at < input.size)
        return refuse(&r, "something follows the value");
    *value_out = value;
    return OK;
}
