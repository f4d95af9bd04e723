/* base/trace_context.h - who caused this: the W3C trace context that every item carries.
 *
 * Purpose:   parses, makes and writes `traceparent`, and carries `tracestate` along, unchanged (W3C
 *            Trace Context level 1, 3.2 and 3.3).
 * Units:     ids as lower case hex in the fixed sizes of the standard.
 * Ownership: values; the state borrows from where it was read.
 * Errors:    trace_context_parse says false; the caller then starts a new trace. A state that is
 *            none is dropped, as the standard wants it.
 * Threads:   values; trace_context_make from any thread. */
#ifndef BASE_TRACE_CONTEXT_H
#define BASE_TRACE_CONTEXT_H

#include "base/text.h"

enum { TRACE_ID_SIZE = 32, SPAN_ID_SIZE = 16, TRACEPARENT_SIZE = 55, TRACESTATE_SIZE_MAX = 512 };

struct trace_context {
    char trace_id[TRACE_ID_SIZE + 1]; /* hex and NUL; empty: none */
    char span_id[SPAN_ID_SIZE + 1];
    bool sampled;
    struct text state; /* `tracestate`: what other systems keep with the trace; none: nothing */
};

struct trace_context trace_context_make(void); /* a new trace with its first span */
struct trace_context trace_context_child(const struct trace_context *parent); /* a new span of it */
/* Without a state. */
bool trace_context_parse(struct text traceparent, struct trace_context *out);
/* Takes a `tracestate` along, if it is one and no longer than TRACESTATE_SIZE_MAX. */
void trace_context_take_state(struct trace_context *context, struct text tracestate);
void trace_context_format(const struct trace_context *context,
                          char out[static TRACEPARENT_SIZE + 1]);

#endif
