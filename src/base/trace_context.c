#include "base/trace_context.h"

#include "base/hex.h"
#include "base/random.h"

static void make_id(char *out, size_t size)
{
    uint8_t bytes[TRACE_ID_SIZE / 2];
    random_bytes(bytes, size / 2);
    bytes[0] |= 1; /* the standard forbids an id of zeros */
    *hex_write(out, bytes, size / 2) = '\0';
}

struct trace_context trace_context_make(void)
{
    struct trace_context context = {.sampled = true};
    make_id(context.trace_id, TRACE_ID_SIZE);
    make_id(context.span_id, SPAN_ID_SIZE);
    return context;
}

struct trace_context trace_context_child(const struct trace_context *parent)
{
    if (parent->trace_id[0] == '\0')
        return trace_context_make();
    struct trace_context child = *parent;
    make_id(child.span_id, SPAN_ID_SIZE);
    return child;
}

/* `size` lower case hex digits. */
static bool is_hex(struct text t, size_t size)
{
    if (t.size != size)
        return false;
    for (size_t at = 0; at < size; at++) {
        const char c = t.data[at];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

static bool is_zero(struct text t)
{
    for (size_t at = 0; at < t.size; at++) {
        if (t.data[at] != '0')
            return false;
    }
    return true;
}

/* An id is hex and not all zeros. */
static bool read_id(struct text t, size_t size, char *out)
{
    if (!is_hex(t, size) || is_zero(t))
        return false;
    memcpy(out, t.data, size);
    return true;
}

bool trace_context_parse(struct text traceparent, struct trace_context *out)
{
    if (traceparent.size < TRACEPARENT_SIZE)
        return false;
    struct text rest = traceparent;
    struct trace_context context = {.sampled = false};
    const struct text version = text_cut(&rest, '-');
    if (!is_hex(version, 2) || text_equals_c(version, "ff"))
        return false;
    /* A later version may have more after the flags; this one has not. */
    if (text_equals_c(version, "00") && traceparent.size != TRACEPARENT_SIZE)
        return false;
    if (!read_id(text_cut(&rest, '-'), TRACE_ID_SIZE, context.trace_id) ||
        !read_id(text_cut(&rest, '-'), SPAN_ID_SIZE, context.span_id))
        return false;
    const struct text flags = text_cut(&rest, '-');
    uint8_t bits = 0;
    if (!is_hex(flags, 2) || !hex_parse(flags, &bits, 1))
        return false;
    context.sampled = (bits & 1) != 0;
    *out = context;
    return true;
}

/* ---- tracestate ------------------------------------------------------------------------------ */

enum {
    STATE_MEMBERS_MAX = 32,
    TENANT_SIZE_MAX = 241,
    SYSTEM_SIZE_MAX = 14,
    KEY_SIZE_MAX = 256,
    VALUE_SIZE_MAX = 256
};

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What a key, or a half of one, consists of. */
static bool is_key_part(struct text part, size_t size_max)
{
    if (part.size == 0 || part.size > size_max)
        return false;
    for (size_t at = 0; at < part.size; at++) {
        const char c = part.data[at];
        if (!is_lower(c) && !is_digit(c) && c != '_' && c != '-' && c != '*' && c != '/')
            return false;
    }
    return true;
}

/* `vendor`, or `tenant@system`, where only a tenant may begin with a digit. */
static bool is_key(struct text key)
{
    struct text system = key;
    const struct text tenant = text_cut(&system, '@');
    if (text_is_none(system))
        return is_key_part(key, KEY_SIZE_MAX) && is_lower(key.data[0]);
    return is_key_part(tenant, TENANT_SIZE_MAX) && is_key_part(system, SYSTEM_SIZE_MAX) &&
           (is_lower(tenant.data[0]) || is_digit(tenant.data[0])) && is_lower(system.data[0]);
}

/* Printable ASCII without the two signs of the list; the blanks around it are trimmed. */
static bool is_value(struct text value)
{
    if (value.size == 0 || value.size > VALUE_SIZE_MAX)
        return false;
    for (size_t at = 0; at < value.size; at++) {
        const char c = value.data[at];
        if (c < ' ' || c > '~' || c == ',' || c == '=')
            return false;
    }
    return true;
}

/* key=value, separated by commas, each key once; a member may be empty. */
static bool is_state(struct text tracestate)
{
    struct text keys[STATE_MEMBERS_MAX];
    size_t count = 0;
    struct text rest = tracestate;
    if (tracestate.size == 0 || tracestate.size > TRACESTATE_SIZE_MAX)
        return false;
    while (!text_is_none(rest)) {
        struct text value = text_trim(text_cut(&rest, ','));
        if (value.size == 0)
            continue;
        const struct text key = text_cut(&value, '=');
        if (count == STATE_MEMBERS_MAX || !is_key(key) || !is_value(value))
            return false;
        for (size_t at = 0; at < count; at++)
            if (text_equals(keys[at], key))
                return false;
        keys[count++] = key;
    }
    return count > 0;
}

void trace_context_take_state(struct trace_context *context, struct text tracestate)
{
    context->state = is_state(tracestate) ? tracestate : TEXT_NONE;
}

/* ---- writing ------------------------------------------------------------------------------- */

void trace_context_format(const struct trace_context *context,
                          char out[static TRACEPARENT_SIZE + 1])
{
    memcpy(out, "00-", 3);
    memcpy(out + 3, context->trace_id, TRACE_ID_SIZE);
    out[3 + TRACE_ID_SIZE] = '-';
    memcpy(out + 4 + TRACE_ID_SIZE, context->span_id, SPAN_ID_SIZE);
    memcpy(out + 4 + TRACE_ID_SIZE + SPAN_ID_SIZE, context->sampled ? "-01" : "-00", 4);
}
