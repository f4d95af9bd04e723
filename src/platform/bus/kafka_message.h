/* platform/bus/kafka_message.h - a message as Kafka carries it: CloudEvents 1.0, binary mode.
 *
 * Purpose:   headers become Kafka's, one for one, the key is the key's text, the payload the value.
 *            What others have written is handed over all the same, told as malformed, in a form
 *            that every table can hold.
 * Units:     as in message.h.
 * Ownership: what is read is copied into the arena. Written headers belong to the caller, who
 *            gives them to the library or destroys them.
 * Errors:    none: what cannot be read is `malformed`.
 * Threads:   values. */
#ifndef PLATFORM_BUS_KAFKA_MESSAGE_H
#define PLATFORM_BUS_KAFKA_MESSAGE_H

#include "platform/bus/message.h"

#include <librdkafka/rdkafka.h>

/* Of one message, payload and headers. Ours are a few kilobytes. */
enum { KAFKA_MESSAGE_SIZE_MAX = 1024 * 1024 };

/* Bytes of payload and headers. */
size_t kafka_message_size(const rd_kafka_message_t *from);

rd_kafka_headers_t *kafka_write_headers(struct arena *arena, const struct message *message);

/* A message without an id or a key that can be read gets one that follows from its place: the same
 * whenever it is read again. */
void kafka_read_message(struct arena *arena, const rd_kafka_message_t *from, struct text topic,
                        struct message *message_out);

#endif
