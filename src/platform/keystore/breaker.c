#include "platform/keystore/breaker.h"

static const int64_t REST_FIRST_US = (int64_t)BREAKER_REST_FIRST_MS * 1000;
static const int64_t REST_MAX_US = (int64_t)BREAKER_REST_MAX_MS * 1000;

bool breaker_is_open(const struct breaker *breaker)
{
    return breaker->is_open;
}

bool breaker_is_half_open(const struct breaker *breaker, int64_t now_us)
{
    return breaker->is_open && now_us >= breaker->until_us;
}

/* Twice the last rest, unless it has been well for as long as that since. */
static int64_t next_rest_us(const struct breaker *breaker, int64_t now_us)
{
    const int64_t doubled_us = breaker->rest_us * 2;
    const bool is_relapse = breaker->is_open || now_us - breaker->closed_us < doubled_us;
    if (breaker->rest_us == 0 || !is_relapse)
        return REST_FIRST_US;
    return doubled_us < REST_MAX_US ? doubled_us : REST_MAX_US;
}

enum breaker_change breaker_note(struct breaker *breaker, bool is_well, int64_t now_us)
{
    const bool was_open = breaker->is_open;
    if (!is_well) {
        breaker->rest_us = next_rest_us(breaker, now_us);
        breaker->until_us = now_us + breaker->rest_us;
    } else if (was_open) {
        breaker->closed_us = now_us;
    }
    breaker->is_open = !is_well;
    if (was_open == breaker->is_open)
        return BREAKER_SAME;
    return is_well ? BREAKER_CLOSED : BREAKER_OPENED;
}
