#include "operator/room_dbs.h"

#include "base/assert.h"

enum {
    TIMEOUT_MS = 60000,
    LOCK_TIMEOUT_MS = 40000, /* a service tries a key's messages for some seconds */
};

static const char *const ROOMS[] = {"authorization", "ledger", "saga"};
_Static_assert(COUNT(ROOMS) == ROOM_DBS_COUNT, "each has a connection");

struct db *room_dbs_at(struct room_dbs *rooms, struct text room)
{
    size_t at = 0;
    while (!text_equals_c(room, ROOMS[at]))
        ASSERT(++at < COUNT(ROOMS));
    if (rooms->dbs[at] == NULL)
        rooms->dbs[at] = db_new(&(struct db_config){
            .url = rooms->url,
            .user = "tallystick_operator",
            .schema = ROOMS[at],
            .application_name = "tallystick_operator",
            .statements = {rooms->statements},
            .timeout_ms = TIMEOUT_MS,
            .lock_timeout_ms = LOCK_TIMEOUT_MS,
        });
    return rooms->dbs[at];
}

void room_dbs_close(struct room_dbs *rooms)
{
    for (size_t at = 0; at < COUNT(ROOMS); at++)
        db_free(rooms->dbs[at]);
}
