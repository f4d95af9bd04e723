#include "outbox/pace.h"

enum {
    ARRIVING_MIN = 500,      /* below it there is room enough for everything */
    CAUGHT_UP_WAITING = 200, /* as good as nothing waits */
    TRIAL_SAMPLES = 4,
    LULL_SAMPLES = 3, /* a burst that has ended */
};

static const int64_t SECOND_US = 1000 * 1000;
static const int64_t NO_TRIAL_US = 3 * 1000 * 1000; /* after one that showed no burst */

bool pace_yields(const struct pace *pace)
{
    return pace->state == PACE_TRYING || pace->state == PACE_YIELDING;
}

static int64_t not_negative(int64_t value)
{
    return value > 0 ? value : 0;
}

/* While it yields nothing is booked for that reason alone, so that says nothing of what could be.
 */
static void learn(struct pace *pace, const struct pace_sample *sample)
{
    const int64_t passed_us = sample->at_us - pace->last.at_us;
    const int64_t arrived = not_negative(sample->arrived - pace->last.arrived);
    const int64_t booked = not_negative(arrived - (sample->waiting - pace->last.waiting));
    pace->arriving = arrived * SECOND_US / passed_us;
    if (pace_yields(pace))
        return;
    pace->booking += (booked * SECOND_US / passed_us - pace->booking) / 4;
    pace->capacity -= pace->capacity / 64;
    if (pace->capacity < pace->booking)
        pace->capacity = pace->booking;
}

/* More arrive than are booked, and a quarter of a second's worth of them waits. */
static bool falls_behind(const struct pace *pace, const struct pace_sample *sample)
{
    return pace->arriving >= ARRIVING_MIN && pace->arriving > pace->booking * 9 / 8 &&
           sample->waiting >= pace->arriving / 4;
}

/* What was ever booked at this time of the day would not be enough. A database that stood still for
 * a moment makes a backlog, too, but nobody arrives the faster for it. */
static bool is_burst(const struct pace *pace)
{
    return pace->arriving >= ARRIVING_MIN && pace->arriving > pace->capacity * 5 / 4;
}

static bool is_caught_up(const struct pace *pace, const struct pace_sample *sample)
{
    return sample->waiting <= CAUGHT_UP_WAITING || sample->waiting <= pace->arriving / 8;
}

static enum pace_state next_of_steady(struct pace *pace, const struct pace_sample *sample)
{
    if (!falls_behind(pace, sample) || sample->at_us < pace->no_trial_until_us)
        return PACE_STEADY;
    pace->samples = 0;
    return PACE_TRYING;
}

/* What is on the bus already is booked first, so it may take a moment until it shows. */
static enum pace_state next_of_trial(struct pace *pace, const struct pace_sample *sample)
{
    if (is_burst(pace)) {
        pace->samples = 0;
        return PACE_YIELDING;
    }
    if (++pace->samples < TRIAL_SAMPLES)
        return PACE_TRYING;
    pace->no_trial_until_us = sample->at_us + NO_TRIAL_US;
    return PACE_STEADY;
}

static enum pace_state next_of_burst(struct pace *pace)
{
    pace->samples = is_burst(pace) ? 0 : pace->samples + 1;
    return pace->samples < LULL_SAMPLES ? PACE_YIELDING : PACE_CATCHING_UP;
}

static enum pace_state next_state(struct pace *pace, const struct pace_sample *sample,
                                  int64_t wait_max_us)
{
    const bool is_too_old = sample->oldest_age_us >= wait_max_us;
    switch (pace->state) {
    case PACE_STEADY:
        return is_too_old ? PACE_STEADY : next_of_steady(pace, sample);
    case PACE_TRYING:
        return is_too_old ? PACE_CATCHING_UP : next_of_trial(pace, sample);
    case PACE_YIELDING:
        return is_too_old ? PACE_CATCHING_UP : next_of_burst(pace);
    case PACE_CATCHING_UP:
        return is_caught_up(pace, sample) ? PACE_STEADY : PACE_CATCHING_UP;
    }
    return PACE_STEADY;
}

void pace_take(struct pace *pace, const struct pace_sample *sample, int64_t wait_max_us)
{
    if (pace->last.at_us > 0 && sample->at_us > pace->last.at_us) {
        learn(pace, sample);
        pace->state = next_state(pace, sample, wait_max_us);
    }
    pace->last = *sample;
}
