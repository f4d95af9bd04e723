/* platform/tracing/sampler.h - which traces are recorded: OTEL_TRACES_SAMPLER and its argument.
 *
 * Purpose:   a trace is sampled or not as a whole. It is asked once, where the trace begins or
 *            enters; everybody behind obeys the flag in traceparent.
 * Units:     a ratio in billionths (there is no floating point in the tree).
 * Ownership: values.
 * Errors:    sampler_parse says false.
 * Threads:   values. */
#ifndef PLATFORM_TRACING_SAMPLER_H
#define PLATFORM_TRACING_SAMPLER_H

#include "base/text.h"
#include "base/trace_context.h"

enum { SAMPLER_BILLIONTHS = 1000000000 };

struct sampler {
    bool obeys_caller;   /* parentbased_*: a caller's flag decides where there is one */
    uint32_t billionths; /* of all trace ids, the same ones in every process */
};

/* always_on, always_off, traceidratio, and each with parentbased_ before it. `argument` is a ratio
 * from 0 to 1, such as 0.01; TEXT_NONE: 1. Digits beyond the ninth count for nothing. */
bool sampler_parse(struct text name, struct text argument, struct sampler *out);

/* `caller_sampled`: NULL where there is no caller. */
bool sampler_wants(const struct sampler *sampler, struct text trace_id, const bool *caller_sampled);

#endif
