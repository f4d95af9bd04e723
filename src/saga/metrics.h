/* saga/metrics.h - what the saga orchestrator counts and measures.
 *
 * Purpose:   the table of the room's metrics; see platform/metrics.h.
 * Units:     as named.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   any. */
#ifndef SAGA_METRICS_H
#define SAGA_METRICS_H

#include "domain/saga.h"
#include "platform/http/http_metrics.h"

/* Requests of the door, for http_request.route. */
#define SAGA_ROUTES(X)                                                                             \
    X(ROUTE_NONE, "", "")                                                                          \
    X(ROUTE_SAGAS, "GET", "/internal/sagas")                                                       \
    X(ROUTE_SAGA, "GET", "/internal/sagas/{id}")                                                   \
    X(ROUTE_WAIT, "POST", "/internal/sagas/wait")                                                  \
    X(ROUTE_DEED, "POST", "/internal/sagas/{id}/deeds")

enum saga_route { SAGA_ROUTES(HTTP_ROUTE_ENUM) ROUTE_COUNT };

enum { SAGA_ACTIVE_STATES = 4, SAGA_END_STATES = 3 };

/* clang-format off */
#define SAGA_METRIC_ROWS(X)                                                                        \
    X(HISTOGRAM, SAGA_HTTP, HTTP_METRIC_NAME, HTTP_METRIC_SERIES(ROUTE_COUNT),                     \
      SAGA_HTTP_LABELS, HTTP_METRIC_HELP)                                                          \
    X(GAUGE, SAGA_ACTIVE, "saga_active", SAGA_TYPE_COUNT * SAGA_ACTIVE_STATES,                     \
      ACTIVE_LABELS,                                                                               \
      "Sagas in the database that have not ended; any orchestrator counts all.")                   \
    X(GAUGE, SAGAS_STUCK, "saga_stuck", 1, METRIC_NO_LABELS,                                       \
      "Sagas without an answer for so long that somebody has to look; any orchestrator counts "    \
      "all.")                                                                                      \
    X(HISTOGRAM, SAGA_DURATION, "saga_duration_seconds", SAGA_TYPE_COUNT * SAGA_END_STATES,        \
      END_LABELS, "Sagas that ended, from the event that began them.")
/* clang-format on */
METRICS_DECLARE(SAGA_METRICS, SAGA_METRIC_ROWS);

/* How many sagas of each type are in each state; those that have ended are not looked at. */
void saga_metrics_set(const int64_t counts[static SAGA_TYPE_COUNT][SAGA_STATE_COUNT]);
/* A saga has come to this state, `duration_us` after it began; a state that is no end is left out.
 */
void saga_metrics_observe(enum saga_type type, enum saga_state state, int64_t duration_us);

#endif
