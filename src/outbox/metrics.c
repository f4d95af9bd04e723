#include "outbox/metrics.h"

METRIC_VALUES(source_value, OUTBOX_SOURCES)

const char *outbox_source_name(size_t source)
{
    return source_value(source);
}

static const struct metric_label SOURCE_LABELS[] = {
    {"source", SOURCE_COUNT, source_value},
    {NULL, 0, NULL},
};

METRIC_VALUES(notification_outcome_value, NOTIFICATION_OUTCOMES)

static const struct metric_label NOTIFICATION_LABELS[] = {
    {"outcome", NOTIFICATION_OUTCOME_COUNT, notification_outcome_value},
    {NULL, 0, NULL},
};

METRICS_DEFINE(OUTBOX_METRICS, "outbox", OUTBOX_METRIC_ROWS);
