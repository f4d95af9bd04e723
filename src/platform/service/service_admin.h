/* platform/service/service_admin.h - the admin port: health, version and metrics, for operators.
 *
 * Purpose:   answers /livez, /readyz, /startupz, /healthz (`?verbose` lists the checks),
 *            /version, /status, /metrics and /log-level. Used by platform/service/service.c alone.
 * Units:     none.
 * Ownership: the struct is the caller's; it ends with service_admin_stop.
 * Errors:    those of http_server_start.
 * Threads:   service_admin_set_room from any thread; after it returns, nobody uses the room before.
 */
#ifndef PLATFORM_SERVICE_SERVICE_ADMIN_H
#define PLATFORM_SERVICE_SERVICE_ADMIN_H

#include "platform/service/service.h"

#include <pthread.h>

struct service_admin {
    const struct service *service;
    const struct service_config *config;
    struct http_server *server; /* NULL: not started */
    pthread_mutex_t mutex;      /* guards `room` while it is asked */
    void *room;                 /* NULL: not started yet, or stopping */
};

MUST_CHECK enum status service_admin_start(struct service_admin *admin, const char *address,
                                           int port, struct error *err);
void service_admin_set_room(struct service_admin *admin, void *room);
void service_admin_stop(struct service_admin *admin); /* harmless where it was not started */

#endif
