/* platform/messaging/metrics.h - what a service that reads the event bus counts and measures.
 *
 * Purpose:   the table that authorization, ledger and saga show beside their own; see
 *            platform/metrics.h.
 * Units:     as named.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   any. */
#ifndef PLATFORM_MESSAGING_METRICS_H
#define PLATFORM_MESSAGING_METRICS_H

#include "platform/metrics.h"

/* Why a message became a dead letter. */
#define DEAD_CLASSES(X)                                                                            \
    X(DEAD_SCHEMA, "schema")                                                                       \
    X(DEAD_BUSINESS, "business")                                                                   \
    X(DEAD_TRANSIENT_EXHAUSTED, "transient_exhausted")                                             \
    X(DEAD_BUG, "bug")

enum dead_class { DEAD_CLASSES(METRIC_VALUE_ENUM) DEAD_CLASS_COUNT };

/* clang-format off */
#define MESSAGING_METRIC_ROWS(X)                                                                   \
    X(COUNTER, CONSUMED_MESSAGES, "messaging_client_consumed_messages_total", 1, METRIC_NO_LABELS, \
      "Messages taken from the event bus and confirmed, duplicates included.")                     \
    X(HISTOGRAM, PROCESS_DURATION, "messaging_process_duration_seconds", 1, METRIC_NO_LABELS,      \
      "Batches of messages, from the poll that brought them until they were confirmed.")           \
    X(COUNTER, INBOX_DUPLICATES, "inbox_duplicates_total", 1, METRIC_NO_LABELS,                    \
      "Messages that had had their effect before, and were left alone.")                           \
    X(GAUGE, PARKED_KEYS, "parked_keys", 1, METRIC_NO_LABELS,                                      \
      "Keys whose first message cannot be applied now; later ones of the key wait behind it.")     \
    X(GAUGE, DLQ_MESSAGES, "dlq_messages", DEAD_CLASS_COUNT, DEAD_CLASS_LABELS,                    \
      "Dead letters of this service that nobody has sent again.")                                  \
    X(GAUGE, DLQ_OLDEST_AGE, "dlq_oldest_age_seconds", 1, METRIC_NO_LABELS,                        \
      "How long ago the oldest of them was written; 0: there is none.")
/* clang-format on */
METRICS_DECLARE(MESSAGING_METRICS, MESSAGING_METRIC_ROWS);

#endif
