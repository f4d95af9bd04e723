/* platform/service/service_metrics.h - what every service counts and measures.
 *
 * Purpose:   the table that service.c shows before a service's own; see platform/metrics.h.
 * Units:     as named.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   any. */
#ifndef PLATFORM_SERVICE_SERVICE_METRICS_H
#define PLATFORM_SERVICE_SERVICE_METRICS_H

#include "platform/dependency.h"
#include "platform/metrics.h"

enum { STATUS_COUNT = 9 }; /* of enum status */

/* clang-format off */
#define SERVICE_METRIC_ROWS(X)                                                                     \
    X(GAUGE, PROCESS_START, "process_start_time_seconds", 1, METRIC_NO_LABELS,                     \
      "When the process started, in seconds since 1970-01-01 UTC.")                                \
    X(HISTOGRAM, DB_OPERATION, "db_client_operation_duration_seconds", STATUS_COUNT,               \
      DB_OPERATION_LABELS,                                                                         \
      "Round trips to PostgreSQL, each of one or several statements, by how they ended.")          \
    X(GAUGE, DEPENDENCY_AWAY, "dependency_away", DEPENDENCY_COUNT, DEPENDENCY_LABELS,              \
      "1 while the service is degraded because it has to do without this; 0 otherwise.")
/* clang-format on */
METRICS_DECLARE(SERVICE_METRICS, SERVICE_METRIC_ROWS);

#endif
