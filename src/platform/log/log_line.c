#include "platform/log/log_line.h"

#include "base/assert.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "platform/log/card_mask.h"

#include <stdio.h>

enum {
    TEXT_VALUE_SIZE_MAX = 2048, /* of one field, before escaping */
    TAIL_SIZE_MAX = 32,         /* kept free for what ends a line */
};

/* The line as far as it is written. */
struct pen {
    char *data;
    size_t size;
    size_t size_max;
    bool is_full; /* something did not fit */
};

static void write_bytes(struct pen *pen, const char *data, size_t size)
{
    if (pen->is_full || pen->size + size > pen->size_max) {
        pen->is_full = true;
        return;
    }
    memcpy(pen->data + pen->size, data, size);
    pen->size += size;
}

static void write_c(struct pen *pen, const char *c_string)
{
    write_bytes(pen, c_string, strlen(c_string));
}

static void write_i64(struct pen *pen, int64_t value)
{
    char digits[24];
    const int size = snprintf(digits, sizeof digits, "%lld", (long long)value);
    write_bytes(pen, digits, (size_t)size);
}

static void write_escape(struct pen *pen, char c)
{
    char escape[8];
    if (c == '"' || c == '\\')
        snprintf(escape, sizeof escape, "\\%c", c);
    else if (c == '\n')
        snprintf(escape, sizeof escape, "\\n");
    else
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned char)c);
    write_c(pen, escape);
}

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* How much of the text needs no escapes. */
static size_t plain_size(struct text t)
{
    size_t size = 0;
    while (size < t.size && is_plain(t.data[size]))
        size++;
    return size;
}

/* A text in the escapes of JSON, without quotes. */
static void write_escaped(struct pen *pen, struct text t)
{
    char masked[TEXT_VALUE_SIZE_MAX];
    t = utf8_clip(t, TEXT_VALUE_SIZE_MAX);
    if (card_mask(t, masked))
        t.data = masked;
    while (t.size > 0) {
        size_t size = plain_size(t);
        if (size > 0)
            write_bytes(pen, t.data, size);
        else if ((size = utf8_character_size(t)) > 1)
            write_bytes(pen, t.data, size);
        else
            write_escape(pen, size == 1 ? t.data[0] : '?');
        t = text_skip(t, size == 0 ? 1 : size);
    }
}

static void write_quoted(struct pen *pen, struct text t)
{
    write_c(pen, "\"");
    write_escaped(pen, t);
    write_c(pen, "\"");
}

/* Ids are no texts: their digits stay. */
static void write_id(struct pen *pen, const char *id, bool quoted)
{
    write_c(pen, quoted ? "\"" : "");
    write_c(pen, id);
    write_c(pen, quoted ? "\"" : "");
}

/* One that a reader can tell from its neighbours without quotes. */
static bool is_word(struct text t)
{
    for (size_t at = 0; at < t.size; at++)
        if (!is_plain(t.data[at]) || t.data[at] == ' ' || t.data[at] == '=')
            return false;
    return t.size > 0;
}

static void write_value(struct pen *pen, const struct log_field *field, bool quoted)
{
    char id[UUID_TEXT_SIZE + 1];
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        if (quoted || !is_word(field->text))
            write_quoted(pen, field->text);
        else
            write_escaped(pen, field->text);
        return;
    case LOG_FIELD_I64:
        write_i64(pen, field->i64);
        return;
    case LOG_FIELD_UUID:
        uuid_format(&field->uuid, id);
        write_id(pen, id, quoted);
        return;
    case LOG_FIELD_END:
        break;
    }
    UNREACHABLE();
}

/* `,"name":` or ` name=`. */
static void write_name(struct pen *pen, const char *name, bool quoted)
{
    write_c(pen, quoted ? ",\"" : " ");
    write_c(pen, name);
    write_c(pen, quoted ? "\":" : "=");
}

static void write_text_pair(struct pen *pen, const char *name, const char *value)
{
    write_name(pen, name, true);
    write_quoted(pen, text_of(value));
}

static void write_trace(struct pen *pen, const struct trace_context *trace, bool quoted)
{
    if (trace == NULL || trace->trace_id[0] == '\0')
        return;
    write_name(pen, "trace_id", quoted);
    write_id(pen, trace->trace_id, quoted);
    if (!quoted)
        return;
    write_name(pen, "span_id", quoted);
    write_id(pen, trace->span_id, quoted);
}

/* Each field whole or not at all. */
static void write_fields(struct pen *pen, const struct log_field *fields, bool quoted)
{
    for (; fields->kind != LOG_FIELD_END && !pen->is_full; fields++) {
        const size_t before = pen->size;
        write_name(pen, fields->name, quoted);
        write_value(pen, fields, quoted);
        if (pen->is_full)
            pen->size = before;
    }
}

static size_t end_line(struct pen *pen, const char *end, const char *end_truncated)
{
    const bool is_truncated = pen->is_full;
    *pen = (struct pen){.data = pen->data, .size = pen->size, .size_max = LOG_LINE_SIZE_MAX};
    write_c(pen, is_truncated ? end_truncated : end);
    ASSERT(!pen->is_full);
    return pen->size;
}

size_t log_line_write_json(const struct log_line *line, char out[static LOG_LINE_SIZE_MAX])
{
    struct pen pen = {.data = out, .size_max = LOG_LINE_SIZE_MAX - TAIL_SIZE_MAX};
    char time[TIMESTAMP_TEXT_SIZE + 1];
    timestamp_format(line->time_us, time);
    write_c(&pen, "{\"ts\":\"");
    write_c(&pen, time);
    write_c(&pen, "\"");
    write_text_pair(&pen, "level", log_level_name(line->level));
    write_text_pair(&pen, "msg", line->message);
    write_text_pair(&pen, "svc", line->service);
    write_text_pair(&pen, "ver", line->version);
    write_trace(&pen, line->trace, true);
    write_text_pair(&pen, "event", line->event);
    write_fields(&pen, line->fields, true);
    return end_line(&pen, "}\n", ",\"truncated\":true}\n");
}

size_t log_line_write_text(const struct log_line *line, char out[static LOG_LINE_SIZE_MAX])
{
    static const char *const LEVELS[] = {"DEBUG ", "INFO  ", "WARN  ", "ERROR "};
    enum { TIME_OF_DAY = 11, TIME_OF_DAY_SIZE = 15 }; /* in 2026-01-31T12:00:00.123456Z */
    struct pen pen = {.data = out, .size_max = LOG_LINE_SIZE_MAX - TAIL_SIZE_MAX};
    char time[TIMESTAMP_TEXT_SIZE + 1];
    timestamp_format(line->time_us, time);
    write_bytes(&pen, time + TIME_OF_DAY, TIME_OF_DAY_SIZE);
    write_c(&pen, " ");
    write_c(&pen, LEVELS[line->level]);
    write_c(&pen, line->event);
    write_c(&pen, " ");
    write_escaped(&pen, text_of(line->message));
    write_trace(&pen, line->trace, false);
    write_fields(&pen, line->fields, false);
    return end_line(&pen, "\n", " truncated=true\n");
}
