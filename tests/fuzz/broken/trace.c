#include "../oracle.h"
#include "base/trace_context.h"

bool __real_trace_context_parse(struct text traceparent, struct trace_context *out);
bool __wrap_trace_context_parse(struct text traceparent, struct trace_context *out);
void __real_trace_context_take_state(struct trace_context *context, struct text tracestate);
void __wrap_trace_context_take_state(struct trace_context *context, struct text tracestate);

bool __wrap_trace_context_parse(struct text traceparent, struct trace_context *out)
{
    const bool is_read = __real_trace_context_parse(traceparent, out);
    if (fuzz_lie() == 1 && is_read)
        out->sampled = !out->sampled;
    if (fuzz_lie() == 2 && traceparent.size > TRACEPARENT_SIZE) /* what follows is passed over */
        return __real_trace_context_parse((struct text){traceparent.data, TRACEPARENT_SIZE}, out);
    return is_read;
}

void __wrap_trace_context_take_state(struct trace_context *context, struct text tracestate)
{
    __real_trace_context_take_state(context, tracestate);
    if (fuzz_lie() == 3)
        context->state = tracestate;
}
