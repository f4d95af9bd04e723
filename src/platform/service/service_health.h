/* platform/service/service_health.h - is this service alive, started, ready?
 *
 * Purpose:   what the health paths answer, and the probe behind them: a thread that asks the
 *            database for the schema's version again and again. Used by platform/service*.c alone.
 * Units:     times in milliseconds.
 * Ownership: one health in the process.
 * Errors:    health_check_schema says what to do about it.
 * Threads:   health_start, health_set_* and health_stop on the main thread, the rest from any. */
#ifndef PLATFORM_SERVICE_SERVICE_HEALTH_H
#define PLATFORM_SERVICE_SERVICE_HEALTH_H

#include "platform/service/service.h"

enum health_state {
    HEALTH_NOT_READY,
    HEALTH_DEGRADED, /* ready, and something that it depends on is away */
    HEALTH_READY,
};

struct health_check {
    const char *name;
    bool is_good;
    char detail[64];
};

enum { HEALTH_CHECKS_MAX = 4 + DEPENDENCY_COUNT };

/* ERR_DOWN: the database cannot be reached. ERR_INVALID: its schema is another version's. */
MUST_CHECK enum status health_check_schema(const struct service *service,
                                           const struct db_config *config, struct error *err);

/* Begins to probe. */
void health_start(const struct service *service, const struct db_config *config);
void health_set_started(void);
void health_set_draining(void);
void health_stop(void);

bool health_is_started(void);
bool health_depends_on(enum dependency dependency);
enum health_state health_read_state(void);
/* Returns how many there are. */
size_t health_read_checks(struct health_check checks[static HEALTH_CHECKS_MAX]);

#endif
