#include "gateway/metrics.h"

METRIC_VALUES(idempotency_value, IDEMPOTENCY_OUTCOMES)

static const struct metric_label IDEMPOTENCY_LABELS[] = {
    {"outcome", IDEMPOTENCY_OUTCOME_COUNT, idempotency_value},
    {NULL, 0, NULL},
};

METRIC_VALUES(shed_value, SHED_REASONS)

static const struct metric_label SHED_LABELS[] = {
    {"reason", SHED_REASON_COUNT, shed_value},
    {NULL, 0, NULL},
};

static const struct metric_label GATEWAY_HTTP_LABELS[] =
    HTTP_METRIC_LABELS(ROUTE_COUNT, routes_method, routes_path);

METRICS_DEFINE(GATEWAY_METRICS, "gateway", GATEWAY_METRIC_ROWS);
