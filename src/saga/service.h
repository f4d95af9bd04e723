/* saga/service.h - `tallystick saga`: drives each business transaction to its end, or undoes it.
 *
 * Purpose:   the room's only way in from outside.
 * Units:     none.
 * Ownership: none.
 * Errors:    the process's exit code.
 * Threads:   main. */
#ifndef SAGA_SERVICE_H
#define SAGA_SERVICE_H

#include "platform/metrics.h"
#include "platform/service/config.h"

extern const struct option SAGA_OPTIONS[]; /* ends with a NULL name */
extern const struct metric_table SAGA_METRICS;

int saga_main(int argc, char **argv);

#endif
