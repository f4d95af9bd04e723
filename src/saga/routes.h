/* saga/routes.h - the orchestrator's HTTP door, for services only.
 *
 * Purpose:   GET /internal/sagas/{id}, GET /internal/sagas?state=, POST /internal/sagas/wait.
 * Units:     waits in milliseconds.
 * Ownership: none.
 * Errors:    answered as problems.
 * Threads:   the handler runs on the server's thread and never blocks. */
#ifndef SAGA_ROUTES_H
#define SAGA_ROUTES_H

#include "platform/http/http_server.h"

/* The server's `handle`; the context is the struct room. */
void saga_routes_handle(void *context, struct http_request *request);

#endif
