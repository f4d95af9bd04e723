#include "ledger/metrics.h"

#include "domain/journal.h"

HTTP_ROUTE_VALUES(LEDGER_ROUTES)

static const struct metric_label LEDGER_HTTP_LABELS[] =
    HTTP_METRIC_LABELS(ROUTE_COUNT, route_method, route_path);

static const char *journal_value(size_t at)
{
    return journal_type_name((enum journal_type)at);
}

static const struct metric_label JOURNAL_LABELS[] = {
    {"type", JOURNAL_TYPE_COUNT, journal_value},
    {NULL, 0, NULL},
};
_Static_assert(JOURNAL_RELEASE_HOLD + 1 == JOURNAL_TYPE_COUNT, "it is the last type");

METRIC_VALUES(check_value, LEDGER_CHECKS)

const char *ledger_check_name(size_t check)
{
    return check_value(check);
}

static const struct metric_label LEDGER_CHECK_LABELS[] = {
    {"check", LEDGER_CHECK_COUNT, check_value},
    {NULL, 0, NULL},
};

METRICS_DEFINE(LEDGER_METRICS, "ledger", LEDGER_METRIC_ROWS);
