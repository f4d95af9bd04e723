/* platform/service/service.h - what the five services have in common: start, health, drain, stop.
 *
 * Purpose:   a room says in one struct what it is; service_main reads its configuration, starts
 *            the log, refuses a schema of another version, opens the admin port, starts the room,
 *            waits for SIGTERM or SIGINT, drains and stops it.
 * Units:     times in milliseconds.
 * Ownership: the room's config struct begins with struct service_config.
 * Errors:    what stops a start is printed with what to do next, exit code 1 (2: usage).
 * Threads:   the room's callbacks run on the main thread. */
#ifndef PLATFORM_SERVICE_SERVICE_H
#define PLATFORM_SERVICE_SERVICE_H

#include "base/error.h"
#include "platform/bus/bus.h"
#include "platform/dependency.h"
#include "platform/http/http_problem.h"
#include "platform/messaging/consumer.h"
#include "platform/metrics.h"
#include "platform/postgres/postgres.h"
#include "platform/service/config.h"

struct json_writer;

enum profile { PROFILE_DEV, PROFILE_PROD };

/* Common options: every service's config struct starts with it. */
struct service_config {
    const char *profile;        /* dev | prod */
    const char *listen_address; /* 127.0.0.1 */
    const char *dev_listen;     /* loopback | any: where the dev profile may listen */
    const char *database_url;
    const char *service_secret; /* what services show each other; required */
    const char *topic_prefix;   /* tallystick */
    const char *log_level;
    const char *log_format;            /* auto | json | text */
    int64_t drain_ms;                  /* readyz says 503 for so long before the door closes */
    int64_t stop_ms;                   /* then what is open may take so long to end */
    struct bus_settings bus;           /* of services that use the bus */
    struct consumer_settings consumer; /* of services that apply what it brings */
};

/* All for struct service_config. */
extern const struct option SERVICE_OPTIONS[];
extern const struct option BUS_OPTIONS[];
extern const struct option CONSUMER_OPTIONS[];

enum { SERVICE_METRICS_MAX = 4 };

/* Tables that service_main passes to config_load. */
struct service {
    const char *name;    /* gateway: also its role (tallystick_gateway) and its schema */
    const char *schema;  /* NULL: name */
    const char *summary; /* one sentence for --help */
    const struct option *options;
    bool uses_bus;         /* has BUS_OPTIONS too */
    bool consumes;         /* and CONSUMER_OPTIONS */
    unsigned dependencies; /* 1 << enum dependency: away, the service is degraded, not down */
    size_t config_size;
    size_t admin_port_offset;               /* of the int64_t admin port in the config struct */
    const struct sql_migration *migrations; /* the schema this binary fits */
    const struct metric_table *metrics[SERVICE_METRICS_MAX]; /* its own, up to NULL */
    /* Starts threads and doors; writes the room's own object. */
    enum status (*start)(const void *config, void **room_out, struct error *err);
    /* No new work: doors drain. */
    void (*drain)(void *room);
    /* Requests and batches under way; the stop waits for 0 up to stop_ms. NULL: none. */
    int (*busy)(void *room);
    void (*stop)(void *room);
    /* Adds members to the admin port's /status: what an operator may want to know now. NULL: none.
     * On the admin port's thread; must not block. */
    void (*describe)(void *room, struct json_writer *w);
};

int service_main(const struct service *service, int argc, char **argv);

/* True in the dev profile. */
bool service_is_dev(const struct service_config *config);

/* A db_config for this service's role and schema; add statements and times as needed. */
struct db_config service_db_config(const struct service_config *config, const char *service_name);
/* Likewise its way to the event bus. */
struct bus_config service_bus_config(const struct service_config *config, const char *service_name);

/* ---- the door of a service that only services may call --------------------------------------- */

/* True when the request carries the shared secret; otherwise it has been answered 401. */
MUST_CHECK bool service_authenticate(const struct service_config *config,
                                     struct http_request *request);

/* Answers /livez, /readyz, /startupz and /healthz, which a public door has too. False: the request
 * is for something else. */
bool service_answer_health(struct http_request *request);

#endif
