/* ledger/metrics.h - what the ledger counts and measures.
 *
 * Purpose:   the table of the room's metrics; see platform/metrics.h.
 * Units:     as named.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   any. */
#ifndef LEDGER_METRICS_H
#define LEDGER_METRICS_H

#include "platform/http/http_metrics.h"

/* Requests of the door, for http_request.route. */
#define LEDGER_ROUTES(X)                                                                           \
    X(ROUTE_NONE, "", "")                                                                          \
    X(ROUTE_ENTRIES, "GET", "/internal/accounts/{account_id}/entries")                             \
    X(ROUTE_BALANCE, "GET", "/internal/accounts/{account_id}/balance")

enum ledger_route { LEDGER_ROUTES(HTTP_ROUTE_ENUM) ROUTE_COUNT };

enum { JOURNAL_TYPE_COUNT = 2 }; /* of enum journal_type */

/* What the self-check looks after: names of `tallystick verify --list`. */
#define LEDGER_CHECKS(X)                                                                           \
    X(CHECK_JOURNALS_BALANCE, "journals_balance")                                                  \
    X(CHECK_TRIAL_BALANCE, "trial_balance")                                                        \
    X(CHECK_BALANCES_MATCH_ENTRIES, "balances_match_entries")                                      \
    X(CHECK_CHAIN_UNBROKEN, "chain_unbroken")

enum ledger_check { LEDGER_CHECKS(METRIC_VALUE_ENUM) LEDGER_CHECK_COUNT };

const char *ledger_check_name(size_t check);

/* clang-format off */
#define LEDGER_METRIC_ROWS(X)                                                                      \
    X(HISTOGRAM, LEDGER_HTTP, HTTP_METRIC_NAME, HTTP_METRIC_SERIES(ROUTE_COUNT),                   \
      LEDGER_HTTP_LABELS, HTTP_METRIC_HELP)                                                        \
    X(COUNTER, LEDGER_JOURNALS, "ledger_journals_total", JOURNAL_TYPE_COUNT, JOURNAL_LABELS,       \
      "Journals written and committed.")                                                           \
    X(HISTOGRAM, LEDGER_LOCK_WAIT, "ledger_lock_wait_seconds", 1, METRIC_NO_LABELS,                \
      "Batches of commands, for how long they waited for the chain heads of their lanes.")         \
    X(GAUGE, LEDGER_VIOLATIONS, "ledger_invariant_violations", LEDGER_CHECK_COUNT,                 \
      LEDGER_CHECK_LABELS,                                                                         \
      "How often an invariant of the books is broken, as the self-check last found it.")           \
    X(GAUGE, LEDGER_CHECK_LAG, "ledger_verify_lag_seconds", 1, METRIC_NO_LABELS,                   \
      "How long ago the self-check saw the lane that it has not seen for the longest time.")
/* clang-format on */
METRICS_DECLARE(LEDGER_METRICS, LEDGER_METRIC_ROWS);

#endif
