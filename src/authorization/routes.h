/* authorization/routes.h - requests of the gateway, from the HTTP thread to the workers and back.
 *
 * Purpose:   the HTTP thread only looks at the head and queues the request: a hop to the writer of
 *            its lane, a read to a reader. Writers run batches (batch.h), readers answer queries.
 * Units:     counts; times in milliseconds.
 * Ownership: the door owns its HTTP server, workers and their connections.
 * Errors:    door_start says what could not be had.
 * Threads:   start, drain and stop on the main thread. */
#ifndef AUTHORIZATION_ROUTES_H
#define AUTHORIZATION_ROUTES_H

#include "authorization/batch.h"
#include "authorization/service.h"
#include "platform/http/http_server.h"
#include "platform/worker.h"

struct waker;

/* What one writer keeps from run to run. */
struct writer {
    struct db *db;
    struct arena *attempt; /* reset with each attempt */
    struct busy_accounts busy;
};

enum { WRITERS_MAX = 16, HOPS_PER_RUN = 16 };

struct door {
    const struct authorization_config *config;
    const struct authorization_policy *policy;
    const struct db_config *db;
    struct waker *waker; /* rung after each commit */
    struct writer writer_of[WRITERS_MAX];
    struct worker_pool *writers;
    struct worker_pool *readers;
    struct http_server *server;
    unsigned next_reader;
};

MUST_CHECK enum status door_start(struct door *door, struct error *err);
void door_drain(struct door *door);
int door_busy(const struct door *door);
void door_stop(struct door *door);

/* Writers (write.c). */
void door_open_writer(struct worker *worker);
void door_run_writes(struct worker *worker, void **requests, size_t count);
void door_close_writer(struct worker *worker);

/* Readers (read.c); door_reads says whether a path is one of theirs. */
bool door_reads(struct text path);
void door_open_reader(struct worker *worker);
void door_run_reads(struct worker *worker, void **requests, size_t count);
void door_close_reader(struct worker *worker);

#endif
