/* operator/room_dbs.h - connections into the services' own schemas, for deeds done there.
 *
 * Purpose:   a dead letter or a parked key lies with its service; what is done to it is done by a
 *            function of that service's schema.
 * Units:     none.
 * Ownership: zeroed with `url` and `statements` set it is ready; close it. Both are borrowed.
 * Errors:    none: a connection is made by the first trip.
 * Threads:   one. */
#ifndef OPERATOR_ROOM_DBS_H
#define OPERATOR_ROOM_DBS_H

#include "base/text.h"
#include "platform/postgres/postgres.h"

enum { ROOM_DBS_COUNT = 3 };

struct room_dbs {
    const char *url;
    const struct sql_statement *const *statements; /* the same in each */
    struct db *dbs[ROOM_DBS_COUNT];
};

/* `room`: authorization, ledger or saga. Waits for a lock for as long as a service may try a key's
 * messages. */
struct db *room_dbs_at(struct room_dbs *rooms, struct text room);
void room_dbs_close(struct room_dbs *rooms);

#endif
