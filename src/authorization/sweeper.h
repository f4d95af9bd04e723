/* authorization/sweeper.h - gives back what is due on accounts that nobody asks for.
 *
 * Purpose:   reads accounts with due holds unlocked, and takes each through the machine as an item:
 *            locked, checked again, released, saved. Makes and drops the key table's days, too.
 * Units:     milliseconds.
 * Ownership: the sweeper owns its thread and connection.
 * Errors:    none to the caller: a database that is down is waited for.
 * Threads:   start and stop on the main thread. */
#ifndef AUTHORIZATION_SWEEPER_H
#define AUTHORIZATION_SWEEPER_H

#include "authorization/store.h"

struct loop;
struct waker;

struct sweeper {
    const struct authorization_policy *policy;
    struct waker *waker;
    int interval_ms;
    struct store_reader reader; /* its arena is reset with each step */
    struct arena *attempt;      /* reset with each attempt */
    int64_t rotate_at_us;       /* monotonic clock */
    struct loop *loop;
};

void sweeper_start(struct sweeper *sweeper, const struct db_config *db);
void sweeper_stop(struct sweeper *sweeper);

#endif
