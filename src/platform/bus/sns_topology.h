/* platform/bus/sns_topology.h - the topics, queues and subscriptions there have to be.
 *
 * Purpose:   makes them, by whoever publishes: a topic of SNS forgets what nobody is subscribed
 *            to, so a topic is found here only together with the queues of all its readers. What
 *            exists stays as it is; several publishers may do this at once. Where making is not
 *            allowed, what somebody else has made is used.
 * Units:     none.
 * Ownership: the topology owns its clients; the strings of its config must outlive it. ARNs live
 *            until it forgets.
 * Errors:    ERR_BROKEN: something is not there and may not be made, the text says what. Others
 *            as in sns_call.h.
 * Threads:   belongs to one thread. */
#ifndef PLATFORM_BUS_SNS_TOPOLOGY_H
#define PLATFORM_BUS_SNS_TOPOLOGY_H

#include "platform/aws/aws_client.h"
#include "platform/bus/bus.h"

struct sns_topology;

MUST_CHECK enum status sns_topology_new(const struct bus_config *config,
                                        struct sns_topology **topology_out, struct error *err);
void sns_topology_free(struct sns_topology *topology); /* accepts NULL */

struct aws_client *sns_topology_client(struct sns_topology *topology); /* of SNS */

/* The topic's ARN, with all that belongs to it; asks AWS the first time only. */
MUST_CHECK enum status sns_topology_find(struct sns_topology *topology, struct arena *arena,
                                         struct text topic, struct text *arn_out,
                                         struct error *err);
/* The same for every topic there is, so that others can subscribe before the first message. */
MUST_CHECK enum status sns_topology_find_all(struct sns_topology *topology, struct arena *arena,
                                             struct error *err);
/* Whether SNS answers at all; any answer will do. */
MUST_CHECK enum status sns_topology_ask(struct sns_topology *topology, struct arena *arena,
                                        struct error *err);
/* Something was not there that should be: nothing is taken for granted any more. */
void sns_topology_forget(struct sns_topology *topology);

#endif
