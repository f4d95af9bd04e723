#include "platform/messaging/metrics.h"

METRIC_VALUES(class_value, DEAD_CLASSES)

static const struct metric_label DEAD_CLASS_LABELS[] = {
    {"class", DEAD_CLASS_COUNT, class_value},
    {NULL, 0, NULL},
};

METRICS_DEFINE(MESSAGING_METRICS, "authorization, ledger, saga", MESSAGING_METRIC_ROWS);
