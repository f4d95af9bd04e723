/* platform/bus/part.h - what a part behind the event bus has to offer.
 *
 * Purpose:   bus.h's functions, told apart by kind. One of the two seams with several
 *            parts; a new bus is one file with these tables and a row in bus.c.
 * Units:     as in bus.h.
 * Ownership: `self` is the part's own object, made by open, ended by close.
 * Errors:    as in bus.h; a bus that is down does not fail an open, but the first use.
 * Threads:   as in bus.h. */
#ifndef PLATFORM_BUS_PART_H
#define PLATFORM_BUS_PART_H

#include "platform/bus/bus.h"

struct bus_publisher_part {
    enum status (*open)(const struct bus_config *config, void **self_out, struct error *err);
    enum status (*publish)(void *self, const struct message *messages, size_t count,
                           bool *published_out, struct error *err);
    enum status (*expire)(void *self, int64_t retention_s, int64_t *deleted_out, struct error *err);
    /* NULL: it cannot tell */
    enum status (*measure)(void *self, const char *const topics[], const char *const groups[],
                           struct bus_flow *flow_out, struct error *err);
    void (*close)(void *self);
};

struct bus_consumer_part {
    enum status (*open)(const struct bus_config *config, const char *group,
                        const char *const topics[], void **self_out, struct error *err);
    enum status (*poll)(void *self, const struct bus_poll *poll, struct arena *arena,
                        struct bus_batch *batch_out, struct error *err);
    enum status (*confirm)(void *self, struct error *err);
    void (*wake)(void *self);
    void (*close)(void *self);
};

extern const struct bus_publisher_part BUS_KAFKA_PUBLISHER;
extern const struct bus_consumer_part BUS_KAFKA_CONSUMER;
extern const struct bus_publisher_part BUS_POSTGRES_PUBLISHER;
extern const struct bus_consumer_part BUS_POSTGRES_CONSUMER;
extern const struct bus_publisher_part BUS_SNS_PUBLISHER;
extern const struct bus_consumer_part BUS_SQS_CONSUMER;

#endif
