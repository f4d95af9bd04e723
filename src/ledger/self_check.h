/* ledger/self_check.h - looks at the books again and again, one lane after the other.
 *
 * Purpose:   the source of ledger_invariant_violations: what can be asked cheaply of one lane, so
 *            that an alert can tell of broken books. `tallystick verify` asks everything at once.
 * Units:     milliseconds.
 * Ownership: in the room's arena; a thread and a connection of its own.
 * Errors:    what cannot be asked is logged and asked again; the lag says for how long.
 * Threads:   start and stop on the main thread. */
#ifndef LEDGER_SELF_CHECK_H
#define LEDGER_SELF_CHECK_H

#include "platform/postgres/postgres.h"

struct ledger_self_check;

/* Rests `rest_ms` between two lanes. */
struct ledger_self_check *ledger_self_check_start(const struct db_config *db, int rest_ms,
                                                  struct arena *arena);
void ledger_self_check_stop(struct ledger_self_check *check); /* accepts NULL */

#endif
