/* A ratio is compared with the last eight bytes of the trace id, half of what they can be, as the
 * SDKs of OpenTelemetry do: so that they and we choose the same traces. */
#include "platform/tracing/sampler.h"

#include "base/hex.h"

enum { RATIO_DIGITS = 9 };

/* `0.01`, `.5`, `1`, `1.0` as billionths. */
static bool parse_ratio(struct text ratio, uint32_t *out)
{
    struct text digits = ratio;
    const struct text whole = text_cut(&digits, '.');
    uint32_t value = 0;
    if (whole.size + digits.size == 0 ||
        (whole.size > 0 && !text_equals_c(whole, "0") && !text_equals_c(whole, "1")))
        return false;
    for (size_t at = 0; at < digits.size || at < RATIO_DIGITS; at++) {
        const char digit = at < digits.size ? digits.data[at] : '0';
        if (digit < '0' || digit > '9')
            return false;
        if (at < RATIO_DIGITS)
            value = value * 10 + (uint32_t)(digit - '0');
    }
    if (text_equals_c(whole, "1")) {
        if (value > 0)
            return false;
        value = SAMPLER_BILLIONTHS;
    }
    *out = value;
    return true;
}

bool sampler_parse(struct text name, struct text argument, struct sampler *out)
{
    static const char PARENT[] = "parentbased_";
    struct sampler sampler = {.billionths = SAMPLER_BILLIONTHS};
    sampler.obeys_caller = text_starts_with(name, PARENT);
    if (sampler.obeys_caller)
        name = text_skip(name, sizeof PARENT - 1);
    if (text_equals_c(name, "always_off"))
        sampler.billionths = 0;
    else if (text_equals_c(name, "traceidratio")) {
        if (!text_is_none(argument) && !parse_ratio(argument, &sampler.billionths))
            return false;
    } else if (!text_equals_c(name, "always_on"))
        return false;
    *out = sampler;
    return true;
}

/* The ids below this: 2^63 * billionths / 10^9, without leaving 64 bits. */
static uint64_t bound_of(uint32_t billionths)
{
    const uint64_t half = (uint64_t)1 << 63;
    return half / SAMPLER_BILLIONTHS * billionths +
           half % SAMPLER_BILLIONTHS * billionths / SAMPLER_BILLIONTHS;
}

static bool is_chosen(struct text trace_id, uint32_t billionths)
{
    uint8_t bytes[TRACE_ID_SIZE / 2];
    uint64_t low = 0;
    if (!hex_parse(trace_id, bytes, sizeof bytes))
        return false;
    for (size_t at = sizeof bytes - sizeof low; at < sizeof bytes; at++)
        low = low << 8 | bytes[at];
    return low >> 1 < bound_of(billionths);
}

bool sampler_wants(const struct sampler *sampler, struct text trace_id, const bool *caller_sampled)
{
    if (sampler->obeys_caller && caller_sampled != NULL)
        return *caller_sampled;
    return is_chosen(trace_id, sampler->billionths);
}
