/* HTTP framing: a connection's bytes, whole and in pieces, must give the same requests, and each
 * what another reader of RFC 9112 finds in the same bytes.
 *
 * The first byte of an input says how small the bounds are, the second how it is cut. */
#include "gateway/path.h"
#include "oracle.h"
#include "platform/http/http_framing.h"
#include "reference_http.h"

enum {
    REQUESTS_MAX = 8,
    IN_SIZE_EXTRA = 4096, /* what a connection keeps beside the largest head, body and trailers */
};

struct found {
    int count;
    bool is_refused; /* after so many */
    struct text requests[REQUESTS_MAX];
    struct text bodies[REQUESTS_MAX];
};

/* A connection without a socket. */
struct reader {
    struct arena *arena;
    struct http_framing framing;
    size_t header_size_max;
    size_t body_size_max;
    bool head_is_whole;
    char *in;
    size_t in_size;
    struct text consumed; /* bytes of the stream that whole requests took */
    struct text stream;
    struct found found;
};

static struct text text_at(const struct reader *r, struct http_span span)
{
    HOLDS(span.at + span.size <= r->in_size);
    return (struct text){r->in + span.at, span.size};
}

/* Path and query as RFC 3986 cuts them; and what is decoded survives being encoded again. */
static void check_target(struct arena *arena, struct text target)
{
    struct text path, query, decoded, again;
    http_target_split(target, &path, &query);
    HOLDS(memchr(path.data, '?', path.size) == NULL);
    struct text wanted_query = target;
    const struct text before = text_cut(&wanted_query, '?');
    HOLDS(text_equals(query, wanted_query));
    HOLDS(before.size >= path.size || text_equals_c(path, "/"));
    if (!path_decode(arena, path, &decoded))
        return;
    HOLDS(path_decode(arena, path_encode(arena, decoded), &again) && text_equals(again, decoded));
}

static void check_against_reference(struct reader *r, struct text body)
{
    const struct http_framing *f = &r->framing;
    struct reference_request reference;
    HOLDS(reference_http_read(r->arena, r->stream, &reference));
    HOLDS(text_equals(text_at(r, f->method), reference.method));
    HOLDS(text_equals(text_at(r, f->target), reference.target));
    HOLDS(http_framing_keeps_alive(f) == reference.keeps_alive);
    HOLDS(f->field_count == reference.field_count);
    for (int at = 0; at < f->field_count; at++) {
        HOLDS(text_equals(text_at(r, f->fields[at].name), reference.names[at]));
        HOLDS(text_equals(text_at(r, f->fields[at].value), reference.values[at]));
    }
    HOLDS(text_equals(body, reference.body));
    r->stream = text_skip(r->stream, reference.size);
}

static void take_request(struct reader *r)
{
    struct http_framing *f = &r->framing;
    const struct text body = text_at(r, f->body);
    struct text_builder head;
    check_target(r->arena, text_at(r, f->target));
    check_against_reference(r, body);
    text_builder_init(&head, r->arena, 256);
    text_builder_add_text(&head, text_at(r, f->method));
    text_builder_add(&head, " ", 1);
    text_builder_add_text(&head, text_at(r, f->target));
    for (int at = 0; at < f->field_count; at++) {
        text_builder_add(&head, "\n", 1);
        text_builder_add_text(&head, text_at(r, f->fields[at].name));
        text_builder_add(&head, "=", 1);
        text_builder_add_text(&head, text_at(r, f->fields[at].value));
    }
    r->found.requests[r->found.count] = text_builder_text(&head);
    r->found.bodies[r->found.count++] = text_copy(r->arena, body);
    HOLDS(f->at <= r->in_size);
    r->in_size -= f->at;
    memmove(r->in, r->in + f->at, r->in_size);
    http_framing_init(f, r->header_size_max);
    r->head_is_whole = false;
}

/* As a connection does it: http_connection.c. */
static enum http_verdict frame(struct reader *r)
{
    if (r->in_size == 0)
        return HTTP_MORE;
    if (!r->head_is_whole) {
        const enum http_verdict verdict = http_head_read(&r->framing, r->in, r->in_size);
        if (verdict != HTTP_WHOLE)
            return verdict;
        r->head_is_whole = true;
        r->framing.body_size_max = r->body_size_max;
    }
    return http_body_read(&r->framing, r->in, r->in_size);
}

/* All requests that are whole by now. False: refused, or enough of them. */
static bool advance(struct reader *r)
{
    for (;;) {
        switch (frame(r)) {
        case HTTP_MORE:
            return true;
        case HTTP_WHOLE:
            take_request(r);
            if (r->found.count == REQUESTS_MAX)
                return false;
            break;
        case HTTP_REFUSED:
            HOLDS(r->framing.detail != NULL);
            r->found.is_refused = true;
            return false;
        }
    }
}

/* What a connection's buffer is made for. */
static size_t in_size_max(const struct reader *r)
{
    return 2 * r->header_size_max + r->body_size_max + IN_SIZE_EXTRA;
}

static struct found read_stream(struct arena *arena, struct text stream, char bounds, size_t piece)
{
    static const size_t HEADER_SIZES[] = {16 * 1024, 64, 256, 1024};
    static const size_t BODY_SIZES[] = {64 * 1024, 0, 16, 300};
    struct reader r = {
        .arena = arena,
        .header_size_max = HEADER_SIZES[bounds & 3],
        .body_size_max = BODY_SIZES[bounds >> 2 & 3],
        .stream = stream,
    };
    r.in = arena_alloc(arena, stream.size);
    http_framing_init(&r.framing, r.header_size_max);
    while (stream.size > 0) {
        const size_t come = stream.size < piece ? stream.size : piece;
        r.in_size = http_framing_compact(&r.framing, r.in, r.in_size);
        HOLDS(r.in_size < in_size_max(&r));
        memcpy(r.in + r.in_size, stream.data, come);
        r.in_size += come;
        stream = text_skip(stream, come);
        if (!advance(&r))
            break;
    }
    return r.found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *kept;
    struct text input = fuzz_text(data, size);
    const char bounds = fuzz_take_byte(&input);
    const size_t piece = (size_t)(unsigned char)fuzz_take_byte(&input) % 32 + 1;
    if (kept == NULL)
        kept = arena_new(64 * 1024 * 1024);
    arena_reset(kept);
    const struct found whole = read_stream(kept, input, bounds, input.size + 1);
    const struct found pieces = read_stream(kept, input, bounds, piece);
    HOLDS(whole.count == pieces.count);
    HOLDS(whole.is_refused == pieces.is_refused);
    for (int at = 0; at < whole.count; at++) {
        HOLDS(text_equals(whole.requests[at], pieces.requests[at]));
        HOLDS(text_equals(whole.bodies[at], pieces.bodies[at]));
    }
    return 0;
}
