/* outbox/send_span.h - the spans of events on their way to the bus.
 *
 * Purpose:   the sending of an event is a span below the one that said it, and the message carries
 *            the sending's context: what consumers do hangs below it. The span's id is the end of
 *            the event's id, so an event that is published again, by whichever relay, is the same
 *            sending; a consumer's parent is always there.
 * Units:     times in microseconds of the monotonic clock.
 * Ownership: texts in the arena given.
 * Errors:    none.
 * Threads:   as the relay. */
#ifndef OUTBOX_SEND_SPAN_H
#define OUTBOX_SEND_SPAN_H

#include "base/trace_context.h"
#include "outbox/store.h"
#include "platform/bus/bus.h"

/* A sending of one event. */
struct send_span {
    struct trace_context context; /* empty: the event has no trace */
    char parent_id[SPAN_ID_SIZE + 1];
};

/* Puts the sending's context into the message. What has headers of its own keeps them. */
struct send_span send_span_of(struct arena *arena, struct message *message);

/* How a sending ended. */
struct send_end {
    const struct bus_settings *bus;
    int64_t begun_us;
    size_t count;      /* of events that were sent together */
    int tries;         /* of this event, this one included */
    const char *error; /* error.type; NULL: the bus has acknowledged it */
};

/* One that has failed is a span of another id: the message will come by a later one. */
void send_span_record(const struct send_span *span, const struct message *message,
                      const struct send_end *end);

#endif
