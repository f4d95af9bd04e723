#include "authorization/metrics.h"

HTTP_ROUTE_VALUES(AUTHORIZATION_ROUTES)

static const char *decision_value(size_t at)
{
    return at == DECISION_APPROVED ? "approved" : "declined";
}

static const char *code_value(size_t at)
{
    return decision_code_name((enum decision_code)at);
}

METRIC_VALUES(shed_value, SHED_REASONS)

static const struct metric_label AUTHORIZATION_HTTP_LABELS[] =
    HTTP_METRIC_LABELS(ROUTE_COUNT, route_method, route_path);

static const struct metric_label DECISION_LABELS[] = {
    {"decision", 0, decision_value},
    {"code", DECISION_CODE_COUNT, code_value},
    {NULL, 0, NULL},
};

static const struct metric_label SHED_LABELS[] = {
    {"reason", SHED_REASON_COUNT, shed_value},
    {NULL, 0, NULL},
};

METRIC_VALUES(check_value, AUTHORIZATION_CHECKS)

const char *authorization_check_name(size_t check)
{
    return check_value(check);
}

static const struct metric_label AUTHORIZATION_CHECK_LABELS[] = {
    {"check", AUTHORIZATION_CHECK_COUNT, check_value},
    {NULL, 0, NULL},
};

static const char *currency_value(size_t at)
{
    return currency_at(at)->code;
}

static const struct metric_label CURRENCY_LABELS[] = {
    {"currency", CURRENCY_COUNT, currency_value},
    {NULL, 0, NULL},
};

METRICS_DEFINE(AUTHORIZATION_METRICS, "authorization", AUTHORIZATION_METRIC_ROWS);
