#include "platform/http/http_framing.h"

#include "base/assert.h"
#include "base/hex.h"

#include <strings.h>

/* "ffffffffffffffff;name=value": what stands on a chunk's first line. */
static const size_t CHUNK_LINE_SIZE_MAX = 256;
static const size_t METHOD_SIZE_MAX = 16;

static enum http_verdict refuse(struct http_framing *f, enum http_refusal refusal,
                                const char *detail)
{
    f->refusal = refusal;
    f->detail = detail;
    return HTTP_REFUSED;
}

static enum http_verdict malformed(struct http_framing *f, const char *detail)
{
    return refuse(f, HTTP_REFUSAL_MALFORMED, detail);
}

void http_framing_init(struct http_framing *f, size_t header_size_max)
{
    ASSERT(header_size_max > 0);
    *f = (struct http_framing){.header_size_max = header_size_max};
}

/* RFC 9110 5.6.2: the bytes of a method and of a header's name. */
static bool is_token(struct text t)
{
    for (size_t at = 0; at < t.size; at++) {
        const char c = t.data[at];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool is_digit = c >= '0' && c <= '9';
        if (!is_letter && !is_digit && (c == '\0' || strchr("-_!#$%&'*+.^`|~", c) == NULL))
            return false;
    }
    return t.size > 0;
}

/* Visible ASCII: no blank, no control, nothing above 0x7e, no fragment. */
static bool is_target(struct text t)
{
    for (size_t at = 0; at < t.size; at++)
        if (t.data[at] <= ' ' || t.data[at] > '~' || t.data[at] == '#')
            return false;
    return t.size > 0;
}

