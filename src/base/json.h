/* base/json.h - strict JSON: a tree of slices, and a writer.
 *
 * Purpose:   reads one RFC 8259 text into a tree, and refuses what lets two readers see two
 *            things: duplicate members, invalid UTF-8, lone surrogates, NUL in strings, trailing
 *            bytes, deep nesting, too many values. A number keeps its source text; it is never a
 *            double.
 * Units:     sizes in bytes.
 * Ownership: the tree and its unescaped strings live in the arena; `source` borrows from the input.
 * Errors:    ERR_INVALID with where and why, in words for the client.
 * Threads:   values. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/error.h"
#include "base/text.h"
#include "base/uuid.h"

struct arena;

enum {
    JSON_DEPTH_MAX = 16,
    JSON_VALUES_MAX = 64 * 1024, /* a tree is much larger than its text: this bounds it */
};

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_member;

struct json_value {
    enum json_type type;
    struct text text;   /* string: unescaped; number: its source text; otherwise none */
    struct text source; /* the value's bytes in the input, from its first to its last */
    size_t count;       /* items of an array, members of an object */
    union {
        struct json_value *items;
        struct json_member *members; /* in source order */
    };
};

struct json_member {
    struct text name; /* unescaped */
    struct json_value value;
};

MUST_CHECK enum status json_parse(struct arena *arena, struct text input,
                                  struct json_value *value_out, struct error *err);

/* NULL where the value is no object or has no such member; nothing (NULL) has none either, so that
 * what is missing within something missing is found missing. */
const struct json_value *json_get(const struct json_value *object, const char *name);
/* The member's string; TEXT_NONE where it is absent or no string. */
struct text json_get_text(const struct json_value *object, const char *name);
/* The member's integer (source text of digits, with an optional minus); false otherwise. */
bool json_get_i64(const struct json_value *object, const char *name, int64_t *out);
bool json_get_uuid(const struct json_value *object, const char *name, struct uuid *out);

/* RFC 8785's form: members sorted by UTF-16 code units, no white space, minimal escapes; numbers as
 * their source text (two spellings of a number are two requests). */
struct text json_canonical(struct arena *arena, const struct json_value *value);
/* The members of an object in that order, `count` of them; equal names in source order. */
const struct json_member **json_sort_members(struct arena *arena, const struct json_value *object);

/* A writer that appends to a text_builder. Commas and quotes are its business; nesting is checked
 * by ASSERT. `name` is NULL for an array's items and for the outermost value. */
struct json_writer {
    struct text_builder *out;
    int depth;
    bool has_items[JSON_DEPTH_MAX + 1];
    bool is_object[JSON_DEPTH_MAX + 1];
};

void json_writer_init(struct json_writer *w, struct text_builder *out);
void json_begin_object(struct json_writer *w, const char *name);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w, const char *name);
void json_end_array(struct json_writer *w);
void json_write_text(struct json_writer *w, const char *name, struct text value);
void json_write_i64(struct json_writer *w, const char *name, int64_t value);
void json_write_bool(struct json_writer *w, const char *name, bool value);
void json_write_null(struct json_writer *w, const char *name);
void json_write_uuid(struct json_writer *w, const char *name, const struct uuid *value);
/* A time in microseconds since 1970 as an RFC 3339 string in UTC with six decimals. */
void json_write_time(struct json_writer *w, const char *name, int64_t time_us);
/* A value that is JSON already. */
void json_write_raw(struct json_writer *w, const char *name, struct text json);

/* One string with its quotes, outside of any writer. NUL and bytes that are no UTF-8 become U+FFFD:
 * what is written can be read again. */
void json_add_string(struct text_builder *out, struct text value);

#endif
