#include "platform/keystore/breaker.h"

static const int64_t REST_FIRST_US = (int64_t)BREAKER_REST_FIRST_MS * 1000;
static const int64_t REST_MAX_US = (int64_t)BREAKER_REST_MAX_MS * 1000;

bool breaker_is_open(const struct breaker *breaker)
{
    return breaker->rest_us > 0;
}

bool breaker_is_half_open(const struct breaker *breaker, int64_t now_us)
{
    return breaker->rest_us > 0 && now_us >= breaker->until_us;
}

enum breaker_change breaker_note(struct breaker *breaker, bool is_well, int64_t now_us)
{
    const bool was_open = breaker->rest_us > 0;
    if (is_well) {
        *breaker = (struct breaker){0};
        return was_open ? BREAKER_CLOSED : BREAKER_SAME;
    }
    const int64_t doubled_us = breaker->rest_us * 2;
    breaker->rest_us = !was_open                  ? REST_FIRST_US
                       : doubled_us < REST_MAX_US ? doubled_us
                                                  : REST_MAX_US;
    breaker->until_us = now_us + breaker->rest_us;
    return was_open ? BREAKER_SAME : BREAKER_OPENED;
}
