/* operator/doctor/doctor.h - what `tallystick doctor` looks at.
 *
 * Purpose:   each check is a small function in a table; it tells what it found and, where that is
 *            not well, what to do, with the exact command. The files doctor_*.c hold the checks, by
 *            what they look at. Nothing is changed by any of them.
 * Units:     the name says it.
 * Ownership: findings live in the arena of the command.
 * Errors:    none: what fails is a finding.
 * Threads:   one. */
#ifndef OPERATOR_DOCTOR_DOCTOR_H
#define OPERATOR_DOCTOR_DOCTOR_H

#include "operator/admin_ports.h"
#include "operator/tool.h"

struct http_client;

enum { DOCTOR_FINDINGS_MAX = 96 };

struct doctor_config {
    const char *database_url;
    const char *output;
    const char *profile;
    const char *service_secret;
    const char *listen_address;
    int64_t ports[ADMIN_SERVICE_COUNT]; /* admin ports, as ADMIN_SERVICES */
    const char *topic_prefix;
    const char *keystore;
    const char *dynamodb_table;
    int64_t timeout_ms;
    int64_t outbox_age_s;
    int64_t saga_age_s;
    int64_t expiry_lag_s;
};

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_FAIL };

struct finding {
    struct text check; /* database.fsync */
    enum verdict verdict;
    struct text says;
    struct text advice; /* none: nothing is to be done */
};

struct doctor {
    const struct doctor_config *config;
    struct arena *arena;
    struct db *db;    /* the operator's, that of `server` */
    struct db *asked; /* that of doctor_ask */
    const struct sql_statement *question[2];
    struct http_client *http;
    bool is_reachable;      /* PostgreSQL answers; checks that ask it may run */
    struct sql_rows server; /* of read_server; until the db is asked again */
    size_t count;
    struct finding findings[DOCTOR_FINDINGS_MAX];
};

/* ---- for the checks -------------------------------------------------------------------------- */

/* What was found of `check`. */
struct finding *doctor_tell(struct doctor *doctor, const char *check, enum verdict verdict,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));
/* What to do about it; the exact command where there is one. */
void doctor_advise(struct doctor *doctor, struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One statement over a connection of its own, so that what is not there stops nothing else. The
 * rows stay until the next. */
MUST_CHECK enum status doctor_ask(struct doctor *doctor, const struct sql_statement *statement,
                                  struct sql_rows *rows_out, struct error *err);
/* As a failure of `check`, with what to do. */
void doctor_tell_error(struct doctor *doctor, const char *check, const struct error *err);

/* Where a service's admin port is: 127.0.0.1:9080. */
struct text doctor_authority(const struct doctor *doctor, int service);

/* ---- the checks ------------------------------------------------------------------------------ */

struct doctor_check {
    void (*run)(struct doctor *doctor);
    bool needs_database;
};

/* Each list ends with a check without a function. */
extern const struct doctor_check DOCTOR_CONFIGURATION[];
extern const struct doctor_check DOCTOR_DATABASE[];
extern const struct doctor_check DOCTOR_SCHEMA[];
extern const struct doctor_check DOCTOR_DISK[];
extern const struct doctor_check DOCTOR_WORK[];
extern const struct doctor_check DOCTOR_SERVICES_CHECKS[];
extern const struct doctor_check DOCTOR_PARTS[];

#endif
