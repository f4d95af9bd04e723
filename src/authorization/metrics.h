/* authorization/metrics.h - what the authorization service counts and measures.
 *
 * Purpose:   the table of the room's metrics; see platform/metrics.h.
 * Units:     as named.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   any. */
#ifndef AUTHORIZATION_METRICS_H
#define AUTHORIZATION_METRICS_H

#include "domain/authorization.h"
#include "domain/money.h"
#include "platform/http/http_metrics.h"

/* Requests of the door, for http_request.route. */
#define AUTHORIZATION_ROUTES(X)                                                                    \
    X(ROUTE_NONE, "", "")                                                                          \
    X(ROUTE_HOP, "POST", "/internal/authorizations")                                               \
    X(ROUTE_READ_AUTHORIZATIONS, "GET", "/internal/authorizations")                                \
    X(ROUTE_READ_ACCOUNTS, "GET", "/internal/accounts")

enum authorization_route { AUTHORIZATION_ROUTES(HTTP_ROUTE_ENUM) ROUTE_COUNT };

/* Where there was no place or no time. */
#define SHED_REASONS(X)                                                                            \
    X(SHED_QUEUE_FULL, "queue_full")     /* a whole hop, however many items it has */              \
    X(SHED_TOO_LATE, "too_late")         /* an item whose time was over before it was tried */     \
    X(SHED_ACCOUNT_BUSY, "account_busy") /* an item whose account somebody else keeps locked */

enum shed_reason { SHED_REASONS(METRIC_VALUE_ENUM) SHED_REASON_COUNT };

/* What the self-check looks after: names of `tallystick verify --list`. */
#define AUTHORIZATION_CHECKS(X) X(CHECK_HELD_MATCHES, "held_matches_open_authorizations")

enum authorization_check { AUTHORIZATION_CHECKS(METRIC_VALUE_ENUM) AUTHORIZATION_CHECK_COUNT };

const char *authorization_check_name(size_t check);

/* clang-format off */
#define AUTHORIZATION_METRIC_ROWS(X)                                                               \
    X(HISTOGRAM, AUTHORIZATION_HTTP, HTTP_METRIC_NAME, HTTP_METRIC_SERIES(ROUTE_COUNT),            \
      AUTHORIZATION_HTTP_LABELS, HTTP_METRIC_HELP)                                                 \
    X(COUNTER, DECISIONS, "auth_decisions_total", DECISION_CODE_COUNT, DECISION_LABELS,            \
      "Authorizations decided and saved; a repeat is none.")                                       \
    X(HISTOGRAM, DECISION_DURATION, "auth_decision_duration_seconds", 1, METRIC_NO_LABELS,         \
      "Requests for credit, from a worker's start on their batch until it was committed.")         \
    X(HISTOGRAM, AUTHORIZATION_QUEUE_WAIT, "auth_queue_wait_seconds", 1, METRIC_NO_LABELS,         \
      "Hops of the gateway, from their first byte until a worker took them.")                      \
    X(COUNTER, AUTHORIZATION_SHED, "auth_shed_total", SHED_REASON_COUNT, SHED_LABELS,              \
      "Hops and items answered 503 for being too many or their account locked, nothing done.")     \
    X(COUNTER, LOCK_TIMEOUTS, "auth_lock_timeouts_total", 1, METRIC_NO_LABELS,                     \
      "Batches that waited in vain for an account that somebody else keeps locked.")               \
    X(COUNTER, HOLD_EXPIRED, "hold_expired_total", 1, METRIC_NO_LABELS,                            \
      "Holds released because their time was over.")                                               \
    X(GAUGE, HOLD_EXPIRY_LAG, "hold_expiry_lag_seconds", 1, METRIC_NO_LABELS,                      \
      "How long the longest overdue hold had waited when the sweeper last looked; 0: none.")       \
    X(GAUGE, HOLD_OPEN, "hold_open", 1, METRIC_NO_LABELS,                                          \
      "Open holds, as the self-check last counted them; any authorization service counts all.")    \
    X(GAUGE, HOLD_OPEN_AMOUNT, "hold_open_amount_minor", CURRENCY_COUNT, CURRENCY_LABELS,          \
      "What they hold, in minor units such as cents.")                                             \
    X(GAUGE, AUTHORIZATION_VIOLATIONS, "auth_invariant_violations", AUTHORIZATION_CHECK_COUNT,     \
      AUTHORIZATION_CHECK_LABELS,                                                                  \
      "Accounts that break an invariant, as the self-check last found them.")                      \
    X(GAUGE, AUTHORIZATION_CHECK_LAG, "auth_verify_lag_seconds", 1, METRIC_NO_LABELS,              \
      "How long ago the self-check saw the lane that it has not seen for the longest time.")
/* clang-format on */
METRICS_DECLARE(AUTHORIZATION_METRICS, AUTHORIZATION_METRIC_ROWS);

#endif
