#include "platform/service/service_metrics.h"

#include "base/error.h"

_Static_assert(ERR_BROKEN + 1 == STATUS_COUNT, "ERR_BROKEN is the last status");

static const char *status_value(size_t at)
{
    return status_name((enum status)at);
}

static const struct metric_label DB_OPERATION_LABELS[] = {
    {"status", STATUS_COUNT, status_value},
    {NULL, 0, NULL},
};

static const char *dependency_value(size_t at)
{
    return dependency_name((enum dependency)at);
}

static const struct metric_label DEPENDENCY_LABELS[] = {
    {"dependency", DEPENDENCY_COUNT, dependency_value},
    {NULL, 0, NULL},
};

METRICS_DEFINE(SERVICE_METRICS, "every service", SERVICE_METRIC_ROWS);