/* Anything but control characters; the tab is a blank. */
static bool is_field_value(struct text t)
{
    for (size_t at = 0; at < t.size; at++) {
        const unsigned char c = (unsigned char)t.data[at];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

bool http_name_equals(struct text name, const char *other)
{
    return name.size == strlen(other) && strncasecmp(name.data, other, name.size) == 0;
}

static struct http_span span_of(const char *data, struct text t)
{
    return (struct http_span){(size_t)(t.data - data), t.size};
}

/* The next line without its CR LF, consumed. */
static enum http_verdict take_line(struct http_framing *f, const char *data, size_t size,
                                   struct text *line_out)
{
    const char *start = data + f->at;
    const char *end = f->at == size ? NULL : memchr(start, '\n', size - f->at);
    if (end == NULL)
        return HTTP_MORE;
    if (end == start || end[-1] != '\r')
        return malformed(f, "a line ends in LF without CR");
    *line_out = (struct text){start, (size_t)(end - start) - 1};
    f->at = (size_t)(end - data) + 1;
    return HTTP_WHOLE;
}

/* -- the head ---------------------------------------------------------------------------------- */

static enum http_verdict read_request_line(struct http_framing *f, const char *data,
                                           struct text line)
{
    struct text version = line;
    const struct text method = text_cut(&version, ' ');
    const struct text target = text_cut(&version, ' ');
    if (!is_token(method) || method.size > METHOD_SIZE_MAX)
        return malformed(f, "the request line does not begin with a method");
    if (target.size == 0 || version.size == 0)
        return malformed(f, "the request line is not 'method target version'");
    if (!is_target(target))
        return malformed(f, "the request target holds characters that must be percent-encoded");
    if (target.data[0] != '/' && !text_equals_c(target, "*") &&
        !text_starts_with(target, "http://") && !text_starts_with(target, "https://"))
        return malformed(f, "the request target is not a path");
    f->is_http_1_1 = text_equals_c(version, "HTTP/1.1");
    if (!f->is_http_1_1 && !text_equals_c(version, "HTTP/1.0"))
        return malformed(f, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    f->method = span_of(data, method);
    f->target = span_of(data, target);
    return HTTP_WHOLE;
}

static enum http_verdict note_host(struct http_framing *f, struct text value)
{
    if (f->has_host)
        return malformed(f, "more than one Host");
    if (value.size > 0 && (!is_target(value) || memchr(value.data, ',', value.size) != NULL ||
                           memchr(value.data, '/', value.size) != NULL))
        return malformed(f, "Host is not a host");
    f->has_host = true;
    return HTTP_WHOLE;
}

static enum http_verdict note_content_length(struct http_framing *f, struct text value)
{
    int64_t length = 0;
    if (f->has_length)
        return malformed(f, "more than one Content-Length");
    if (!text_to_i64(value, &length))
        return malformed(f, "Content-Length is not a plain decimal number");
    f->has_length = true;
    f->content_length = (size_t)length;
    return HTTP_WHOLE;
}

static enum http_verdict note_transfer_encoding(struct http_framing *f, struct text value)
{
    if (f->has_chunks || !http_name_equals(value, "chunked"))
        return malformed(f, "the only Transfer-Encoding understood is chunked, once");
    f->has_chunks = true;
    return HTTP_WHOLE;
}

static enum http_verdict note_connection(struct http_framing *f, struct text value)
{
    while (!text_is_none(value)) {
        const struct text option = text_trim(text_cut(&value, ','));
        if (http_name_equals(option, "close"))
            f->asks_close = true;
        else if (http_name_equals(option, "keep-alive"))
            f->asks_keep_alive = true;
    }
    return HTTP_WHOLE;
}

static enum http_verdict note_expect(struct http_framing *f, struct text value)
{
    if (!http_name_equals(value, "100-continue"))
        return malformed(f, "the only Expect understood is 100-continue");
    f->expects_continue = true;
    return HTTP_WHOLE;
}

/* The headers that decide about framing; all others are the handler's. */
static const struct {
    const char *name;
    enum http_verdict (*note)(struct http_framing *f, struct text value);
} FRAMING_FIELDS[] = {
    {"host", note_host},
    {"content-length", note_content_length},
    {"transfer-encoding", note_transfer_encoding},
    {"connection", note_connection},
    {"expect", note_expect},
};

/* A line of headers or trailers; the value without the blanks around it. */
static enum http_verdict cut_field(struct http_framing *f, struct text line, struct text *name_out,
                                   struct text *value_out)
{
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return malformed(f, "a header is folded over two lines");
    struct text value = line;
    const struct text name = text_cut(&value, ':');
    if (text_is_none(value) || !is_token(name))
        return malformed(f, "a header is not 'name: value'");
    if (!is_field_value(value))
        return malformed(f, "a header's value holds control characters");
    *name_out = name;
    *value_out = text_trim(value);
    return HTTP_WHOLE;
}

static enum http_verdict read_field(struct http_framing *f, const char *data, struct text line)
{
    struct text name, value;
    const enum http_verdict verdict = cut_field(f, line, &name, &value);
    if (verdict != HTTP_WHOLE)
        return verdict;
    if (f->field_count == HTTP_FIELDS_MAX)
        return refuse(f, HTTP_REFUSAL_HEADER_TOO_LARGE, "too many headers");
    f->fields[f->field_count++] = (struct http_field){span_of(data, name), span_of(data, value)};
    for (size_t at = 0; at < COUNT(FRAMING_FIELDS); at++)
        if (http_name_equals(name, FRAMING_FIELDS[at].name))
            return FRAMING_FIELDS[at].note(f, value);
    return HTTP_WHOLE;
}

/* What only the whole head can tell. */
static enum http_verdict end_head(struct http_framing *f)
{
    if (f->is_http_1_1 && !f->has_host)
        return malformed(f, "Host is missing");
    if (f->has_length && f->has_chunks)
        return malformed(f, "Content-Length beside Transfer-Encoding");
    if (f->has_chunks && !f->is_http_1_1)
        return malformed(f, "Transfer-Encoding in HTTP/1.0");
    f->body = (struct http_span){f->at, 0};
    return HTTP_WHOLE;
}

static enum http_verdict refuse_size(struct http_framing *f)
{
    if (f->method.size == 0)
        return refuse(f, HTTP_REFUSAL_URI_TOO_LONG, "the request line is too long");
    return refuse(f, HTTP_REFUSAL_HEADER_TOO_LARGE, "the headers are too large");
}

enum http_verdict http_head_read(struct http_framing *f, const char *data, size_t size)
{
    for (;;) {
        struct text line;
        enum http_verdict verdict = take_line(f, data, size, &line);
        if (verdict == HTTP_MORE && size > f->header_size_max)
            return refuse_size(f);
        if (verdict != HTTP_WHOLE)
            return verdict;
        if (f->at > f->header_size_max)
            return refuse_size(f);
        const bool is_first = f->method.size == 0;
        if (line.size == 0 && is_first)
            continue; /* RFC 9112 2.2: an empty line before a request is passed over */
        if (line.size == 0)
            return end_head(f);
        verdict = is_first ? read_request_line(f, data, line) : read_field(f, data, line);
        if (verdict != HTTP_WHOLE)
            return verdict;
    }
}

/* -- the body ---------------------------------------------------------------------------------- */

static enum http_verdict body_too_large(struct http_framing *f)
{
    return refuse(f, HTTP_REFUSAL_BODY_TOO_LARGE, "the body is too large");
}

/* Blanks may stand before an extension (RFC 9112 7.1.1), and nowhere else: the next reader may not
 * know what to make of them. */
static struct text cut_chunk_size(struct text *line)
{
    struct text digits = text_cut(line, ';');
    while (!text_is_none(*line) && digits.size > 0 &&
           (digits.data[digits.size - 1] == ' ' || digits.data[digits.size - 1] == '\t'))
        digits.size--;
    return digits;
}

/* The first line of a chunk: its size in hexadecimal, then perhaps extensions, passed over. */
static enum http_verdict read_chunk_size(struct http_framing *f, const char *data, size_t size)
{
    struct text line;
    const size_t line_at = f->at;
    const enum http_verdict verdict = take_line(f, data, size, &line);
    if ((verdict == HTTP_MORE ? size : f->at) - line_at > CHUNK_LINE_SIZE_MAX)
        return malformed(f, "a chunk's first line is too long");
    if (verdict != HTTP_WHOLE)
        return verdict;
    if (!is_field_value(line))
        return malformed(f, "a chunk's first line holds control characters");
    const struct text digits = cut_chunk_size(&line);
    if (digits.size == 0 || hex_digit_value(digits.data[0]) < 0)
        return malformed(f, "a chunk has no size");
    size_t chunk_size = 0;
    for (size_t at = 0; at < digits.size; at++) {
        const int digit = hex_digit_value(digits.data[at]);
        if (digit < 0)
            return malformed(f, "a chunk's size is not a hexadecimal number");
        chunk_size = chunk_size * 16 + (size_t)digit;
        if (chunk_size > f->body_size_max - f->body.size)
            return body_too_large(f);
    }
    f->chunk_left = chunk_size;
    f->chunk_step = chunk_size == 0 ? CHUNK_TRAILER : CHUNK_DATA;
    return HTTP_WHOLE;
}

/* Moves what has come of a chunk behind what has come of the body. */
static enum http_verdict read_chunk_data(struct http_framing *f, char *data, size_t size)
{
    const size_t there = size - f->at;
    const size_t taken = there < f->chunk_left ? there : f->chunk_left;
    memmove(data + f->body.at + f->body.size, data + f->at, taken);
    f->body.size += taken;
    f->at += taken;
    f->chunk_left -= taken;
    if (f->chunk_left > 0)
        return HTTP_MORE;
    f->chunk_step = CHUNK_DATA_END;
    return HTTP_WHOLE;
}

static enum http_verdict read_chunk_data_end(struct http_framing *f, const char *data, size_t size)
{
    if (size - f->at < 2)
        return HTTP_MORE;
    if (data[f->at] != '\r' || data[f->at + 1] != '\n')
        return malformed(f, "a chunk is longer than its size");
    f->at += 2;
    f->chunk_step = CHUNK_SIZE;
    return HTTP_WHOLE;
}

/* Trailers are read to their end, as strictly as headers, and dropped. */
static enum http_verdict read_trailer(struct http_framing *f, const char *data, size_t size,
                                      bool *ended_out)
{
    struct text line;
    const size_t line_at = f->at;
    const enum http_verdict verdict = take_line(f, data, size, &line);
    const size_t come = (verdict == HTTP_MORE ? size : f->at) - line_at;
    if (f->trailer_size + come > f->header_size_max)
        return refuse(f, HTTP_REFUSAL_HEADER_TOO_LARGE, "the trailers are too large");
    if (verdict != HTTP_WHOLE)
        return verdict;
    f->trailer_size += come;
    *ended_out = line.size == 0;
    struct text name, value;
    return *ended_out ? HTTP_WHOLE : cut_field(f, line, &name, &value);
}

static enum http_verdict read_chunks(struct http_framing *f, char *data, size_t size)
{
    enum http_verdict verdict = HTTP_WHOLE;
    bool ended = false;
    while (verdict == HTTP_WHOLE && !ended) {
        switch (f->chunk_step) {
        case CHUNK_SIZE:
            verdict = read_chunk_size(f, data, size);
            break;
        case CHUNK_DATA:
            verdict = read_chunk_data(f, data, size);
            break;
        case CHUNK_DATA_END:
            verdict = read_chunk_data_end(f, data, size);
            break;
        case CHUNK_TRAILER:
            verdict = read_trailer(f, data, size, &ended);
            break;
        }
    }
    return verdict;
}

enum http_verdict http_body_read(struct http_framing *f, char *data, size_t size)
{
    ASSERT(size >= f->at);
    if (f->has_chunks)
        return read_chunks(f, data, size);
    if (f->content_length > f->body_size_max)
        return body_too_large(f);
    if (size - f->body.at < f->content_length)
        return HTTP_MORE;
    f->body.size = f->content_length;
    f->at = f->body.at + f->body.size;
    return HTTP_WHOLE;
}

size_t http_framing_compact(struct http_framing *f, char *data, size_t size)
{
    const size_t end = f->body.at + f->body.size;
    if (!f->has_chunks || f->body.at == 0 || end == f->at)
        return size;
    memmove(data + end, data + f->at, size - f->at);
    const size_t gap = f->at - end;
    f->at = end;
    return size - gap;
}

/* -- questions --------------------------------------------------------------------------------- */

bool http_framing_keeps_alive(const struct http_framing *f)
{
    return !f->asks_close && (f->is_http_1_1 || f->asks_keep_alive);
}

void http_target_split(struct text target, struct text *path_out, struct text *query_out)
{
    bool is_absolute = false;
    if (text_starts_with(target, "http")) { /* the absolute form: its host is of no interest */
        text_cut(&target, '/');
        text_cut(&target, '/');
        is_absolute = true;
    }
    struct text path = text_cut(&target, '?'); /* first, for a query may hold slashes */
    const char *slash = is_absolute ? memchr(path.data, '/', path.size) : path.data;
    *path_out = slash == NULL ? TEXT("/") : text_skip(path, (size_t)(slash - path.data));
    *query_out = text_is_none(target) ? TEXT("") : target;
}
