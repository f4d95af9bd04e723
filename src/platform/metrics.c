/* Cells of a histogram's series: a count for each bound, one for what is above them all, the sum.
 * Buckets are kept apart and added up when they are read, so that an observation touches two cells
 * and the exposition's count always equals its last bucket. */
#include "platform/metrics.h"

#include "base/assert.h"
#include "platform/exemplar.h"

#include <inttypes.h>
#include <stdio.h>

static const int64_t BOUNDS_US[] = {METRIC_BOUNDS_US};
_Static_assert(COUNT(BOUNDS_US) == METRIC_BOUND_COUNT, "METRIC_BOUND_COUNT counts the bounds");

enum { SUM_CELL = METRIC_BOUND_COUNT + 1 };

static const int64_t SECOND_US = 1000000;

const struct metric_label METRIC_NO_LABELS[] = {{NULL, 0, NULL}};

/* ---- what happens -------------------------------------------------------------------------- */

static atomic_int_least64_t *cells_of(const struct metric *metric, size_t series)
{
    ASSERT(series < metric->series);
    return &metric->cells[series * (metric->kind == METRIC_HISTOGRAM ? METRIC_CELLS_HISTOGRAM : 1)];
}

static int64_t load(const atomic_int_least64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

static void add(atomic_int_least64_t *cell, int64_t by)
{
    atomic_fetch_add_explicit(cell, by, memory_order_relaxed);
}

void metric_count(const struct metric *counter, size_t series)
{
    metric_add(counter, series, 1);
}

void metric_add(const struct metric *metric, size_t series, int64_t by)
{
    ASSERT(metric->kind == METRIC_GAUGE || (metric->kind == METRIC_COUNTER && by >= 0));
    add(cells_of(metric, series), by);
}

void metric_set(const struct metric *gauge, size_t series, int64_t value)
{
    ASSERT(gauge->kind == METRIC_GAUGE);
    atomic_store_explicit(cells_of(gauge, series), value, memory_order_relaxed);
}

void metric_observe(const struct metric *histogram, size_t series, int64_t duration_us)
{
    metric_observe_all(histogram, series, duration_us, 1);
}

static size_t bucket_of(int64_t value_us)
{
    size_t bucket = 0;
    while (bucket < METRIC_BOUND_COUNT && value_us > BOUNDS_US[bucket])
        bucket++;
    return bucket;
}

void metric_observe_all(const struct metric *histogram, size_t series, int64_t duration_us,
                        size_t times)
{
    ASSERT(histogram->kind == METRIC_HISTOGRAM);
    atomic_int_least64_t *cells = cells_of(histogram, series);
    const int64_t whole_us = duration_us > 0 ? duration_us : 0;
    add(&cells[bucket_of(whole_us)], (int64_t)times);
    add(&cells[SUM_CELL], whole_us * (int64_t)times);
}

/* The label with the values: its other names stand before it. */
static const struct metric_label *valued(const struct metric_label *label)
{
    while (label->name != NULL && label->count == 0)
        label++;
    return label;
}

size_t metric_series(const struct metric *metric, size_t first_value, size_t second_value)
{
    const struct metric_label *first = valued(metric->labels);
    const struct metric_label *second = valued(first + 1);
    ASSERT(first_value < first->count);
    ASSERT(second_value < second->count);
    return first_value * second->count + second_value;
}

int64_t metric_read(const struct metric *metric, size_t series)
{
    const atomic_int_least64_t *cells = cells_of(metric, series);
    if (metric->kind != METRIC_HISTOGRAM)
        return load(cells);
    int64_t count = 0;
    for (size_t at = 0; at <= METRIC_BOUND_COUNT; at++)
        count += load(&cells[at]);
    return count;
}

/* ---- the exposition ------------------------------------------------------------------------ */

static const char *kind_name(enum metric_kind kind)
{
    static const char *const NAMES[] = {"counter", "gauge", "histogram"};
    return NAMES[kind];
}

static bool is_in_seconds(const struct metric *metric)
{
    return strstr(metric->name, "_seconds") != NULL;
}

/* 1250000 as 1.25: no trailing zeros, no point where nothing follows it. */
static void write_seconds(struct text_builder *out, int64_t value_us)
{
    char digits[32];
    const uint64_t size_us = value_us < 0 ? 0 - (uint64_t)value_us : (uint64_t)value_us;
    int size = snprintf(digits, sizeof digits, "%s%" PRIu64 ".%06" PRIu64, value_us < 0 ? "-" : "",
                        size_us / (uint64_t)SECOND_US, size_us % (uint64_t)SECOND_US);
    while (digits[size - 1] == '0')
        size--;
    if (digits[size - 1] == '.')
        size--;
    text_builder_add(out, digits, (size_t)size);
}

static void write_value(struct text_builder *out, const struct metric *metric, int64_t value)
{
    text_builder_add_c(out, " ");
    if (is_in_seconds(metric))
        write_seconds(out, value);
    else
        text_builder_add_format(out, "%" PRId64, value);
    text_builder_add_c(out, "\n");
}

static bool has_labels(const struct metric *metric)
{
    return metric->labels->name != NULL;
}

/* `outcome="new",code="approved"`: the last label's values follow each other. */
static void write_labels(struct text_builder *out, const struct metric *metric, size_t series)
{
    size_t stride = metric->series;
    size_t value = 0;
    const struct metric_label *of = NULL; /* whose value it is */
    for (const struct metric_label *label = metric->labels; label->name != NULL; label++) {
        if (of != valued(label)) {
            of = valued(label);
            stride /= of->count;
            value = series / stride % of->count;
        }
        text_builder_add_format(out, "%s%s=\"%s\"", label == metric->labels ? "" : ",", label->name,
                                label->value(value));
    }
}

static void write_name(struct text_builder *out, const struct metric *metric, const char *suffix,
                       size_t series)
{
    text_builder_add_format(out, "%s%s", metric->name, suffix);
    if (!has_labels(metric))
        return;
    text_builder_add_c(out, "{");
    write_labels(out, metric, series);
    text_builder_add_c(out, "}");
}

/* In OpenMetrics a bound is a decimal even where it is whole: 1.0. */
static void write_bound(struct text_builder *out, enum metrics_form form, size_t bucket)
{
    if (bucket == METRIC_BOUND_COUNT) {
        text_builder_add_c(out, "+Inf");
        return;
    }
    write_seconds(out, BOUNDS_US[bucket]);
    if (form == METRICS_OPEN && BOUNDS_US[bucket] % SECOND_US == 0)
        text_builder_add_c(out, ".0");
}

static void write_bucket(struct text_builder *out, enum metrics_form form,
                         const struct metric *metric, size_t series, size_t bucket)
{
    text_builder_add_format(out, "%s_bucket{", metric->name);
    write_labels(out, metric, series);
    text_builder_add_format(out, "%sle=\"", !has_labels(metric) ? "" : ",");
    write_bound(out, form, bucket);
    text_builder_add_c(out, "\"}");
}

/* Behind the bucket that it is in. */
static void write_exemplar(struct text_builder *out, const struct exemplar *exemplar, size_t bucket)
{
    if (bucket_of(exemplar->value_us) != bucket)
        return;
    text_builder_add_format(out, " # {trace_id=\"%s\"} ", exemplar->trace_id);
    write_seconds(out, exemplar->value_us);
    text_builder_add_c(out, " ");
    write_seconds(out, exemplar->at_us);
}

static void write_histogram(struct text_builder *out, enum metrics_form form,
                            const struct metric *metric, size_t series)
{
    const atomic_int_least64_t *cells = cells_of(metric, series);
    int64_t count = 0;
    struct exemplar exemplar;
    if (has_labels(metric) && metric_read(metric, series) == 0)
        return;
    const bool has_exemplar = form == METRICS_OPEN && exemplar_find(metric, series, &exemplar);
    for (size_t bucket = 0; bucket <= METRIC_BOUND_COUNT; bucket++) {
        count += load(&cells[bucket]);
        write_bucket(out, form, metric, series, bucket);
        text_builder_add_format(out, " %" PRId64, count);
        if (has_exemplar)
            write_exemplar(out, &exemplar, bucket);
        text_builder_add_c(out, "\n");
    }
    write_name(out, metric, "_sum", series);
    write_value(out, metric, load(&cells[SUM_CELL]));
    write_name(out, metric, "_count", series);
    text_builder_add_format(out, " %" PRId64 "\n", count);
}

/* In OpenMetrics `_total` is of a counter's samples, not of its name. */
static struct text family_name(enum metrics_form form, const struct metric *metric)
{
    struct text name = text_of(metric->name);
    if (form == METRICS_OPEN && metric->kind == METRIC_COUNTER)
        name.size -= strlen("_total");
    return name;
}

static void write_metric(struct text_builder *out, enum metrics_form form,
                         const struct metric *metric)
{
    const struct text name = family_name(form, metric);
    text_builder_add_format(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", TEXT_ARGS(name), metric->help,
                            TEXT_ARGS(name), kind_name(metric->kind));
    for (size_t series = 0; series < metric->series; series++) {
        if (metric->kind == METRIC_HISTOGRAM) {
            write_histogram(out, form, metric, series);
            continue;
        }
        write_name(out, metric, "", series);
        write_value(out, metric, load(cells_of(metric, series)));
    }
}

enum metrics_form metrics_form_accepted(struct text accept)
{
    const struct text wanted = TEXT("application/openmetrics-text");
    for (; accept.size >= wanted.size; accept = text_skip(accept, 1))
        if (memcmp(accept.data, wanted.data, wanted.size) == 0)
            return METRICS_OPEN;
    return METRICS_TEXT;
}

const char *metrics_content_type(enum metrics_form form)
{
    return form == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                : "text/plain; version=0.0.4; charset=utf-8";
}

void metrics_write(const struct metric_table *table, enum metrics_form form,
                   struct text_builder *out)
{
    for (size_t at = 0; table->metrics[at] != NULL; at++)
        write_metric(out, form, table->metrics[at]);
}

void metrics_write_end(enum metrics_form form, struct text_builder *out)
{
    if (form == METRICS_OPEN)
        text_builder_add_c(out, "# EOF\n");
}

/* ---- the reference ------------------------------------------------------------------------- */

/* `color`: red, blue; labels that share their values stand together. */
static void write_reference_labels(struct text_builder *out, const struct metric *metric)
{
    const struct metric_label *label = metric->labels;
    while (label->name != NULL) {
        const struct metric_label *const last = valued(label);
        text_builder_add_c(out, label == metric->labels ? "" : "; ");
        for (const struct metric_label *at = label; at <= last; at++)
            text_builder_add_format(out, "%s`%s`", at == label ? "" : " ", at->name);
        for (size_t value = 0; value < last->count; value++) {
            text_builder_add_c(out, value == 0 ? ":" : ",");
            for (const struct metric_label *at = label; at <= last; at++)
                text_builder_add_format(out, " %s",
                                        at->value(value)[0] == '\0' ? "-" : at->value(value));
        }
        label = last + 1;
    }
}

void metrics_write_introduction(struct text_builder *out)
{
    text_builder_add_c(
        out,
        "# Metrics\n\n"
        "Written by `tools/gen_docs`; do not edit. Every service answers `GET /metrics` on its "
        "admin port in the text\nformat of Prometheus, or, asked for it, in OpenMetrics, where "
        "slow "
        "requests have trace ids. Buckets of every\nhistogram, in seconds:");
    for (size_t at = 0; at < METRIC_BOUND_COUNT; at++) {
        text_builder_add_c(out, at == METRIC_BOUND_COUNT / 2 ? "\n" : " ");
        write_seconds(out, BOUNDS_US[at]);
    }
    text_builder_add_c(out, ".\n");
}

void metrics_write_reference(const struct metric_table *table, struct text_builder *out)
{
    text_builder_add_format(
        out, "\n## %s\n\n| metric | type | what it is | labels |\n| --- | --- | --- | --- |\n",
        table->owner);
    for (size_t at = 0; table->metrics[at] != NULL; at++) {
        const struct metric *metric = table->metrics[at];
        text_builder_add_format(out, "| `%s` | %s | %s | ", metric->name, kind_name(metric->kind),
                                metric->help);
        write_reference_labels(out, metric);
        text_builder_add_c(out, !has_labels(metric) ? "|\n" : " |\n");
    }
}
