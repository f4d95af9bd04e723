/* saga/wait.h - the long poll: tells who asks when bookings have ended.
 *
 * Purpose:   a waiting request names authorizations; it is answered when at least one of their
 *            `authorize` sagas has ended, or when its time is over. One thread asks the database
 *            for all that wait at once, every few milliseconds while anybody waits: other
 *            orchestrators may end a saga, so the database is what counts.
 * Units:     milliseconds.
 * Ownership: the room lives in the arena it is opened from. A waiting request stays the server's;
 *            its memory holds its place here.
 * Errors:    a database that cannot be asked is asked again; the time of a request runs on.
 * Threads:   waiting_room_enter and _wake from any thread. */
#ifndef SAGA_WAIT_H
#define SAGA_WAIT_H

#include "base/uuid.h"
#include "platform/http/http_server.h"
#include "platform/postgres/postgres.h"

struct arena;
struct waiting_room;

enum { WAIT_IDS_MAX = 1000, WAIT_MS_MAX = 60000 };

struct waiting_room *waiting_room_open(struct arena *arena, const struct db_config *db);
/* Keeps the request; answers it later. `ids` live in the request's arena. */
void waiting_room_enter(struct waiting_room *room, struct http_request *request,
                        const struct uuid *authorization_ids, size_t count, int64_t wait_ms);
/* A booking has just ended here: look now. */
void waiting_room_wake(struct waiting_room *room);
int waiting_room_count(struct waiting_room *room);
/* From now on nobody waits: who is here and who comes is answered at once. */
void waiting_room_drain(struct waiting_room *room);
/* After the server has stopped. Accepts NULL. */
void waiting_room_close(struct waiting_room *room);

#endif
