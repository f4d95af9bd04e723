/* base/trace_context.h - who caused this: the W3C trace context that every item carries.
 *
 * Purpose:   parses, makes and writes `traceparent` (W3C Trace Context level 1, 3.2).
 * Units:     ids as lower case hex in the fixed sizes of the standard.
 * Ownership: values.
 * Errors:    trace_context_parse says false; the caller then starts a new trace.
 * Threads:   values; trace_context_make from any thread. */
#ifndef BASE_TRACE_CONTEXT_H
#define BASE_TRACE_CONTEXT_H

#include "base/text.h"

enum { TRACE_ID_SIZE = 32, SPAN_ID_SIZE = 16, TRACEPARENT_SIZE = 55 };

struct trace_context {
    char trace_id[TRACE_ID_SIZE + 1]; /* hex and NUL; empty: none */
    char span_id[SPAN_ID_SIZE + 1];
    bool sampled;
};

struct trace_context trace_context_make(void); /* a new trace with its first span */
struct trace_context trace_context_child(const struct trace_context *parent); /* a new span of it */
bool trace_context_parse(struct text traceparent, struct trace_context *out);
void trace_context_format(const struct trace_context *context,
                          char out[static TRACEPARENT_SIZE + 1]);

#endif
