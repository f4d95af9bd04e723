/* platform/bus/bus.h - the event bus: publish a batch, consume a batch, keep progress.
 *
 * Purpose:   one of the two seams with several parts behind them. The promises are Kafka's: topics
 *            of ordered partitions; a message's key decides its partition; a consumer group spreads
 *            the partitions over its members, in any number of processes; every message is handed
 *            over at least once, those of one key in the order they were published.
 * Units:     waits in milliseconds.
 * Ownership: publisher and consumer belong to whoever opened them; polled messages live in the
 *            arena given to bus_poll.
 * Errors:    ERR_DOWN: the bus cannot be reached, nothing was published or read; try again later.
 *            ERR_UNKNOWN: published or not, publish the same ids again.
 * Threads:   a publisher or a consumer belongs to one thread. */
#ifndef PLATFORM_BUS_BUS_H
#define PLATFORM_BUS_BUS_H

#include "platform/bus/message.h"

struct bus_publisher;
struct bus_consumer;

/* What the options say (BUS_OPTIONS of platform/service/service.h). */
struct bus_settings {
    const char *kind;             /* postgres | kafka | sns-sqs */
    int64_t retention_s;          /* how long the bus keeps messages */
    const char *kafka_brokers;    /* host:port, ... */
    const char *kafka_properties; /* librdkafka's own, a line each; NULL: none */
    int64_t kafka_partitions;     /* of topics that are made here */
    int64_t kafka_replicas;       /* of topics that are made here */
    int64_t sqs_visibility_s;     /* how long a member that died keeps its messages */
};

enum { BUS_TOPICS_MAX = 8, BUS_PARTITIONS = 64 };

/* A consumer group and what it reads. */
struct bus_reader {
    const char *group;                  /* NULL ends a list of readers */
    const char *topics[BUS_TOPICS_MAX]; /* full names, ends with NULL */
};

struct bus_config {
    struct bus_settings settings;
    const char *topic_prefix; /* tallystick */
    const char *database_url; /* postgres: where the bus tables are */
    const char *user;         /* postgres: tallystick_<service> */
    const char *service;      /* names connections */
    /* sns-sqs, for publishers: a topic without readers forgets, so their queues are made first. */
    const struct bus_reader *readers; /* NULL: none */
};

struct bus_poll {
    int wait_ms; /* at most, when there is nothing yet */
    size_t count_max;
};

struct bus_batch {
    struct message *messages; /* in order within each partition */
    size_t count;
};

/* What OpenTelemetry calls whom messages are sent to, and whom they come from; NULL: no bus. */
const char *bus_sends_to(const struct bus_settings *settings);
const char *bus_comes_from(const struct bus_settings *settings);

/* The lane of the key: the last 6 bits of its last byte. */
int bus_partition_of(const struct uuid *key);

MUST_CHECK enum status bus_publisher_open(const struct bus_config *config,
                                          struct bus_publisher **publisher_out, struct error *err);
void bus_publisher_close(struct bus_publisher *publisher); /* accepts NULL */

/* Publishes in order. published_out[i] says which the bus has acknowledged (it is written in any
 * case); within a key, nothing after a failed message is published. OK means all. A count of 0 asks
 * whether the bus can be reached. */
MUST_CHECK enum status bus_publish(struct bus_publisher *publisher, const struct message *messages,
                                   size_t count, bool *published_out, struct error *err);

/* Deletes a bounded number of messages that are older than retention_s and that every group has
 * read, and says how many. A bus that forgets by itself says 0. */
MUST_CHECK enum status bus_expire(struct bus_publisher *publisher, int64_t retention_s,
                                  int64_t *deleted_out, struct error *err);

/* How far those who read are behind those who publish, in messages. */
struct bus_flow {
    bool is_known;     /* by a bus that can tell */
    int64_t published; /* to the topics asked for, ever */
    int64_t unread;    /* by the groups asked for, of whatever they read */
};

/* Both lists end with NULL. */
MUST_CHECK enum status bus_measure(struct bus_publisher *publisher, const char *const topics[],
                                   const char *const groups[], struct bus_flow *flow_out,
                                   struct error *err);

/* `topics` ends with NULL. */
MUST_CHECK enum status bus_consumer_open(const struct bus_config *config, const char *group,
                                         const char *const topics[],
                                         struct bus_consumer **consumer_out, struct error *err);
void bus_consumer_close(struct bus_consumer *consumer); /* accepts NULL */

/* Waits for messages; none is OK with a count of 0. What was polled before and not confirmed is
 * handed over again. */
MUST_CHECK enum status bus_poll(struct bus_consumer *consumer, const struct bus_poll *poll,
                                struct arena *arena, struct bus_batch *batch_out,
                                struct error *err);
/* Everything of the last poll has had its effect, durably. */
MUST_CHECK enum status bus_confirm(struct bus_consumer *consumer, struct error *err);
/* Ends a bus_poll that waits, from another thread. */
void bus_consumer_wake(struct bus_consumer *consumer);

#endif
