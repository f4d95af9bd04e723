/* gateway/service.h - the command `tallystick gateway`.
 *
 * Purpose:   the public door: authenticates, validates, asks the other services, answers.
 * Units:     none.
 * Ownership: none.
 * Errors:    the process's exit code.
 * Threads:   called once, from main. */
#ifndef GATEWAY_SERVICE_H
#define GATEWAY_SERVICE_H

#include "platform/metrics.h"
#include "platform/service/config.h"

extern const struct option GATEWAY_OPTIONS[];
extern const struct metric_table GATEWAY_METRICS;

int gateway_main(int argc, char **argv);

#endif
