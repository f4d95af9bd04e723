/* A failure is one of three kinds, and each asks for something else:
 *
 *   conflict   somebody else won a race        once: the same again; after that: halve
 *   transient  the other side is away          the same again after a pause, until the deadline
 *   fault      some item spoils its neighbours halve at once
 *
 * Halving ends at single items, where a conflict is tried a few times more and a fault is final.
 * Once an attempt has ended without a known outcome, no later failure makes it known: the items of
 * that attempt can then only succeed or fail as ERR_UNKNOWN. */
#include "platform/batch.h"

#include "base/assert.h"
#include "base/random.h"
#include "platform/clock.h"

#include <time.h>

enum {
    CONFLICT_TRIES_MAX = 5, /* of a single item */
    PAUSE_FIRST_US = 4000,
    PAUSE_MAX_US = 250000,
};

enum failure { FAILURE_CONFLICT, FAILURE_TRANSIENT, FAILURE_FAULT };

/* One stretch of the batch on its way. */
struct stretch {
    size_t first;
    size_t count;
    bool is_halved;  /* part of a stretch that has failed twice */
    bool is_unknown; /* an attempt over these items may have been saved */
};

static enum failure failure_of(enum status status)
{
    switch (status) {
    case ERR_CONFLICT:
        return FAILURE_CONFLICT;
    case ERR_TIMEOUT:
    case ERR_DOWN:
    case ERR_UNKNOWN:
        return FAILURE_TRANSIENT;
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_FULL:
    case ERR_BROKEN:
        return FAILURE_FAULT;
    case OK:
        break;
    }
    UNREACHABLE();
}

static void fail_all(const struct batch_machine *machine, const struct stretch *stretch,
                     const struct error *err)
{
    struct error last = *err;
    if (stretch->is_unknown)
        last.status = ERR_UNKNOWN;
    for (size_t at = 0; at < stretch->count; at++)
        machine->fail(machine->context, stretch->first + at, &last);
}

/* Between half of the pause and all of it, so that two batches that met do not meet again. */
static int64_t jitter(int64_t pause_us)
{
    uint32_t noise;
    random_bytes(&noise, sizeof noise);
    return pause_us / 2 + noise % (pause_us / 2);
}

static void rest(int64_t pause_us, int64_t deadline_us)
{
    const int64_t left_us = deadline_us - clock_monotonic_us();
    const int64_t wished_us = jitter(pause_us);
    const int64_t wait_us = wished_us < left_us ? wished_us : left_us;
    if (wait_us <= 0)
        return;
    const struct timespec wait = {wait_us / 1000000, wait_us % 1000000 * 1000};
    nanosleep(&wait, NULL);
}

/* Whether the stretch as it is deserves another attempt. */
static bool is_worth_repeating(const struct stretch *stretch, enum failure failure, int tries)
{
    switch (failure) {
    case FAILURE_TRANSIENT:
        return true;
    case FAILURE_CONFLICT:
        if (stretch->count == 1)
            return tries < CONFLICT_TRIES_MAX;
        return !stretch->is_halved && tries == 1;
    case FAILURE_FAULT:
        return false;
    }
    UNREACHABLE();
}

/* Attempts a stretch as a whole until it is saved, has failed for good, or must be halved: true
 * says the last. */
static bool attempt_whole(const struct batch_machine *machine, struct stretch *stretch)
{
    struct error err = {.status = ERR_TIMEOUT, .message = "the deadline passed before a try"};
    int64_t pause_us = PAUSE_FIRST_US;
    for (int conflicts = 0; clock_monotonic_us() < machine->deadline_us;) {
        const enum status status =
            machine->attempt(machine->context, stretch->first, stretch->count, &err);
        if (status == OK)
            return false;
        err.status = status;
        stretch->is_unknown = stretch->is_unknown || status == ERR_UNKNOWN;
        const enum failure failure = failure_of(status);
        conflicts += failure == FAILURE_CONFLICT;
        if (!is_worth_repeating(stretch, failure, conflicts)) {
            if (stretch->count > 1)
                return true;
            break;
        }
        if (failure == FAILURE_TRANSIENT || stretch->count == 1)
            rest(pause_us, machine->deadline_us);
        pause_us = pause_us * 2 < PAUSE_MAX_US ? pause_us * 2 : PAUSE_MAX_US;
    }
    fail_all(machine, stretch, &err);
    return false;
}

static void run_stretch(const struct batch_machine *machine, struct stretch stretch)
{
    if (!attempt_whole(machine, &stretch))
        return;
    struct stretch front = stretch, back = stretch;
    front.is_halved = back.is_halved = true;
    front.count = stretch.count / 2;
    back.first += front.count;
    back.count -= front.count;
    run_stretch(machine, front);
    run_stretch(machine, back);
}

void batch_run(const struct batch_machine *machine, size_t count)
{
    if (count > 0)
        run_stretch(machine, (struct stretch){.first = 0, .count = count});
}
