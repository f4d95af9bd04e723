#include "platform/clock.h"

#include "base/assert.h"

#include <time.h>

static int64_t read_us(clockid_t clock)
{
    struct timespec now;
    ASSERT(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_realtime_us(void)
{
    return read_us(CLOCK_REALTIME);
}
