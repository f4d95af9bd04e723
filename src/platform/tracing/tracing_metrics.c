#include "platform/tracing/tracing_metrics.h"

METRIC_VALUES(queued_value, SPANS_QUEUED)
METRIC_VALUES(exported_value, SPANS_EXPORTED)

static const struct metric_label SPANS_QUEUED_LABELS[] = {
    {"error_type", SPANS_QUEUED_COUNT, queued_value},
    {NULL, 0, NULL},
};

static const struct metric_label SPANS_EXPORTED_LABELS[] = {
    {"error_type", SPANS_EXPORTED_COUNT, exported_value},
    {NULL, 0, NULL},
};

METRICS_DEFINE(TRACING_METRICS, "every service: tracing", TRACING_METRIC_ROWS);
