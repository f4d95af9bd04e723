#include "platform/service/service_health.h"

#include "base/assert.h"
#include "base/timestamp.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/worker.h"
#include "service_sql.h"

#include <stdatomic.h>
#include <stdio.h>

enum {
    PROBE_EVERY_MS = 250,
    PROBE_TIMEOUT_MS = 900,
    PROBE_AGE_MAX_US = 1000000, /* an older answer says nothing about now */
};

static const struct sql_statement *const PROBE_STATEMENTS[] = {SQL_READ_SCHEMA_VERSION, NULL};

static struct {
    const struct service *service;
    struct db *db;      /* the probe's own connection */
    struct loop *probe; /* NULL: not started */
    bool was_down;      /* what the last probe found; the probe's thread alone */
    atomic_bool is_started;
    atomic_bool is_draining;
    atomic_bool fits;           /* the schema, when it was last seen */
    atomic_int_least64_t at_us; /* monotonic: when the database last answered; 0: never */
} health;

static int count_migrations(const struct service *service)
{
    int count = 0;
    while (service->migrations != NULL && service->migrations[count].name != NULL)
        count++;
    return count;
}

static enum status explain_failure(const struct db *db, struct error *failure, struct error *err)
{
    static const char *const NEVER_MIGRATED[] = {"42P01", "3F000", "42501"};
    for (size_t at = 0; at < COUNT(NEVER_MIGRATED); at++)
        if (strcmp(db_sqlstate(db), NEVER_MIGRATED[at]) == 0)
            return error_set(err, ERR_INVALID,
                             "the database has no schema for this service; "
                             "run: tallystick migrate apply");
    if (strstr(failure->message, "role \"tallystick_") != NULL)
        return error_set(err, ERR_INVALID, "%s; run: tallystick migrate apply", failure->message);
    return error_set(err, failure->status,
                     "%s; check TALLYSTICK_DATABASE_URL, and that PostgreSQL runs there",
                     failure->message);
}

static enum status read_version(struct db *db, int *version_out, struct error *err)
{
    struct error failure;
    if (db_run_one(db, SQL_READ_SCHEMA_VERSION, NULL, &failure) != OK)
        return explain_failure(db, &failure, err);
    *version_out = sql_i32(db_rows(db, 0), 0, READ_SCHEMA_VERSION_VERSION);
    return OK;
}

static enum status compare_version(const struct service *service, int version, struct error *err)
{
    const int wanted = count_migrations(service);
    if (version < wanted)
        return error_set(err, ERR_INVALID,
                         "the schema is at version %d and this binary needs %d; "
                         "run: tallystick migrate apply",
                         version, wanted);
    if (version > wanted)
        return error_set(err, ERR_INVALID,
                         "this binary is older than the schema: it knows version %d and the schema "
                         "is at %d; start a newer tallystick",
                         wanted, version);
    return OK;
}

static struct db *open_probe(const struct db_config *config)
{
    struct db_config probe = *config;
    memset(probe.statements, 0, sizeof probe.statements);
    probe.statements[0] = PROBE_STATEMENTS;
    probe.timeout_ms = PROBE_TIMEOUT_MS;
    return db_new(&probe);
}

enum status health_check_schema(const struct service *service, const struct db_config *config,
                                struct error *err)
{
    struct db *db = open_probe(config);
    int version = 0;
    enum status status = read_version(db, &version, err);
    if (status == OK)
        status = compare_version(service, version, err);
    db_free(db);
    return status;
}

/* Logs when the answer changes, not every time. */
static void note_probe(bool is_down, const struct error *err)
{
    if (is_down && !health.was_down)
        log_warning(NULL, "database.lost", "the database does not answer",
                    kv_str("error", err->message));
    if (!is_down && health.was_down)
        log_info(NULL, "database.found", "the database answers again");
    health.was_down = is_down;
}

static int probe_step(void *context)
{
    (void)context;
    struct error err;
    int version = 0;
    const enum status status = read_version(health.db, &version, &err);
    note_probe(status != OK, &err);
    if (status == OK) {
        atomic_store(&health.fits, compare_version(health.service, version, NULL) == OK);
        atomic_store(&health.at_us, clock_monotonic_us());
    }
    return PROBE_EVERY_MS;
}

void health_start(const struct service *service, const struct db_config *config)
{
    ASSERT(health.probe == NULL);
    health.service = service;
    health.db = open_probe(config);
    health.probe = loop_start("probe", probe_step, NULL);
}

void health_stop(void)
{
    loop_stop(health.probe);
    db_free(health.db);
    health.probe = NULL;
    health.db = NULL;
}

void health_set_started(void)
{
    atomic_store(&health.is_started, true);
}

void health_set_draining(void)
{
    atomic_store(&health.is_draining, true);
}

bool health_is_started(void)
{
    return atomic_load(&health.is_started);
}

static struct health_check check_of(const char *name, bool is_good, const char *detail)
{
    struct health_check check = {.name = name, .is_good = is_good};
    snprintf(check.detail, sizeof check.detail, "%s", detail);
    return check;
}

/* What makes it ready: all of these. */
static size_t read_own_checks(struct health_check checks[static HEALTH_CHECKS_MAX])
{
    const int64_t at_us = atomic_load(&health.at_us);
    const bool is_fresh = at_us > 0 && clock_monotonic_us() - at_us <= PROBE_AGE_MAX_US;
    const bool fits = atomic_load(&health.fits);
    const bool is_draining = atomic_load(&health.is_draining);
    size_t count = 0;
    checks[count++] = check_of("started", health_is_started(), "the start has finished");
    checks[count++] =
        check_of("database", is_fresh, is_fresh ? "answered within a second" : "does not answer");
    checks[count++] =
        check_of("schema", fits, fits ? "fits this binary" : "is not known to fit this binary");
    checks[count++] =
        check_of("serving", !is_draining, is_draining ? "stopping" : "takes new work");
    return count;
}

/* Without its why, which may name hosts: this is shown to everybody. */
static struct health_check check_dependency(enum dependency dependency)
{
    const struct dependency_state state = dependency_read(dependency);
    char since[TIMESTAMP_TEXT_SIZE + 1];
    struct health_check check =
        check_of(dependency_name(dependency), !state.is_away, "not known to be away");
    if (state.is_away) {
        timestamp_format(state.since_us, since);
        snprintf(check.detail, sizeof check.detail, "away since %s", since);
    }
    return check;
}

bool health_depends_on(enum dependency dependency)
{
    return health.service != NULL && (health.service->dependencies & (1u << dependency)) != 0;
}

size_t health_read_checks(struct health_check checks[static HEALTH_CHECKS_MAX])
{
    size_t count = read_own_checks(checks);
    for (int at = 0; at < DEPENDENCY_COUNT; at++)
        if (health_depends_on((enum dependency)at))
            checks[count++] = check_dependency((enum dependency)at);
    return count;
}

enum health_state health_read_state(void)
{
    struct health_check checks[HEALTH_CHECKS_MAX];
    const size_t count = read_own_checks(checks);
    for (size_t at = 0; at < count; at++)
        if (!checks[at].is_good)
            return HEALTH_NOT_READY;
    for (int at = 0; at < DEPENDENCY_COUNT; at++)
        if (health_depends_on((enum dependency)at) && dependency_read((enum dependency)at).is_away)
            return HEALTH_DEGRADED;
    return HEALTH_READY;
}
