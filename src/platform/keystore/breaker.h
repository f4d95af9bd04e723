/* platform/keystore/breaker.h - leaves a store alone that does not answer.
 *
 * Purpose:   closed: it is asked. Open: it is not asked for a while, so that nobody waits for a
 *            timeout. Half open: the while is over; whoever comes next may ask once to find out.
 *            Each time it has not answered then, or falls silent again soon after, the while
 *            doubles: a store that can just answer one is not well.
 * Units:     times in microseconds of the monotonic clock.
 * Ownership: a value; zeroed, it is closed.
 * Errors:    none.
 * Threads:   belongs to one thread. */
#ifndef PLATFORM_KEYSTORE_BREAKER_H
#define PLATFORM_KEYSTORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

struct breaker {
    bool is_open;
    int64_t rest_us;   /* the last one */
    int64_t until_us;  /* its end */
    int64_t closed_us; /* when it answered again */
};

enum breaker_change { BREAKER_SAME, BREAKER_OPENED, BREAKER_CLOSED };

enum { BREAKER_REST_FIRST_MS = 1000, BREAKER_REST_MAX_MS = 16000 };

bool breaker_is_open(const struct breaker *breaker); /* half open is open, too */
bool breaker_is_half_open(const struct breaker *breaker, int64_t now_us);
/* What came of asking. */
enum breaker_change breaker_note(struct breaker *breaker, bool is_well, int64_t now_us);

#endif
