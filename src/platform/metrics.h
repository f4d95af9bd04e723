/* platform/metrics.h - counters, gauges and histograms, and how Prometheus reads them.
 *
 * Purpose:   a room or a part of the platform declares its metrics in one table of rows; the
 *            table gives the objects, the text of /metrics and docs/reference/metrics.md. Labels
 *            have closed lists of values, so that nobody's name or id ever becomes one.
 * Units:     durations in microseconds; a metric whose name says `seconds` is printed in seconds.
 * Ownership: metrics are constants with cells beside them; nothing is made or freed.
 * Errors:    none. A series that is not in the table is a bug and aborts.
 * Threads:   any; an update is one or two relaxed atomic additions and never waits.
 *
 * A table in a header, its definition in one .c file (clang-format off around both):
 *
 *   #define OUTCOMES(X) X(OUTCOME_NEW, "new") X(OUTCOME_REPLAY, "replay")
 *   enum outcome { OUTCOMES(METRIC_VALUE_ENUM) OUTCOME_COUNT };
 *
 *   #define ROOM_METRIC_ROWS(X)                                                               \
 *       X(COUNTER, ROOM_REQUESTS, "room_requests_total", OUTCOME_COUNT, OUTCOME_LABELS,       \
 *         "Requests, by what became of them.")
 *   METRICS_DECLARE(ROOM_METRICS, ROOM_METRIC_ROWS);
 *
 *   METRIC_VALUES(outcome_value, OUTCOMES)
 *   static const struct metric_label OUTCOME_LABELS[] = {{"outcome", OUTCOME_COUNT,
 *                                                         outcome_value}, {0}};
 *   METRICS_DEFINE(ROOM_METRICS, "room", ROOM_METRIC_ROWS);
 *
 *   metric_count(&METRIC_ROOM_REQUESTS, OUTCOME_NEW); */
#ifndef PLATFORM_METRICS_H
#define PLATFORM_METRICS_H

#include "base/text.h"

#include <stdatomic.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Bounds of the histograms' buckets in microseconds; one more takes what is above. */
#define METRIC_BOUNDS_US                                                                           \
    250, 500, 1000, 2000, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2000000,     \
        5000000, 10000000, 30000000, 60000000, 300000000, 1800000000
enum {
    METRIC_BOUND_COUNT = 19,
    METRIC_CELLS_COUNTER = 1,
    METRIC_CELLS_GAUGE = 1,
    METRIC_CELLS_HISTOGRAM = METRIC_BOUND_COUNT + 2, /* buckets, the one above, the sum */
};

struct metric_label {
    const char *name; /* NULL ends a list */
    size_t count;     /* of values; 0: another name for the values of the label after it */
    const char *(*value)(size_t at); /* for each 0 to count - 1 */
};

struct metric {
    enum metric_kind kind;
    const char *name;
    const char *help;
    size_t series; /* the product of its labels' counts; 1 without labels */
    const struct metric_label *labels;
    atomic_int_least64_t *cells;
};

struct metric_table {
    const char *owner;                   /* gateway: a heading of the reference */
    const struct metric *const *metrics; /* up to NULL */
};

/* Ready for use by every row that has no labels. */
extern const struct metric_label METRIC_NO_LABELS[];

/* ---- what happens -------------------------------------------------------------------------- */

/* `series`: the label's value; of two labels metric_series; without labels 0. */
void metric_count(const struct metric *counter, size_t series);
void metric_add(const struct metric *metric, size_t series, int64_t by); /* no histogram */
void metric_set(const struct metric *gauge, size_t series, int64_t value);
void metric_observe(const struct metric *histogram, size_t series, int64_t duration_us);
/* The same duration of each of `times` things that happened together. */
void metric_observe_all(const struct metric *histogram, size_t series, int64_t duration_us,
                        size_t times);

/* Of a metric with two labels that have values of their own. */
size_t metric_series(const struct metric *metric, size_t first_value, size_t second_value);

/* The value; of a histogram how often it was observed. */
int64_t metric_read(const struct metric *metric, size_t series);

/* ---- who reads it -------------------------------------------------------------------------- */

enum metrics_form {
    METRICS_TEXT, /* of Prometheus, 0.0.4 */
    METRICS_OPEN, /* OpenMetrics 1.0: has the trace ids of slow observations; ends with an end */
};

/* What an Accept header asks for; METRICS_TEXT where it does not say. */
enum metrics_form metrics_form_accepted(struct text accept);
const char *metrics_content_type(enum metrics_form form);

/* Every series of a counter or gauge is there from the start, that of a histogram with labels from
 * its first observation on. */
void metrics_write(const struct metric_table *table, enum metrics_form form,
                   struct text_builder *out);
/* Behind the last table. */
void metrics_write_end(enum metrics_form form, struct text_builder *out);
/* docs/reference/metrics.md: how it begins, and a chapter of it. */
void metrics_write_introduction(struct text_builder *out);
void metrics_write_reference(const struct metric_table *table, struct text_builder *out);

/* ---- tables -------------------------------------------------------------------------------- */

#define METRIC_VALUE_ENUM(enumerator, value) enumerator,
#define METRIC_VALUE_ROW(enumerator, value)  [enumerator] = (value),
#define METRIC_VALUES(function, VALUES)                                                            \
    static const char *function(size_t at)                                                         \
    {                                                                                              \
        static const char *const ROWS[] = {VALUES(METRIC_VALUE_ROW)};                              \
        return ROWS[at];                                                                           \
    }

#define METRIC_DECLARE(kind, symbol, name, series, labels, help)                                   \
    extern const struct metric METRIC_##symbol;
#define METRIC_DEFINE(kind_, symbol, name_, series_, labels_, help_)                               \
    static atomic_int_least64_t METRIC_##symbol##_CELLS[(series_)*METRIC_CELLS_##kind_];           \
    const struct metric METRIC_##symbol = {.kind = METRIC_##kind_,                                 \
                                           .name = (name_),                                        \
                                           .help = (help_),                                        \
                                           .series = (series_),                                    \
                                           .labels = (labels_),                                    \
                                           .cells = METRIC_##symbol##_CELLS};
#define METRIC_ADDRESS(kind, symbol, name, series, labels, help) &METRIC_##symbol,

#define METRICS_DECLARE(table, ROWS)                                                               \
    ROWS(METRIC_DECLARE)                                                                           \
    extern const struct metric_table table
#define METRICS_DEFINE(table, owner, ROWS)                                                         \
    ROWS(METRIC_DEFINE)                                                                            \
    static const struct metric *const table##_LIST[] = {ROWS(METRIC_ADDRESS) NULL};                \
    const struct metric_table table = {owner, table##_LIST}

#endif
