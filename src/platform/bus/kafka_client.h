/* platform/bus/kafka_client.h - one client of Kafka (librdkafka), as every part of the bus wants
 * it.
 *
 * Purpose:   configuration: what the promises of bus.h rest on is set here and cannot be changed by
 *            `kafka-properties`, everything else can. What the library tells goes to the log at
 *            debug level; what stands in the way of the brokers is kept for the error messages.
 * Units:     waits in milliseconds.
 * Ownership: a client lives in its owner's struct, which is the library's `opaque`, and so must be
 *            that struct's first member.
 * Errors:    ERR_INVALID: a property that there is not, or that is not to be changed.
 *            ERR_DOWN: the brokers cannot be reached.
 * Threads:   a client belongs to one thread; only its log lines come from others. */
#ifndef PLATFORM_BUS_KAFKA_CLIENT_H
#define PLATFORM_BUS_KAFKA_CLIENT_H

#include "platform/bus/bus.h"

#include <librdkafka/rdkafka.h>

struct kafka_client {
    rd_kafka_t *rk;           /* NULL: not started */
    struct bus_config config; /* its texts outlive the client */
    bool is_in_doubt;         /* something went wrong since the last sign of life */
    char trouble[160];        /* what the library said last about why; empty: nothing */
};

/* All settings but the callbacks; the caller starts a client with it or destroys it. */
MUST_CHECK enum status kafka_make_conf(const struct bus_config *config, rd_kafka_type_t type,
                                       rd_kafka_conf_t **conf_out, struct error *err);
/* Takes `conf`. Connects in the background: brokers that are down are no error here. */
MUST_CHECK enum status kafka_client_start(struct kafka_client *client, rd_kafka_type_t type,
                                          rd_kafka_conf_t *conf, struct error *err);
/* Ends within some seconds, whatever state the brokers and the library are in. `leave`: a consumer
 * tells its group. Objects of the library other than the client must have been given back. False:
 * the library does not end and is left behind, with what its callbacks may still touch. */
bool kafka_client_stop(struct kafka_client *client, bool leave);

/* Is any broker there? Asks only when that is in doubt; longer while nothing is known of why not.
 */
MUST_CHECK enum status kafka_client_reach(struct kafka_client *client, int wait_ms,
                                          struct error *err);
/* Sets and returns ERR_DOWN, with what is known about why. */
enum status kafka_client_is_down(const struct kafka_client *client, struct error *err);

#endif
