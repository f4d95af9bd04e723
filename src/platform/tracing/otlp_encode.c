/* Messages are built as trees in the arena, packed in one go, and end with it. */
#include "platform/tracing/otlp_encode.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hex.h"

#include "otlp.pb-c.h"
#define ZLIB_CONST
#include <zlib.h>

enum {
    STATUS_CODE_ERROR = 2,
    FLAG_SAMPLED = 1,
    GZIP_LEVEL = 1,        /* a quarter of the size for a fifth of the time of the default */
    GZIP_WINDOW = 15 + 16, /* the largest window, in gzip's format */
    GZIP_MEMORY = 8,
};

/* The generated structs take texts as `char *` though packing only reads them. */
static char *readable(const char *text)
{
    union {
        const char *from;
        char *to;
    } same = {.from = text};
    return same.to;
}

static ProtobufCBinaryData bytes_of_hex(struct arena *arena, const char *hex, size_t digits)
{
    uint8_t *bytes = arena_alloc(arena, digits / 2);
    ASSERT(hex_parse((struct text){hex, digits}, bytes, digits / 2));
    return (ProtobufCBinaryData){.len = digits / 2, .data = bytes};
}

/* ---- attributes ----------------------------------------------------------------------------- */

/* A pair and its value in one piece. */
struct pair {
    Otlp__KeyValue pair;
    Otlp__AnyValue value;
};

static Otlp__KeyValue *pair_init(struct pair *pair, const char *key)
{
    otlp__any_value__init(&pair->value);
    otlp__key_value__init(&pair->pair);
    pair->pair.key = readable(key);
    pair->pair.value = &pair->value;
    return &pair->pair;
}

static Otlp__KeyValue *text_pair(struct pair *pair, const char *key, const char *value)
{
    pair_init(pair, key);
    pair->value.value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
    pair->value.string_value = readable(value);
    return &pair->pair;
}

static Otlp__KeyValue *span_pair(struct pair *pair, const struct span_record *record,
                                 const struct span_record_attribute *attribute)
{
    const char *key = SPAN_ATTRIBUTES[attribute->key].name;
    if (attribute->kind == SPAN_VALUE_TEXT)
        return text_pair(pair, key, span_record_text(record, attribute->text_at));
    pair_init(pair, key);
    if (attribute->kind == SPAN_VALUE_BOOL) {
        pair->value.value_case = OTLP__ANY_VALUE__VALUE_BOOL_VALUE;
        pair->value.bool_value = attribute->number != 0;
    } else {
        pair->value.value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
        pair->value.int_value = attribute->number;
    }
    return &pair->pair;
}

static void add_attributes(struct arena *arena, const struct span_record *record, Otlp__Span *span)
{
    const struct span_record_attribute *attributes = span_record_attributes(record);
    struct pair *pairs = arena_alloc(arena, record->attribute_count * sizeof *pairs);
    span->n_attributes = record->attribute_count;
    span->attributes = arena_alloc(arena, span->n_attributes * sizeof(Otlp__KeyValue *));
    for (size_t at = 0; at < span->n_attributes; at++)
        span->attributes[at] = span_pair(&pairs[at], record, &attributes[at]);
    span->dropped_attributes_count = record->attributes_dropped;
}

/* ---- spans ---------------------------------------------------------------------------------- */

static void add_links(struct arena *arena, const struct span_record *record, Otlp__Span *span)
{
    const char *hex = span_record_links(record);
    Otlp__Link *links = arena_alloc(arena, record->link_count * sizeof *links);
    span->n_links = record->link_count;
    span->links = arena_alloc(arena, span->n_links * sizeof(Otlp__Link *));
    for (size_t at = 0; at < span->n_links; at++, hex += SPAN_RECORD_LINK_SIZE) {
        otlp__link__init(&links[at]);
        links[at].trace_id = bytes_of_hex(arena, hex, TRACE_ID_SIZE);
        links[at].span_id = bytes_of_hex(arena, hex + TRACE_ID_SIZE, SPAN_ID_SIZE);
        span->links[at] = &links[at];
    }
    span->dropped_links_count = record->links_dropped;
}

static void add_status(struct arena *arena, Otlp__Span *span)
{
    span->status = arena_alloc(arena, sizeof *span->status);
    otlp__status__init(span->status);
    span->status->code = STATUS_CODE_ERROR;
}

