/* authorization/service.h - the authorization service as a command, and its options.
 *
 * Purpose:   `tallystick authorization`.
 * Units:     the names of the options say them.
 * Ownership: the configuration lives as long as the process.
 * Errors:    exit codes of service_main.
 * Threads:   main thread. */
#ifndef AUTHORIZATION_SERVICE_H
#define AUTHORIZATION_SERVICE_H

#include "platform/service/service.h"

struct authorization_config {
    struct service_config service;
    int64_t port;
    int64_t admin_port;
    int64_t workers;
    int64_t queue_size;
    int64_t hold_expires_in_s;
    int64_t key_ttl_s;
    int64_t sweep_interval_ms;
    int64_t self_check_ms;
    const char *default_currency;
    const char *auto_open_limit; /* NULL or empty: unknown users are declined */
    const char *amount_limit;    /* NULL or empty: none */
};

extern const struct option AUTHORIZATION_OPTIONS[];
extern const struct metric_table AUTHORIZATION_METRICS;

int authorization_main(int argc, char **argv);

#endif
