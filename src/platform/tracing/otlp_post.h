/* platform/tracing/otlp_post.h - one request to the collector.
 *
 * Purpose:   POST of a batch by libcurl, and what its answer means for those who would ask again.
 * Units:     milliseconds.
 * Ownership: words of an answer live in the arena given, or for ever.
 * Errors:    none: an outcome says it all.
 * Threads:   belongs to one thread. */
#ifndef PLATFORM_TRACING_OTLP_POST_H
#define PLATFORM_TRACING_OTLP_POST_H

#include "platform/tracing/tracing_settings.h"

struct otlp_post;

enum otlp_outcome {
    OTLP_TAKEN,     /* it has them, maybe without some (`rejected`) */
    OTLP_REFUSED,   /* another try would be refused like this one */
    OTLP_TRY_AGAIN, /* away or busy */
};

struct otlp_answer {
    enum otlp_outcome outcome;
    int http_status;        /* 0: there was no answer */
    int64_t retry_after_ms; /* 0: it did not say */
    int64_t rejected;       /* spans that were not taken although the rest was */
    const char *why;        /* in words */
};

/* `is_over` is asked every now and then: true ends a request that is under way. */
struct otlp_post *otlp_post_new(const struct tracing_settings *settings,
                                bool (*is_over)(void *context), void *context);
void otlp_post_free(struct otlp_post *post);

struct otlp_answer otlp_post_send(struct otlp_post *post, struct arena *arena, struct text body,
                                  int64_t timeout_ms);

#endif
