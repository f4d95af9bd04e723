/* load/run.h - the run itself: sends, counts, measures.
 *
 * Units:     in the names.
 * Ownership: the result is a plain struct of the caller's.
 * Errors:    refusals and broken connections are counted.
 * Threads:   one, around epoll. */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "load/histogram.h"
#include "load/options.h"

struct result {
    uint64_t statuses[STATUS_MAX];
    uint64_t ok, failed, broken, unanswered;
    uint64_t replays, replays_differing;
    struct histogram latency;         /* of what was ok */
    struct histogram refusal_latency; /* of other answers */
    int64_t measured_ms;
    int64_t own_cpu_ms, machine_cpu_ms;
    int64_t watched_cpu_ms[WATCHED_MAX], watched_pss_kib[WATCHED_MAX];
};

void run_load(const struct options *options, struct result *result_out);

#endif
