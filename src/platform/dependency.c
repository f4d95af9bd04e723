#include "platform/dependency.h"

#include "base/assert.h"
#include "platform/clock.h"
#include "platform/service/service_metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct {
    pthread_mutex_t mutex;
    struct {
        int reporters; /* that say it is away */
        int64_t since_us;
        char why[sizeof((struct dependency_state *)NULL)->why];
    } of[DEPENDENCY_COUNT];
} known = {.mutex = PTHREAD_MUTEX_INITIALIZER};

const char *dependency_name(enum dependency dependency)
{
    static const char *const NAMES[] = {
        [DEPENDENCY_BUS] = "bus",
        [DEPENDENCY_KEY_STORE] = "key_store",
    };
    _Static_assert(COUNT(NAMES) == DEPENDENCY_COUNT, "a name for each");
    ASSERT((size_t)dependency < COUNT(NAMES));
    return NAMES[dependency];
}

static void note(enum dependency dependency, struct dependency_watch *watch, bool is_away,
                 const char *why)
{
    if (atomic_load(&watch->is_away) == is_away)
        return;
    pthread_mutex_lock(&known.mutex);
    if (atomic_exchange(&watch->is_away, is_away) != is_away) {
        known.of[dependency].reporters += is_away ? 1 : -1;
        if (is_away && known.of[dependency].reporters == 1) {
            known.of[dependency].since_us = clock_realtime_us();
            snprintf(known.of[dependency].why, sizeof known.of[dependency].why, "%s", why);
        }
        metric_set(&METRIC_DEPENDENCY_AWAY, dependency, known.of[dependency].reporters > 0);
    }
    pthread_mutex_unlock(&known.mutex);
}

void dependency_note_there(enum dependency dependency, struct dependency_watch *watch)
{
    note(dependency, watch, false, NULL);
}

void dependency_note_away(enum dependency dependency, struct dependency_watch *watch,
                          const char *why)
{
    note(dependency, watch, true, why);
}

bool dependency_is_away_by(enum status status)
{
    switch (status) {
    case ERR_NOT_FOUND:
    case ERR_TIMEOUT:
    case ERR_DOWN:
    case ERR_UNKNOWN:
    case ERR_BROKEN:
        return true;
    case OK:
    case ERR_INVALID:
    case ERR_CONFLICT:
    case ERR_FULL:
        return false;
    }
    UNREACHABLE();
}

struct dependency_state dependency_read(enum dependency dependency)
{
    struct dependency_state state = {.is_away = false};
    pthread_mutex_lock(&known.mutex);
    state.is_away = known.of[dependency].reporters > 0;
    if (state.is_away) {
        state.since_us = known.of[dependency].since_us;
        memcpy(state.why, known.of[dependency].why, sizeof state.why);
    }
    pthread_mutex_unlock(&known.mutex);
    return state;
}
