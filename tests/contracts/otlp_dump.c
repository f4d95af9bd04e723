/* otlp_dump - writes the body of one export request to stdout, for test_otlp.py to read. */
#include "base/arena.h"
#include "base/assert.h"
#include "platform/tracing/otlp_encode.h"

#include <stdio.h>
#include <string.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"

static const size_t ARENA_SIZE_MAX = 16 * 1024 * 1024;

static struct trace_context context_of(const char *span_id)
{
    struct trace_context context = {.sampled = true};
    memcpy(context.trace_id, TRACE, sizeof TRACE);
    memcpy(context.span_id, span_id, SPAN_ID_SIZE);
    return context;
}

static const struct span_record *record(struct arena *arena, const struct span *span)
{
    return span_record_write(arena_alloc(arena, SPAN_RECORD_SIZE_MAX), span, 1000000);
}

/* With everything a span can have. */
static const struct span_record *full(struct arena *arena)
{
    const struct uuid id = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    const struct trace_context links[] = {context_of("00000000000000a1"),
                                          context_of("00000000000000a2")};
    struct span span = {
        .type = SPAN_DOOR,
        .context = context_of("00000000000000b1"),
        .parent_id = "00000000000000c1",
        .word = "POST",
        .subject = TEXT("/v1/authorizations"),
        .begun_us = 1,
        .ended_us = 250001,
        .error = "dependency_down",
        .attributes = SPAN_ATTRIBUTE_LIST(
            span_i64(ATTRIBUTE_HTTP_RESPONSE_STATUS_CODE, 503), span_i64(ATTRIBUTE_SERVER_PORT, -1),
            span_bool(ATTRIBUTE_REPLAYED, true), span_uuid(ATTRIBUTE_AUTHORIZATION_ID, &id),
            span_str(ATTRIBUTE_BOOKING, NULL), span_str(ATTRIBUTE_DECISION, "K\xc3\xb6ln")),
        .links = links,
        .link_count = COUNT(links),
    };
    span.context.state = TEXT("rojo=1,congo=2");
    return record(arena, &span);
}

static const struct span_record *bare(struct arena *arena)
{
    return record(arena, &(struct span){.type = SPAN_EXPIRE,
                                        .context = context_of("00000000000000b2"),
                                        .begun_us = 5,
                                        .ended_us = 5});
}

int main(void)
{
    static const struct otel_pair RESOURCE[] = {{"service.name", "tallystick-ledger"},
                                                {"where", "K\xc3\xb6ln"}};
    struct arena *arena = arena_new(ARENA_SIZE_MAX);
    const struct otlp_source source = {
        .resource = RESOURCE, .resource_count = COUNT(RESOURCE), .scope = "tallystick.ledger"};
    const struct span_record *records[] = {full(arena), bare(arena)};
    const struct text body = otlp_encode(arena, &source, records, COUNT(records));
    fwrite(body.data, 1, body.size, stdout);
    arena_free(arena);
    return 0;
}
