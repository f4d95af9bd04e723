/* domain/lane.h - which of the 64 lanes something belongs to.
 *
 * Purpose:   there is one account per (tenant, user id), its id follows from them, and its lane
 *            follows from its id, by the same function in every service. The lane deals work to
 *            workers, is the outbox's bucket and the ledger's stripe, and leads the primary keys.
 *            LANE_COUNT is fixed when the database is made.
 * Units:     lanes count from 0.
 * Ownership: values.
 * Errors:    none.
 * Threads:   any. */
#ifndef DOMAIN_LANE_H
#define DOMAIN_LANE_H

#include "base/text.h"
#include "base/uuid.h"

enum { LANE_COUNT = 64 };

/* Of an account or of an authorization: the last six bits of its id. */
int lane_of(const struct uuid *id);

/* SHA-256 over both, length-prefixed, stamped as version 8. */
struct uuid account_id_of(struct text tenant, struct text user_id);

/* A fresh version 7 id that carries its account's lane in its last six bits, so that an id alone
 * finds its lane. The only function of domain/ that draws from the clock and randomness. */
struct uuid authorization_id_make(int lane);

#endif
