/* traceparent and tracestate, each on a line of its own: held against the grammar of W3C Trace
 * Context, written out here once more. */
#include "base/trace_context.h"
#include "oracle.h"

enum { MEMBERS_MAX = 32, VALUE_SIZE_MAX = 256 };

static bool is_lower_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* `00-{32}-{16}-{2}`, dashes and digits at their places; a later version may go on behind a dash.
 */
static bool is_traceparent(struct text t)
{
    static const char SHAPE[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    bool trace_is_zero = true;
    bool span_is_zero = true;
    if (t.size < sizeof SHAPE - 1)
        return false;
    for (size_t at = 0; at < sizeof SHAPE - 1; at++) {
        if (SHAPE[at] == '-' ? t.data[at] != '-' : !is_lower_hex(t.data[at]))
            return false;
        trace_is_zero = trace_is_zero && (at < 3 || at > 34 || t.data[at] == '0');
        span_is_zero = span_is_zero && (at < 36 || at > 51 || t.data[at] == '0');
    }
    if (trace_is_zero || span_is_zero || text_starts_with(t, "ff"))
        return false;
    if (t.size == sizeof SHAPE - 1)
        return true;
    return !text_starts_with(t, "00") && t.data[sizeof SHAPE - 1] == '-';
}

static void check_parent(struct text t)
{
    struct trace_context context = {.sampled = false};
    char written[TRACEPARENT_SIZE + 1];
    const bool is_read = trace_context_parse(t, &context);
    HOLDS(is_read == is_traceparent(t));
    if (!is_read)
        return;
    trace_context_format(&context, written);
    HOLDS(memcmp(written + 3, t.data + 3, TRACEPARENT_SIZE - 5) == 0);
    const char last = t.data[TRACEPARENT_SIZE - 1];
    const int flags = last <= '9' ? last - '0' : last - 'a' + 10;
    HOLDS(context.sampled == ((flags & 1) != 0));
    const struct trace_context child = trace_context_child(&context);
    HOLDS(strcmp(child.trace_id, context.trace_id) == 0);
    HOLDS(strcmp(child.span_id, context.span_id) != 0);
    trace_context_format(&child, written);
    HOLDS(is_traceparent(text_of(written)));
}

/* What goes on to other systems must not be able to become another header, or another list. */
static void check_state(struct text t)
{
    struct trace_context context = {.sampled = false};
    struct text keys[MEMBERS_MAX];
    size_t count = 0;
    trace_context_take_state(&context, t);
    if (text_is_none(context.state))
        return;
    HOLDS(text_equals(context.state, t) && t.size <= TRACESTATE_SIZE_MAX);
    for (struct text rest = t; !text_is_none(rest);) {
        struct text value = text_trim(text_cut(&rest, ','));
        const struct text key = text_cut(&value, '=');
        if (key.size == 0 && text_is_none(value))
            continue; /* an empty member */
        HOLDS(count < MEMBERS_MAX && key.size > 0 && key.size <= VALUE_SIZE_MAX);
        HOLDS(value.size > 0 && value.size <= VALUE_SIZE_MAX);
        for (size_t at = 0; at < count; at++)
            HOLDS(!text_equals(keys[at], key));
        keys[count++] = key;
    }
    HOLDS(count > 0);
    for (size_t at = 0; at < t.size; at++)
        HOLDS(t.data[at] == '\t' || (t.data[at] >= ' ' && t.data[at] <= '~'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text state = fuzz_text(data, size);
    check_parent(text_cut(&state, '\n'));
    check_state(text_is_none(state) ? TEXT("") : state);
    return 0;
}
