/* authorization/self_check.h - looks at the accounts again and again, one lane after the other.
 *
 * Purpose:   the source of hold_open, hold_open_amount_minor and auth_invariant_violations: what
 *            can be asked cheaply of one lane. `tallystick verify` asks everything at once.
 * Units:     milliseconds.
 * Ownership: in the room's arena; a thread and a connection of its own.
 * Errors:    what cannot be asked is logged and asked again; the lag says for how long.
 * Threads:   start and stop on the main thread. */
#ifndef AUTHORIZATION_SELF_CHECK_H
#define AUTHORIZATION_SELF_CHECK_H

#include "platform/postgres/postgres.h"

struct self_check;

/* Rests `rest_ms` between two lanes. */
struct self_check *self_check_start(const struct db_config *db, int rest_ms, struct arena *arena);
void self_check_stop(struct self_check *check); /* accepts NULL */

#endif
