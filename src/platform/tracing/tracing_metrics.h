/* platform/tracing/tracing_metrics.h - what became of the spans.
 *
 * Purpose:   the names that OpenTelemetry's semantic conventions give to an SDK's own metrics.
 * Units:     as named.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   any. */
#ifndef PLATFORM_TRACING_TRACING_METRICS_H
#define PLATFORM_TRACING_TRACING_METRICS_H

#include "platform/metrics.h"

#define SPANS_QUEUED(X)                                                                            \
    X(SPAN_QUEUED, "")            /* waits to be sent, or was sent */                              \
    X(SPAN_NO_ROOM, "queue_full") /* dropped                       */                              \
    X(SPAN_TOO_LATE, "already_shutdown")

enum spans_queued { SPANS_QUEUED(METRIC_VALUE_ENUM) SPANS_QUEUED_COUNT };

#define SPANS_EXPORTED(X)                                                                          \
    X(SPAN_EXPORTED, "")                 /* the receiver has it                               */   \
    X(SPAN_REJECTED, "rejected")         /* it said 200, and that it does not take these      */   \
    X(SPAN_REFUSED, "refused")           /* it answered a status that another try cannot help */   \
    X(SPAN_UNAVAILABLE, "unavailable")   /* it was away or busy until the tries were used up  */   \
    X(SPAN_SHUTDOWN, "already_shutdown") /* the service stopped before they could be sent     */

enum spans_exported { SPANS_EXPORTED(METRIC_VALUE_ENUM) SPANS_EXPORTED_COUNT };

/* clang-format off */
#define TRACING_METRIC_ROWS(X)                                                                     \
    X(COUNTER, SPANS_PROCESSED, "otel_sdk_processor_span_processed_total", SPANS_QUEUED_COUNT,     \
      SPANS_QUEUED_LABELS, "Spans recorded, by why they were dropped before they could be sent.")  \
    X(GAUGE, SPAN_QUEUE_SIZE, "otel_sdk_processor_span_queue_size", 1, METRIC_NO_LABELS,           \
      "Spans that waited to be sent when the last batch had left.")                                \
    X(GAUGE, SPAN_QUEUE_CAPACITY, "otel_sdk_processor_span_queue_capacity", 1, METRIC_NO_LABELS,   \
      "Spans that may wait; 0 while no collector is named.")                                       \
    X(COUNTER, SPANS_EXPORTED, "otel_sdk_exporter_span_exported_total", SPANS_EXPORTED_COUNT,      \
      SPANS_EXPORTED_LABELS, "Spans sent to the collector, by why they did not get there.")        \
    X(HISTOGRAM, SPAN_EXPORT_DURATION, "otel_sdk_exporter_operation_duration_seconds", 1,          \
      METRIC_NO_LABELS, "Requests to the collector, each of one batch, failed ones included.")
/* clang-format on */
METRICS_DECLARE(TRACING_METRICS, TRACING_METRIC_ROWS);

#endif
