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

METRICS_DEFINE(OUTBOX_METRICS, "outbox", OUTBOX_METRIC_ROWS);
