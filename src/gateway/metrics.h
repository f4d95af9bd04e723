/* gateway/metrics.h - what the gateway counts and measures.
 *
 * Purpose:   the table of the room's metrics; see platform/metrics.h.
 * Units:     as named.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   any. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include "gateway/routes.h"
#include "platform/http/http_metrics.h"

/* What an idempotency key said about its request. */
#define IDEMPOTENCY_OUTCOMES(X)                                                                    \
    X(IDEMPOTENCY_NEW, "new")             /* first of its key, or asked again after a refusal  */  \
    X(IDEMPOTENCY_REPLAY, "replay")       /* the first outcome was answered again              */  \
    X(IDEMPOTENCY_IN_FLIGHT, "in_flight") /* 409: somebody else is at it                       */  \
    X(IDEMPOTENCY_MISMATCH, "mismatch")   /* 422: the key of another request                   */  \
    X(IDEMPOTENCY_MISSING, "missing")     /* 400: a key is needed, none came                   */  \
    X(IDEMPOTENCY_TAKEOVER, "takeover")   /* the claim of a gateway that went away             */  \
    X(IDEMPOTENCY_FALLBACK, "fallback")   /* the key store was down, its shield was gone       */

enum idempotency_outcome { IDEMPOTENCY_OUTCOMES(METRIC_VALUE_ENUM) IDEMPOTENCY_OUTCOME_COUNT };

/* Where there was no place or no time for it. */
#define SHED_REASONS(X)                                                                            \
    X(SHED_QUEUE_FULL, "queue_full") /* of this gateway                                        */  \
    X(SHED_QUEUE_SLOW, "queue_slow") /* there was room, but it would have waited too long      */  \
    X(SHED_DOWNSTREAM, "downstream") /* queued, but the authorization service is too busy      */

enum shed_reason { SHED_REASONS(METRIC_VALUE_ENUM) SHED_REASON_COUNT };

/* clang-format off */
#define GATEWAY_METRIC_ROWS(X)                                                                     \
    X(HISTOGRAM, GATEWAY_HTTP, HTTP_METRIC_NAME, HTTP_METRIC_SERIES(ROUTE_COUNT),                  \
      GATEWAY_HTTP_LABELS, HTTP_METRIC_HELP)                                                       \
    X(HISTOGRAM, GATEWAY_QUEUE_WAIT, "auth_queue_wait_seconds", 1, METRIC_NO_LABELS,               \
      "What changes something, from its request's first byte until a worker took it.")             \
    X(COUNTER, GATEWAY_SHED, "auth_shed_total", SHED_REASON_COUNT, SHED_LABELS,                    \
      "Requests answered 503 for being too many, nothing done; each item of a batch counts.")      \
    X(COUNTER, RATE_LIMITED, "auth_rate_limited_total", 1, METRIC_NO_LABELS,                       \
      "Requests answered 429 because their API key had sent more than it may, nothing done.")      \
    X(COUNTER, IDEMPOTENCY_REQUESTS, "idempotency_requests_total", IDEMPOTENCY_OUTCOME_COUNT,      \
      IDEMPOTENCY_LABELS,                                                                          \
      "Requests that need an idempotency key, by what the key said; each item of a batch counts.")
/* clang-format on */
METRICS_DECLARE(GATEWAY_METRICS, GATEWAY_METRIC_ROWS);

#endif
