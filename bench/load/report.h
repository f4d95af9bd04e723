/* load/report.h - what a run showed, for people or as one JSON line.
 *
 * Units:     seconds and milliseconds with three decimals, made of whole numbers.
 * Ownership: nothing is kept.
 * Errors:    none.
 * Threads:   the driver has one. */
#ifndef LOAD_REPORT_H
#define LOAD_REPORT_H

#include "load/run.h"

void report_print(const struct options *options, const struct result *result);

#endif
