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

/* clang-format off */
#define LEDGER_METRIC_ROWS(X)                                                                      \
    X(HISTOGRAM, LEDGER_HTTP, HTTP_METRIC_NAME, HTTP_METRIC_SERIES(ROUTE_COUNT),                   \
      LEDGER_HTTP_LABELS, HTTP_METRIC_HELP)                                                        \
    X(COUNTER, LEDGER_JOURNALS, "ledger_journals_total", JOURNAL_TYPE_COUNT, JOURNAL_LABELS,       \
      "Journals written and committed.")
/* clang-format on */
METRICS_DECLARE(LEDGER_METRICS, LEDGER_METRIC_ROWS);

#endif
