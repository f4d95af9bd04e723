/* saga/deed.h - what an operator has a saga do: retry, compensate, abandon.
 *
 * Purpose:   POST /internal/sagas/{id}/deeds. The saga is moved by the same rules and under the
 *            same lock as by a message, and the deed is written to the operators' audit in the same
 *            SQL transaction. A dry run goes through all of it and saves nothing.
 * Units:     none.
 * Ownership: a deed lives in the memory of its request.
 * Errors:    answered as problems: 404 unknown, 409 the state does not allow it, 422.
 * Threads:   one worker with its own db; deeds_submit from any thread. */
#ifndef SAGA_DEED_H
#define SAGA_DEED_H

#include "base/error.h"
#include "base/uuid.h"
#include "domain/saga.h"

struct http_request;
struct room;
struct worker_pool;

struct deed {
    struct uuid saga_id;
    enum saga_event event; /* EV_RETRY, EV_COMPENSATE, EV_ABANDON */
    struct uuid id;        /* of the operator's command */
    struct text os_user;   /* whom the tool ran as, by its own word */
    struct text by;        /* on whose behalf; none: the same */
    struct text reason;
    bool is_dry_run;
};

/* From the body of a request. ERR_INVALID: what is wrong with it. */
MUST_CHECK enum status deed_read(const struct http_request *request, struct deed *deed,
                                 struct error *err);

/* The room must outlive the pool. */
struct worker_pool *deeds_start(struct room *room);
/* Keeps the request, its context being a struct deed; answers it later, or at once when too many
 * wait. */
void deeds_submit(struct worker_pool *pool, struct http_request *request);

#endif
