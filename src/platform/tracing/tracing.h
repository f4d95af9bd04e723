/* platform/tracing/tracing.h - spans: what was done when, for whom, below what.
 *
 * Purpose:   whoever has done something on behalf of a trace records one finished span. Spans are
 *            gathered in a bounded queue; a thread of its own sends them in batches, as OTLP over
 *            HTTP, to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names. Without that name
 *            nothing is recorded. docs/reference/traces.md lists spans and settings, ADR 18 says
 *            why so.
 * Units:     times in microseconds of the monotonic clock; made wall time when recorded.
 * Ownership: tracing_record copies what it is given.
 * Errors:    none: a span that finds no room is dropped and counted, a setting that means nothing
 *            is logged and ignored. Tracing never stops, slows or fails what is traced.
 * Threads:   tracing_start and tracing_stop on the main thread; the rest from any. */
#ifndef PLATFORM_TRACING_TRACING_H
#define PLATFORM_TRACING_TRACING_H

#include "base/text.h"
#include "base/trace_context.h"
#include "base/uuid.h"
#include "platform/tracing/span_table.h"

/* ---- a finished span ------------------------------------------------------------------------ */

enum span_value { SPAN_VALUE_NONE, SPAN_VALUE_TEXT, SPAN_VALUE_I64, SPAN_VALUE_BOOL };

struct span_attribute {
    enum span_attribute_key key; /* ATTRIBUTE_NONE ends a list */
    enum span_value kind;        /* SPAN_VALUE_NONE: left out */
    int64_t number;
    struct text text;
    char digits[UUID_TEXT_SIZE + 1]; /* of a UUID; text is not set then */
};

/* TEXT_NONE, NULL and a nil UUID are left out. */
struct span_attribute span_text(enum span_attribute_key key, struct text value);
struct span_attribute span_str(enum span_attribute_key key, const char *value);
struct span_attribute span_i64(enum span_attribute_key key, int64_t value);
struct span_attribute span_bool(enum span_attribute_key key, bool value);
struct span_attribute span_uuid(enum span_attribute_key key, const struct uuid *value);
struct span_attribute span_if(bool is_said, struct span_attribute attribute); /* or left out */

/* (struct span){..., .attributes = SPAN_ATTRIBUTE_LIST(span_str(ATTRIBUTE_DECISION, "approved"))}
 */
#define SPAN_ATTRIBUTE_LIST(...)                                                                   \
    ((const struct span_attribute[]){__VA_ARGS__ __VA_OPT__(, ){.key = ATTRIBUTE_NONE}})

enum {
    SPAN_LINKS_MAX = 127,
    SPAN_ATTRIBUTES_MAX = 24,
    SPAN_TEXT_SIZE_MAX = 256, /* of an attribute's value and of a name; what is longer is cut */
};

struct span {
    enum span_type type;
    struct trace_context context;     /* itself; recorded only where it is sampled */
    char parent_id[SPAN_ID_SIZE + 1]; /* of the same trace; empty: nothing is above it */
    const char *word;                 /* its name, or the name's beginning; NULL: the type's word */
    struct text subject;              /* the rest of its name: a route, a topic; TEXT_NONE: none */
    int64_t begun_us;
    int64_t ended_us;  /* 0: now */
    const char *error; /* error.type, a word of a short list; NULL: its status is not error */
    const struct span_attribute *attributes; /* up to ATTRIBUTE_NONE; NULL: none */
    const struct trace_context *links;       /* those that are not sampled are left out */
    size_t link_count;                       /* what is beyond SPAN_LINKS_MAX is counted there */
};

void tracing_record(const struct span *span);
/* Whether spans are kept at all: for those who would only gather them in vain. */
bool tracing_is_on(void);
bool tracing_wants(const struct trace_context *context); /* on, and this one is sampled */

/* ---- who is traced -------------------------------------------------------------------------- */

/* A trace that begins here: the sampler decides, and the flag carries its word to everybody else.
 */
struct trace_context tracing_begin(void);
/* A span below another one; where that is empty, of a trace that begins here. */
struct trace_context tracing_continue(const struct trace_context *parent);
/* A span for a request from outside, below the caller's: the sampler may obey the caller's flag. */
struct trace_context tracing_accept(const struct trace_context *caller);
/* A span in a trace of which only the id is known any more; as the sampler says of that id. */
struct trace_context tracing_resume(struct text trace_id);

/* ---- many at once --------------------------------------------------------------------------- */

/* Whom something is done for that is done once for all: its span stands below the first member
 * that is sampled, and is linked to the others. Zeroed: nobody. */
struct span_group {
    size_t count; /* of sampled members; the first 1 + SPAN_LINKS_MAX are kept */
    struct trace_context members[1 + SPAN_LINKS_MAX];
};

void span_group_add(struct span_group *group, const struct trace_context *member);
/* A new span below the group's first member; not sampled where it has none. */
struct trace_context span_group_context(const struct span_group *group);
/* Fills parent and links. */
void span_group_apply(const struct span_group *group, struct span *span);

/* ---- start and stop ------------------------------------------------------------------------- */

/* Reads OTEL_*; `service`: gateway, the name of the resource is tallystick-gateway. After the log
 * and http_client_init_all. */
void tracing_start(const char *service);
/* Sends what is left, for at most wait_ms. Harmless when it was not started. */
void tracing_stop(int64_t wait_ms);

#endif