static Otlp__Span *make_span(struct arena *arena, const struct span_record *record)
{
    Otlp__Span *span = arena_alloc(arena, sizeof *span);
    otlp__span__init(span);
    span->trace_id = bytes_of_hex(arena, record->trace_id, TRACE_ID_SIZE);
    span->span_id = bytes_of_hex(arena, record->span_id, SPAN_ID_SIZE);
    if (record->parent_id[0] != '\0')
        span->parent_span_id = bytes_of_hex(arena, record->parent_id, SPAN_ID_SIZE);
    if (record->tracestate_at != 0)
        span->trace_state = readable(span_record_text(record, record->tracestate_at));
    span->name = readable(span_record_text(record, record->name_at));
    span->kind = record->kind;
    span->start_time_unix_nano = record->begun_ns;
    span->end_time_unix_nano = record->ended_ns;
    span->flags = FLAG_SAMPLED;
    add_attributes(arena, record, span);
    add_links(arena, record, span);
    if (record->is_error)
        add_status(arena, span);
    return span;
}

/* ---- the request ---------------------------------------------------------------------------- */

static void fill_resource(struct arena *arena, const struct otlp_source *source,
                          Otlp__Resource *resource)
{
    struct pair *pairs = arena_alloc(arena, source->resource_count * sizeof *pairs);
    otlp__resource__init(resource);
    resource->n_attributes = source->resource_count;
    resource->attributes = arena_alloc(arena, source->resource_count * sizeof(Otlp__KeyValue *));
    for (size_t at = 0; at < source->resource_count; at++)
        resource->attributes[at] =
            text_pair(&pairs[at], source->resource[at].name, source->resource[at].value);
}

struct text otlp_encode(struct arena *arena, const struct otlp_source *source,
                        const struct span_record *const *records, size_t count)
{
    Otlp__ExportRequest request;
    Otlp__ResourceSpans resource_spans;
    Otlp__ScopeSpans scope_spans;
    Otlp__Resource resource;
    Otlp__Scope scope;
    otlp__export_request__init(&request);
    otlp__resource_spans__init(&resource_spans);
    otlp__scope_spans__init(&scope_spans);
    otlp__scope__init(&scope);
    scope.name = readable(source->scope);
    scope.version = readable(TALLYSTICK_VERSION);
    scope_spans.scope = &scope;
    scope_spans.n_spans = count;
    scope_spans.spans = arena_alloc(arena, count * sizeof(Otlp__Span *));
    for (size_t at = 0; at < count; at++)
        scope_spans.spans[at] = make_span(arena, records[at]);
    fill_resource(arena, source, &resource);
    resource_spans.resource = &resource;
    resource_spans.n_scope_spans = 1;
    resource_spans.scope_spans = (Otlp__ScopeSpans *[]){&scope_spans};
    request.n_resource_spans = 1;
    request.resource_spans = (Otlp__ResourceSpans *[]){&resource_spans};

    const size_t size = otlp__export_request__get_packed_size(&request);
    uint8_t *body = arena_alloc(arena, size);
    ASSERT(otlp__export_request__pack(&request, body) == size);
    return (struct text){(const char *)body, size};
}

struct text otlp_compress(struct arena *arena, struct text body)
{
    z_stream stream = {.next_in = (const unsigned char *)body.data, .avail_in = (uInt)body.size};
    ASSERT(body.size <= UINT32_MAX);
    ASSERT(deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                        Z_DEFAULT_STRATEGY) == Z_OK);
    const size_t size_max = deflateBound(&stream, body.size);
    unsigned char *out = arena_alloc(arena, size_max);
    stream.next_out = out;
    stream.avail_out = (uInt)size_max;
    ASSERT(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    const size_t size = stream.total_out;
    deflateEnd(&stream);
    return (struct text){(const char *)out, size};
}

/* ---- the answer ----------------------------------------------------------------------------- */

int64_t otlp_rejected(struct arena *arena, struct text answer, struct text *words_out)
{
    Otlp__ExportResponse *response =
        otlp__export_response__unpack(NULL, answer.size, (const uint8_t *)answer.data);
    int64_t rejected = 0;
    *words_out = TEXT_NONE;
    if (response == NULL)
        return 0;
    if (response->partial_success != NULL && response->partial_success->rejected_spans > 0) {
        rejected = response->partial_success->rejected_spans;
        *words_out = text_copy(arena, text_of(response->partial_success->error_message));
    }
    otlp__export_response__free_unpacked(response, NULL);
    return rejected;
}
