/* outbox/service.h - the outbox processor as a command: tallystick outbox.
 *
 * Purpose:   one relay for each service that has an outbox, and the retention of the event bus.
 * Units:     none.
 * Ownership: none.
 * Errors:    exit codes of service_main.
 * Threads:   runs on the main thread. */
#ifndef OUTBOX_SERVICE_H
#define OUTBOX_SERVICE_H

#include "platform/metrics.h"
#include "platform/service/config.h"

extern const struct option OUTBOX_OPTIONS[];
extern const struct metric_table OUTBOX_METRICS;

int outbox_main(int argc, char **argv);

#endif
