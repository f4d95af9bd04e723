/* platform/service_admin.h - the admin port: health and version, for operators and orchestrators.
 *
 * Purpose:   answers /livez, /readyz, /startupz, /healthz (`?verbose` lists the checks) and
 *            /version. Used by platform/service.c alone.
 * Units:     none.
 * Ownership: the caller stops the server.
 * Errors:    those of http_server_start.
 * Threads:   as http_server. */
#ifndef PLATFORM_SERVICE_ADMIN_H
#define PLATFORM_SERVICE_ADMIN_H

#include "platform/service.h"

MUST_CHECK enum status service_admin_start(const char *service, const char *address, int port,
                                           struct http_server **server_out, struct error *err);

#endif
