/* outbox/pace.h - whether booking yields: the rule alone.
 *
 * Purpose:   while decisions arrive faster than they can be booked, the relay may let them go first
 *            and move their events a little later (docs/adr/0028). The rule sees how many events
 *            have arrived, how many wait, and for how long the oldest has waited.
 * Units:     microseconds on one clock; events; events a second.
 * Ownership: a value of the caller's, {0} at first.
 * Errors:    none.
 * Threads:   values. */
#ifndef OUTBOX_PACE_H
#define OUTBOX_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum pace_state {
    PACE_STEADY,      /* everything is moved at once */
    PACE_TRYING,      /* yields for a second at most: do more arrive then? */
    PACE_YIELDING,    /* they do */
    PACE_CATCHING_UP, /* after that: no more of it until nearly nothing waits */
};

struct pace_sample {
    int64_t at_us;
    int64_t arrived; /* events, ever */
    int64_t waiting; /* of them and of what follows from them: not yet read by who books */
    int64_t oldest_age_us;
};

struct pace {
    enum pace_state state;
    struct pace_sample last; /* at_us 0: there was none */
    int64_t arriving;        /* between the last two samples */
    int64_t booking;         /* lately, on average */
    int64_t capacity;        /* the best of that, forgotten slowly */
    int64_t no_trial_until_us;
    int samples; /* of this trial; of this burst in a row that were none */
};

/* Samples are to be about 250 ms apart. `wait_max_us`: no event is held back once the oldest has
 * waited for so long; 0: it never yields. */
void pace_take(struct pace *pace, const struct pace_sample *sample, int64_t wait_max_us);

bool pace_yields(const struct pace *pace);

#endif
