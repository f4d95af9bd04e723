/* ledger/service.h - the ledger as a service: its options and its start.
 *
 * Purpose:   `tallystick ledger`: keeps the books. Commands come over the bus, questions over HTTP.
 * Units:     the options' names say it.
 * Ownership: the configuration lives as long as the program.
 * Errors:    ledger_main gives the exit code of platform/service/service.h.
 * Threads:   main thread. */
#ifndef LEDGER_SERVICE_H
#define LEDGER_SERVICE_H

#include "platform/service/service.h"

struct ledger_config {
    struct service_config service;
    int64_t port;
    int64_t admin_port;
    int64_t threads;
    int64_t batch_max;
    int64_t readers;
    int64_t self_check_ms;
};

extern const struct option LEDGER_OPTIONS[];
extern const struct metric_table LEDGER_METRICS;
extern const struct sql_migration *const ledger_migration_list;

int ledger_main(int argc, char **argv);

#endif
