/* platform/bus/message.h - one event or command on its way: CloudEvents 1.0, binary mode.
 *
 * Purpose:   what travels, the same on every bus: the CloudEvents attributes as headers named
 *            ce_*, the trace context beside them, the payload as JSON.
 * Units:     times in microseconds since 1970.
 * Ownership: texts borrow, mostly from the arena of the batch.
 * Errors:    message_parse_headers names what is missing or wrong.
 * Threads:   values. */
#ifndef PLATFORM_BUS_MESSAGE_H
#define PLATFORM_BUS_MESSAGE_H

#include "base/error.h"
#include "base/text.h"
#include "base/uuid.h"

struct arena;

struct message {
    struct text topic;
    struct uuid key;                /* orders: account id, on the saga topic the saga id       */
    struct uuid id;                 /* ce_id: the event's, stable over retries and redrive      */
    struct text type;               /* ce_type: dev.tallystick.authorization.approved.v1        */
    struct text source;             /* ce_source: /tallystick/authorization                     */
    struct uuid subject;            /* ce_subject: the aggregate's id                           */
    int64_t time_us;                /* ce_time                                                  */
    int64_t sequence;               /* ce_sequence: the aggregate's version after this event    */
    struct text tenant;             /* ce_tenantid                                              */
    struct uuid saga_id;            /* ce_sagaid; nil: belongs to none                          */
    struct uuid command_id;         /* ce_commandid; nil: neither a command nor an answer       */
    struct text traceparent;        /* of the span that produced it                             */
    struct text origin_traceparent; /* ce_traceparent: of the request that began it all         */
    struct text tracestate;         /* goes with both; none: nothing                            */
    struct text payload;            /* JSON                                                     */
    struct text headers;            /* as received, JSON; none when publishing: from the above  */
    const char *malformed;          /* why the headers are not ours; NULL: they are             */
    const char *given_up;           /* why the bus will not hand it over again; NULL: it will   */
    int partition;                  /* where it was read; unset when publishing                 */
    int64_t offset;
    int64_t published_us;
};

/* Between an event's name and its ce_type: authorization.approved, and
 * dev.tallystick.authorization.approved.v1. */
struct text message_type_of(struct arena *arena, struct text event_name);
struct text message_event_name(struct text type); /* TEXT_NONE: not a type of ours */

struct message_header {
    const char *name;
    struct text value;
};

enum { MESSAGE_HEADERS_MAX = 17 };

struct message_headers {
    struct message_header items[MESSAGE_HEADERS_MAX];
    size_t count;
};

/* All headers, in a fixed order. ce_dataschema is made of the type and not read back:
 * urn:tallystick:event:authorization.approved.v1. */
struct message_headers message_list_headers(struct arena *arena, const struct message *message);
/* The same as one JSON object of strings. */
struct text message_write_headers(struct arena *arena, const struct message *message);

/* Fills the attributes from such an object, and nothing else. ERR_INVALID: not CloudEvents 1.0 of
 * ours. */
MUST_CHECK enum status message_parse_headers(struct arena *arena, struct text headers,
                                             struct message *message_out, struct error *err);

#endif
