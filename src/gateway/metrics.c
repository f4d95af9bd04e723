#include "gateway/metrics.h"

METRIC_VALUES(idempotency_value, IDEMPOTENCY_OUTCOMES)

static const struct metric_label IDEMPOTENCY_LABELS[] = {
    {"outcome", IDEMPOTENCY_OUTCOME_COUNT, idempotency_value},
    {NULL, 0, NULL},
};

METRICS_DEFINE(GATEWAY_METRICS, "gateway", GATEWAY_METRIC_ROWS);
