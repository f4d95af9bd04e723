/* saga/room.h - what the orchestrator's doors and threads share.
 *
 * Purpose:   its options as read at the start, and what they were made into.
 * Units:     the names say it.
 * Ownership: service.c makes and ends it; everybody else borrows.
 * Errors:    none.
 * Threads:   constant once the doors are open; the parts it points to say what they allow. */
#ifndef SAGA_ROOM_H
#define SAGA_ROOM_H

#include "domain/saga.h"
#include "platform/service/service.h"

struct arena;
struct deadlines;
struct consumer;
struct loop;
struct waiting_room;
struct waker;
struct worker_pool;

#define SAGA_GROUP "saga" /* the consumer group of all orchestrators */

struct saga_config {
    struct service_config service;
    int64_t port;
    int64_t admin_port;
    int64_t threads;
    int64_t batch_max;
    const char *repeat_ms;
    int64_t stuck_ms;
    int64_t sweep_ms;
};

struct room {
    struct arena *arena; /* of the room itself */
    const struct saga_config *config;
    struct db_config db;
    struct saga_schedule schedule;
    struct waker *waker;          /* of the outbox processor */
    struct waiting_room *waiting; /* who asked to be told when a booking ends */
    struct worker_pool *readers;  /* answer questions about sagas */
    struct worker_pool *deeds;    /* an operator's */
    struct deadlines *deadlines;  /* the sweep over what is due */
    struct loop *sweeper;
    struct consumer *consumer;
    struct http_server *server;
};

#endif
