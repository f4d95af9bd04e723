/* platform/tracing/span_record.h - a span as it waits in the queue: one piece of memory.
 *
 * Purpose:   what tracing_record was given, copied: a head, then links, attributes and texts
 *            behind each other, so that a span costs no allocation.
 * Units:     nanoseconds since 1970; sizes in bytes.
 * Ownership: values; a record points at nothing outside of itself.
 * Errors:    none: what is too long is cut, what is too many is counted.
 * Threads:   values. */
#ifndef PLATFORM_TRACING_SPAN_RECORD_H
#define PLATFORM_TRACING_SPAN_RECORD_H

#include "platform/tracing/tracing.h"

struct span_record {
    uint32_t size; /* of the whole record, a multiple of its alignment */
    uint32_t links_dropped;
    uint64_t begun_ns;
    uint64_t ended_ns;
    uint8_t kind;
    uint8_t attribute_count;
    uint8_t attributes_dropped;
    uint8_t link_count;
    bool is_error;
    char trace_id[TRACE_ID_SIZE];
    char span_id[SPAN_ID_SIZE];
    char parent_id[SPAN_ID_SIZE]; /* parent_id[0] NUL: none */
    uint16_t name_at;             /* where texts stand, from the record's begin; they end in NUL */
    uint16_t tracestate_at;       /* 0: none */
    uint16_t links_at;            /* trace id and span id of each, as hex */
    uint16_t attributes_at;
};

struct span_record_attribute {
    int64_t number;
    uint16_t text_at;
    uint8_t key;
    uint8_t kind;
};

enum {
    SPAN_RECORD_LINK_SIZE = TRACE_ID_SIZE + SPAN_ID_SIZE,
    SPAN_RECORD_ALIGNMENT = 8,
    SPAN_RECORD_SIZE_MAX = 16 * 1024,
};

/* What a span becomes; `offset_us` is added to its times. `*memory` is SPAN_RECORD_SIZE_MAX bytes,
 * aligned for any type; the record is its first `size` bytes. */
struct span_record *span_record_write(void *memory, const struct span *span, int64_t offset_us);

const char *span_record_text(const struct span_record *record, uint16_t at);
const struct span_record_attribute *span_record_attributes(const struct span_record *record);
const char *span_record_links(const struct span_record *record);

#endif
