/* outbox/metrics.h - what the outbox processor counts and measures.
 *
 * Purpose:   the table of the room's metrics; see platform/metrics.h.
 * Units:     as named.
 * Ownership: constants.
 * Errors:    none.
 * Threads:   any. */
#ifndef OUTBOX_METRICS_H
#define OUTBOX_METRICS_H

#include "platform/metrics.h"

/* The services that have an outbox, by their schemas. */
#define OUTBOX_SOURCES(X)                                                                          \
    X(SOURCE_AUTHORIZATION, "authorization")                                                       \
    X(SOURCE_LEDGER, "ledger")                                                                     \
    X(SOURCE_SAGA, "saga")

enum outbox_source { OUTBOX_SOURCES(METRIC_VALUE_ENUM) SOURCE_COUNT };

const char *outbox_source_name(size_t source);

#define NOTIFICATION_OUTCOMES(X)                                                                   \
    X(NOTIFICATION_SENT, "sent")                                                                   \
    X(NOTIFICATION_DROPPED, "dropped")

enum notification_outcome { NOTIFICATION_OUTCOMES(METRIC_VALUE_ENUM) NOTIFICATION_OUTCOME_COUNT };

/* clang-format off */
#define OUTBOX_METRIC_ROWS(X)                                                                      \
    X(GAUGE, OUTBOX_PENDING, "outbox_pending", SOURCE_COUNT, SOURCE_LABELS,                        \
      "Events that wait in a service's outbox, counted up to a bound every two seconds.")          \
    X(GAUGE, OUTBOX_OLDEST_AGE, "outbox_oldest_age_seconds", SOURCE_COUNT, SOURCE_LABELS,          \
      "How long the oldest of them had waited then; 0: none waits.")                               \
    X(GAUGE, OUTBOX_YIELDING, "outbox_yielding", SOURCE_COUNT, SOURCE_LABELS,                      \
      "1: its events are held back for a moment, since more is decided than can be booked.")       \
    X(HISTOGRAM, OUTBOX_PUBLISH, "outbox_publish_duration_seconds", SOURCE_COUNT, SOURCE_LABELS,   \
      "Batches handed to the event bus, until it had answered for all of them.")                   \
    X(COUNTER, SENT_MESSAGES, "messaging_client_sent_messages_total", SOURCE_COUNT,                \
      SOURCE_LABELS,                                                                               \
      "Messages that the event bus has acknowledged, repeats after a failure included.")           \
    X(COUNTER, NOTIFICATIONS, "notifications_total", NOTIFICATION_OUTCOME_COUNT,                   \
      NOTIFICATION_LABELS,                                                                         \
      "Events for the notification topic: taken by SNS, or impossible to send.")
/* clang-format on */
METRICS_DECLARE(OUTBOX_METRICS, OUTBOX_METRIC_ROWS);

#endif
