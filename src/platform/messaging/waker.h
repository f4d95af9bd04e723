/* platform/messaging/waker.h - tells the outbox processor that there is something to fetch.
 *
 * Purpose:   NOTIFY takes a cluster-wide lock at commit, so it is kept out of the hot SQL
 *            transactions: workers ring after their commit, one thread sends at most one NOTIFY
 *            every few milliseconds on a connection of its own. A lost ring costs a poll interval,
 *            never an event.
 * Units:     milliseconds.
 * Ownership: the waker owns its thread and connection.
 * Errors:    none to the caller.
 * Threads:   waker_ring from any thread. */
#ifndef PLATFORM_MESSAGING_WAKER_H
#define PLATFORM_MESSAGING_WAKER_H

#include "platform/postgres/postgres.h"

struct waker;

#define CHANNEL_OUTBOX "tallystick_outbox" /* rung by rooms, heard by the outbox processor */
#define CHANNEL_BUS    "tallystick_bus"    /* rung by the bus's publisher, heard by its consumers */

struct waker *waker_start(const struct db_config *config, const char *channel);
void waker_ring(struct waker *waker);
void waker_stop(struct waker *waker); /* accepts NULL */

#endif
