/* platform/bus/kafka_topics.h - topics that have to be there before anything is read or written.
 *
 * Purpose:   makes those that are missing, where the user may, and looks at the others, so that
 *            what is wrong is told by name and with what to do, and not by a time-out later.
 * Units:     none.
 * Ownership: the caller's array.
 * Errors:    ERR_DOWN: the brokers cannot be reached, and nothing is known. What is wrong with one
 *            topic is its own `state`.
 * Threads:   those of the client. */
#ifndef PLATFORM_BUS_KAFKA_TOPICS_H
#define PLATFORM_BUS_KAFKA_TOPICS_H

#include "platform/bus/kafka_client.h"

enum { KAFKA_TOPIC_NAME_MAX = 249 };

struct kafka_topic {
    char name[KAFKA_TOPIC_NAME_MAX + 1];
    struct error state;    /* status OK: it is there and may be used */
    int64_t look_again_us; /* monotonic; not OK: a look before it is not worth while */
};

/* Enters a name with a state of ERR_NOT_FOUND. False: it is too long for Kafka. */
MUST_CHECK bool kafka_topic_init(struct kafka_topic *topic, struct text name);

/* Looks at those that are not OK; an array of all OK costs nothing. */
MUST_CHECK enum status kafka_topics_ensure(struct kafka_client *client, struct kafka_topic *topics,
                                           size_t count, struct error *err);

#endif
