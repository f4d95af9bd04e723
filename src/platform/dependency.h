/* platform/dependency.h - what a service can do without for a while: the event bus, the key store.
 *
 * Purpose:   a service whose bus is away still answers, but something waits, and whoever watches
 *            it must be told: /readyz says `degraded`. Whoever uses a part of the outside notes
 *            here how it went; the service names those it needs (struct service).
 * Units:     microseconds since 1970.
 * Ownership: a watch is its reporter's, zeroed at first. One state for each dependency in the
 *            process.
 * Errors:    none.
 * Threads:   any; a note that says nothing new is one atomic read. */
#ifndef PLATFORM_DEPENDENCY_H
#define PLATFORM_DEPENDENCY_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdint.h>

enum dependency { DEPENDENCY_BUS, DEPENDENCY_KEY_STORE, DEPENDENCY_COUNT };

/* What one reporter said last. Reporters that share a watch overrule each other: the last word
 * counts. Of those with watches of their own one is enough to call it away. */
struct dependency_watch {
    atomic_bool is_away;
};

struct dependency_state {
    bool is_away;
    int64_t since_us; /* is_away: since when */
    char why[160];    /* is_away: how it began */
};

const char *dependency_name(enum dependency dependency); /* bus, key_store */

void dependency_note_there(enum dependency dependency, struct dependency_watch *watch);
void dependency_note_away(enum dependency dependency, struct dependency_watch *watch,
                          const char *why);

/* ERR_CONFLICT, ERR_INVALID and ERR_FULL are about what was asked; the rest says that nobody is
 * there, or nobody who lets us in. */
bool dependency_is_away_by(enum status status);

struct dependency_state dependency_read(enum dependency dependency);

#endif
