/* saga/show.h - answers who asks for sagas: one by its id, or those in a state, page by page.
 *
 * Purpose:   reads and renders; GET /internal/sagas/{id} and GET /internal/sagas?state=.
 * Units:     times RFC 3339.
 * Ownership: a question lives in the memory of its request.
 * Errors:    answered as problems.
 * Threads:   a pool of readers, each with its own db; show_submit from any thread. */
#ifndef SAGA_SHOW_H
#define SAGA_SHOW_H

#include "base/uuid.h"
#include "domain/saga.h"
#include "platform/http/http_server.h"
#include "platform/postgres/postgres.h"

struct worker_pool;

enum { SHOW_LIMIT_DEFAULT = 50, SHOW_LIMIT_MAX = 200 };

/* A place in the order of a list. */
struct saga_cursor {
    int lane;
    struct uuid id;
};

struct saga_question {
    bool is_one; /* asks for one by its id, otherwise for a page */
    struct uuid id;
    enum saga_state state;
    struct saga_cursor after;
    int limit;
};

/* <lane>-<id>, as next_cursor gives it. */
bool saga_cursor_parse(struct text t, struct saga_cursor *out);

/* The db_config must outlive the pool. */
struct worker_pool *show_start(const struct db_config *db);
/* Keeps the request, its context being a struct saga_question; answers it later, or at once when
 * too many wait. */
void show_submit(struct worker_pool *pool, struct http_request *request);

#endif
