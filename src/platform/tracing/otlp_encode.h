/* platform/tracing/otlp_encode.h - spans as the body of an OTLP request, and its answer's meaning.
 *
 * Purpose:   between records and bytes: protobuf by the code that contracts/otlp/otlp.proto
 *            generates, gzip by zlib.
 * Units:     bytes.
 * Ownership: bodies live in the arena given.
 * Errors:    none; an answer that is no protobuf says nothing.
 * Threads:   an encoder belongs to one thread. */
#ifndef PLATFORM_TRACING_OTLP_ENCODE_H
#define PLATFORM_TRACING_OTLP_ENCODE_H

#include "platform/tracing/span_record.h"
#include "platform/tracing/tracing_settings.h"

struct arena;

struct otlp_source {
    const struct otel_pair *resource; /* who we are */
    size_t resource_count;
    const char *scope; /* tallystick.gateway */
};

struct text otlp_encode(struct arena *arena, const struct otlp_source *source,
                        const struct span_record *const *records, size_t count);
struct text otlp_compress(struct arena *arena, struct text body);

/* How many of the spans the receiver refused although it said 200, and its words (in the arena;
 * TEXT_NONE: none). */
int64_t otlp_rejected(struct arena *arena, struct text answer, struct text *words_out);

#endif
