#include "reference_http.h"

#include "base/arena.h"

#include <strings.h>

struct message {
    struct reference_request *request;
    struct arena *arena;
    struct text rest;
    bool is_1_1;
    bool has_length;
    bool has_chunks;
    int host_count;
    int64_t length;
};

/* The next line, which ends in CR LF and holds no other control character but tabs. */
static bool take_line(struct text *rest, struct text *line_out)
{
    const char *end = rest->size < 2 ? NULL : memmem(rest->data, rest->size, "\r\n", 2);
    if (end == NULL)
        return false;
    *line_out = (struct text){rest->data, (size_t)(end - rest->data)};
    *rest = text_skip(*rest, line_out->size + 2);
    for (size_t at = 0; at < line_out->size; at++) {
        const unsigned char c = (unsigned char)line_out->data[at];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_made_of(struct text t, const char *characters)
{
    for (size_t at = 0; at < t.size; at++)
        if (t.data[at] == '\0' || strchr(characters, t.data[at]) == NULL)
            return false;
    return t.size > 0;
}

static bool is_token(struct text t)
{
    return is_made_of(t, "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "abcdefghijklmnopqrstuvwxyz");
}

static bool is_named(struct text name, const char *wanted)
{
    return name.size == strlen(wanted) && strncasecmp(name.data, wanted, name.size) == 0;
}

static bool read_first_line(struct message *m)
{
    struct text line = TEXT("");
    while (line.size == 0) /* empty lines before a request are passed over */
        if (!take_line(&m->rest, &line))
            return false;
    m->request->method = text_cut(&line, ' ');
    m->request->target = text_cut(&line, ' ');
    m->is_1_1 = text_equals_c(line, "HTTP/1.1");
    m->request->keeps_alive = m->is_1_1;
    return is_token(m->request->method) && m->request->target.size > 0 &&
           (m->is_1_1 || text_equals_c(line, "HTTP/1.0"));
}

static void read_connection(struct message *m, struct text value, bool *closes)
{
    while (!text_is_none(value)) {
        const struct text option = text_trim(text_cut(&value, ','));
        *closes = *closes || is_named(option, "close");
        if (is_named(option, "keep-alive"))
            m->request->keeps_alive = true;
    }
}

static bool read_framing_field(struct message *m, struct text name, struct text value)
{
    if (is_named(name, "host"))
        return ++m->host_count == 1;
    if (is_named(name, "content-length")) {
        const bool is_first = !m->has_length;
        m->has_length = true;
        return is_first && is_made_of(value, "0123456789") && text_to_i64(value, &m->length);
    }
    if (is_named(name, "transfer-encoding")) {
        const bool is_first = !m->has_chunks;
        m->has_chunks = true;
        return is_first && is_named(value, "chunked");
    }
    return true;
}

/* `name: value`, with no blank before the colon, and no line that goes on with the one before. */
static bool cut_field(struct text line, struct text *name_out, struct text *value_out)
{
    const struct text name = text_cut(&line, ':');
    if (text_is_none(line) || !is_token(name))
        return false;
    *name_out = name;
    *value_out = text_trim(line);
    return true;
}

static bool read_fields(struct message *m)
{
    struct reference_request *request = m->request;
    bool closes = false;
    for (;;) {
        struct text line;
        if (!take_line(&m->rest, &line))
            return false;
        if (line.size == 0)
            break;
        const int at = request->field_count;
        if (at == REFERENCE_FIELDS_MAX ||
            !cut_field(line, &request->names[at], &request->values[at]) ||
            !read_framing_field(m, request->names[at], request->values[at]))
            return false;
        if (is_named(request->names[at], "connection"))
            read_connection(m, request->values[at], &closes);
        request->field_count++;
    }
    request->keeps_alive = request->keeps_alive && !closes;
    if (m->has_chunks && (m->has_length || !m->is_1_1))
        return false;
    return !m->is_1_1 || m->host_count == 1;
}

/* chunk = chunk-size [ blanks ; extension ] CR LF data CR LF; RFC 9112 7.1. */
static bool read_chunk(struct message *m, struct text_builder *body, bool *is_last)
{
    struct text line;
    size_t size = 0;
    if (!take_line(&m->rest, &line))
        return false;
    struct text digits = text_cut(&line, ';');
    while (!text_is_none(line) && digits.size > 0 &&
           strchr(" \t", digits.data[digits.size - 1]) != NULL)
        digits.size--;
    if (!is_made_of(digits, "0123456789abcdefABCDEF") || digits.size > 250)
        return false;
    for (size_t at = 0; at < digits.size; at++) {
        const char c = digits.data[at];
        size = size * 16 + (size_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        if (size > m->rest.size)
            return false;
    }
    *is_last = size == 0;
    if (*is_last)
        return true;
    text_builder_add(body, m->rest.data, size);
    m->rest = text_skip(m->rest, size);
    return take_line(&m->rest, &line) && line.size == 0;
}

static bool read_chunks(struct message *m)
{
    struct text_builder body;
    struct text line, name, value;
    bool is_last = false;
    text_builder_init(&body, m->arena, 64);
    while (!is_last)
        if (!read_chunk(m, &body, &is_last))
            return false;
    m->request->body = text_builder_text(&body);
    for (;;) {
        if (!take_line(&m->rest, &line))
            return false;
        if (line.size == 0)
            return true;
        if (!cut_field(line, &name, &value))
            return false;
    }
}

static bool read_body(struct message *m)
{
    if (m->has_chunks)
        return read_chunks(m);
    if (m->length > (int64_t)m->rest.size)
        return false;
    m->request->body = (struct text){m->rest.data, (size_t)m->length};
    m->rest = text_skip(m->rest, (size_t)m->length);
    return true;
}

bool reference_http_read(struct arena *arena, struct text stream,
                         struct reference_request *request_out)
{
    struct message m = {.request = request_out, .arena = arena, .rest = stream};
    *request_out = (struct reference_request){.field_count = 0};
    if (!read_first_line(&m) || !read_fields(&m) || !read_body(&m))
        return false;
    request_out->size = stream.size - m.rest.size;
    return true;
}
