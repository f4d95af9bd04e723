#include "saga/metrics.h"

#include "base/assert.h"

HTTP_ROUTE_VALUES(SAGA_ROUTES)

static const struct metric_label SAGA_HTTP_LABELS[] =
    HTTP_METRIC_LABELS(ROUTE_COUNT, route_method, route_path);

static const enum saga_state ACTIVE[] = {SAGA_STARTED, SAGA_RUNNING, SAGA_COMPENSATING, SAGA_STUCK};
static const enum saga_state ENDS[] = {SAGA_COMPLETED, SAGA_COMPENSATED, SAGA_ABANDONED};
_Static_assert(COUNT(ACTIVE) == SAGA_ACTIVE_STATES, "metrics.h counts them");
_Static_assert(COUNT(ENDS) == SAGA_END_STATES, "metrics.h counts them");
_Static_assert(COUNT(ACTIVE) + COUNT(ENDS) == SAGA_STATE_COUNT, "every state is one of them");

static const char *type_value(size_t at)
{
    return saga_type_name((enum saga_type)at);
}

static const char *active_value(size_t at)
{
    return saga_state_name(ACTIVE[at]);
}

static const char *end_value(size_t at)
{
    return saga_state_name(ENDS[at]);
}

static const struct metric_label ACTIVE_LABELS[] = {
    {"saga", SAGA_TYPE_COUNT, type_value},
    {"state", SAGA_ACTIVE_STATES, active_value},
    {NULL, 0, NULL},
};

static const struct metric_label END_LABELS[] = {
    {"saga", SAGA_TYPE_COUNT, type_value},
    {"state", SAGA_END_STATES, end_value},
    {NULL, 0, NULL},
};

METRICS_DEFINE(SAGA_METRICS, "saga", SAGA_METRIC_ROWS);

void saga_metrics_set(const int64_t counts[static SAGA_TYPE_COUNT][SAGA_STATE_COUNT])
{
    int64_t stuck = 0;
    for (size_t type = 0; type < SAGA_TYPE_COUNT; type++) {
        for (size_t at = 0; at < COUNT(ACTIVE); at++)
            metric_set(&METRIC_SAGA_ACTIVE, metric_series(&METRIC_SAGA_ACTIVE, type, at),
                       counts[type][ACTIVE[at]]);
        stuck += counts[type][SAGA_STUCK];
    }
    metric_set(&METRIC_SAGAS_STUCK, 0, stuck);
}

void saga_metrics_observe(enum saga_type type, enum saga_state state, int64_t duration_us)
{
    for (size_t at = 0; at < COUNT(ENDS); at++)
        if (ENDS[at] == state)
            metric_observe(&METRIC_SAGA_DURATION, metric_series(&METRIC_SAGA_DURATION, type, at),
                           duration_us);
}
