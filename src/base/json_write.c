#include "base/json.h"

#include "base/assert.h"
#include "base/json_plain.h"
#include "base/timestamp.h"
#include "base/utf8.h"

/* RFC 8785, 3.2.2.2: the short form where there is one. */
static void add_escape(struct text_builder *out, char c)
{
    static const char DIGITS[] = "0123456789abcdef";
    static const char SHORT[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
    };
    char escape[6] = {'\\', c};
    size_t size = 2;
    if (c >= 0 && c < 0x20) {
        escape[1] = SHORT[(uint8_t)c];
        if (escape[1] == '\0') {
            memcpy(escape + 1, "u00", 3);
            escape[4] = DIGITS[c >> 4];
            escape[5] = DIGITS[c & 0xf];
            size = 6;
        }
    }
    text_builder_add(out, escape, size);
}

/* What stands between the quotes where not all of it is plain. */
static void add_escaped(struct text_builder *out, struct text value)
{
    while (value.size > 0) {
        size_t size = json_plain_size(value);
        if (size == 0 && value.data[0] != '\0') /* no reader of ours takes a NUL */
            size = utf8_character_size(value);
        if (size == 0) {
            text_builder_add_c(out, "\xef\xbf\xbd"); /* U+FFFD, the replacement character */
            size = 1;
        } else if (size == 1 && !json_is_plain(value.data[0])) {
            add_escape(out, value.data[0]);
        } else {
            text_builder_add(out, value.data, size);
        }
        value = text_skip(value, size);
    }
}

/* A quote, `size` bytes that the caller writes where the answer points, a quote. */
static char *add_quoted(struct text_builder *out, size_t size)
{
    char *const place = text_builder_extend(out, size + 2);
    place[0] = '"';
    place[size + 1] = '"';
    return place + 1;
}

void json_add_string(struct text_builder *out, struct text value)
{
    if (json_plain_size(value) < value.size) {
        text_builder_add(out, "\"", 1);
        add_escaped(out, value);
        text_builder_add(out, "\"", 1);
        return;
    }
    char *const place = add_quoted(out, value.size);
    if (value.size > 0)
        memcpy(place, value.data, value.size);
}

void json_writer_init(struct json_writer *w, struct text_builder *out)
{
    *w = (struct json_writer){.out = out};
}

/* What comes before any value: a comma, and inside an object the name. */
static void begin_value(struct json_writer *w, const char *name)
{
    ASSERT((name != NULL) == w->is_object[w->depth]);
    ASSERT(w->depth > 0 || !w->has_items[0]);
    if (w->has_items[w->depth])
        text_builder_add(w->out, ",", 1);
    w->has_items[w->depth] = true;
    if (name == NULL)
        return;
    json_add_string(w->out, text_of(name));
    text_builder_add(w->out, ":", 1);
}

static void begin_container(struct json_writer *w, const char *name, bool is_object)
{
    begin_value(w, name);
    ASSERT(w->depth < JSON_DEPTH_MAX);
    w->depth++;
    w->has_items[w->depth] = false;
    w->is_object[w->depth] = is_object;
    text_builder_add(w->out, is_object ? "{" : "[", 1);
}

static void end_container(struct json_writer *w, bool is_object)
{
    ASSERT(w->depth > 0);
    ASSERT(w->is_object[w->depth] == is_object);
    w->depth--;
    text_builder_add(w->out, is_object ? "}" : "]", 1);
}

void json_begin_object(struct json_writer *w, const char *name)
{
    begin_container(w, name, true);
}

void json_end_object(struct json_writer *w)
{
    end_container(w, true);
}

void json_begin_array(struct json_writer *w, const char *name)
{
    begin_container(w, name, false);
}

void json_end_array(struct json_writer *w)
{
    end_container(w, false);
}

void json_write_text(struct json_writer *w, const char *name, struct text value)
{
    begin_value(w, name);
    json_add_string(w->out, value);
}

void json_write_i64(struct json_writer *w, const char *name, int64_t value)
{
    char digits[20]; /* the largest has 19, and one is for the sign */
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    begin_value(w, name);
    text_builder_add(w->out, digits + at, sizeof digits - at);
}

void json_write_bool(struct json_writer *w, const char *name, bool value)
{
    begin_value(w, name);
    text_builder_add_c(w->out, value ? "true" : "false");
}

void json_write_null(struct json_writer *w, const char *name)
{
    begin_value(w, name);
    text_builder_add_c(w->out, "null");
}

void json_write_uuid(struct json_writer *w, const char *name, const struct uuid *value)
{
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(value, id);
    begin_value(w, name);
    memcpy(add_quoted(w->out, UUID_TEXT_SIZE), id, UUID_TEXT_SIZE);
}

void json_write_time(struct json_writer *w, const char *name, int64_t time_us)
{
    char time[TIMESTAMP_TEXT_SIZE + 1];
    timestamp_format(time_us, time);
    begin_value(w, name);
    memcpy(add_quoted(w->out, TIMESTAMP_TEXT_SIZE), time, TIMESTAMP_TEXT_SIZE);
}

void json_write_raw(struct json_writer *w, const char *name, struct text json)
{
    ASSERT(json.size > 0);
    begin_value(w, name);
    text_builder_add_text(w->out, json);
}
