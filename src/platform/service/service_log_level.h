/* platform/service/service_log_level.h - the log level of a service that runs.
 *
 * Purpose:   GET /log-level of the admin port says it, PUT /log-level {"level":"debug"} changes it
 *            until the process ends. To silence a service's log is worth a secret: PUT needs the
 *            services' own, but in the dev profile. Used by platform/service/service_admin.c alone.
 * Units:     none.
 * Ownership: the request is answered.
 * Errors:    problems: 400, 401, 405, 422.
 * Threads:   the admin port's. */
#ifndef PLATFORM_SERVICE_SERVICE_LOG_LEVEL_H
#define PLATFORM_SERVICE_SERVICE_LOG_LEVEL_H

#include "platform/service/service.h"

void service_answer_log_level(const struct service_config *config, struct http_request *request);

#endif
