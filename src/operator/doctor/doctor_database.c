/* PostgreSQL: who gets in, what it is, what the promises rest on. */
#include "base/arena.h"
#include "base/assert.h"
#include "operator/doctor/doctor.h"
#include "operator/operator_sql.h"
#include "platform/clock.h"

enum {
    VERSION_MIN = 150000,
    VERSION_MAJOR = 10000,
    SKEW_WARN_US = 1000000,
    SKEW_FAIL_US = 60 * 1000000,
    FREE_WARN = 15,
    FREE_FAIL = 3,
    AGE_WARN = 1000000000, /* of the two thousand million that there are */
    LONGEST_WARN_S = 300,
};

static const struct sql_statement *const SERVER_STATEMENTS[] = {SQL_READ_SERVER, NULL};

/* ---- getting in ------------------------------------------------------------------------------ */

static void advise_connection(struct doctor *doctor, struct finding *finding, const char *role,
                              const struct error *err)
{
    if (strstr(err->message, "does not exist") != NULL)
        doctor_advise(doctor, finding, "tallystick migrate apply");
    else if (strstr(err->message, "not permitted to log in") != NULL)
        doctor_advise(doctor, finding, "psql -c 'ALTER ROLE %s LOGIN'", role);
    else if (strstr(err->message, "password") != NULL ||
             strstr(err->message, "authentication") != NULL)
        doctor_advise(doctor, finding,
                      "psql -c '\\password %s', or its line in pg_hba.conf and in ~/.pgpass", role);
    else
        doctor_advise(doctor, finding,
                      "check TALLYSTICK_DATABASE_URL, and that PostgreSQL runs there: pg_isready "
                      "-d \"$TALLYSTICK_DATABASE_URL\"");
}

static void check_reachable(struct doctor *doctor)
{
    static const char CHECK[] = "database.reachable";
    const struct doctor_config *config = doctor->config;
    struct error err;
    if (config->database_url == NULL) {
        struct finding *finding =
            doctor_tell(doctor, CHECK, VERDICT_FAIL, "TALLYSTICK_DATABASE_URL is not set");
        doctor_advise(doctor, finding, "export TALLYSTICK_DATABASE_URL=postgresql://HOST/DATABASE");
        return;
    }
    struct db *db = tool_open_db(config->database_url, SERVER_STATEMENTS, (int)config->timeout_ms);
    const int64_t before_us = clock_realtime_us();
    if (db_run_one(db, SQL_READ_SERVER, NULL, &err) != OK) {
        struct finding *finding = doctor_tell(doctor, CHECK, VERDICT_FAIL, "%s", err.message);
        advise_connection(doctor, finding, "tallystick_operator", &err);
        db_free(db);
        return;
    }
    doctor->db = db;
    doctor->is_reachable = true;
    doctor->server = db_rows(db, 0);
    doctor_tell(doctor, CHECK, VERDICT_OK, "as %.*s, in %lld ms",
                TEXT_ARGS(sql_text(doctor->server, 0, READ_SERVER_ROLE)),
                (long long)(clock_realtime_us() - before_us) / 1000);
}

static void check_role(struct doctor *doctor, const char *service)
{
    struct error err;
    const char *const role = text_format(doctor->arena, "tallystick_%s", service).data;
    const char *const check = text_format(doctor->arena, "database.role.%s", service).data;
    struct db *db = db_new(&(struct db_config){
        .url = doctor->config->database_url,
        .user = role,
        .application_name = "tallystick_doctor",
        .timeout_ms = (int)doctor->config->timeout_ms,
    });
    if (db_connect(db, &err) == OK) {
        doctor_tell(doctor, check, VERDICT_OK, "%s gets in", role);
    } else {
        struct finding *finding = doctor_tell(doctor, check, VERDICT_FAIL, "%s", err.message);
        advise_connection(doctor, finding, role, &err);
    }
    db_free(db);
}

static void check_roles(struct doctor *doctor)
{
    const struct text role = sql_text(doctor->server, 0, READ_SERVER_ROLE);
    if (!text_equals_c(role, "tallystick_operator")) {
        struct finding *finding = doctor_tell(
            doctor, "database.role", VERDICT_WARN,
            "the URL names user %.*s, whom every service then is: nothing keeps them apart",
            TEXT_ARGS(role));
        doctor_advise(doctor, finding,
                      "take the user out of TALLYSTICK_DATABASE_URL; passwords go to ~/.pgpass");
        return;
    }
    for (int at = 0; at < ADMIN_SERVICE_COUNT; at++)
        check_role(doctor, ADMIN_SERVICES[at]);
}

/* ---- what it is ------------------------------------------------------------------------------ */

static void check_version(struct doctor *doctor)
{
    const int version = sql_i32(doctor->server, 0, READ_SERVER_VERSION);
    const enum verdict verdict = version >= VERSION_MIN ? VERDICT_OK : VERDICT_FAIL;
    struct finding *finding =
        doctor_tell(doctor, "database.version", verdict, "PostgreSQL %d.%d, by libpq %d.%d",
                    version / VERSION_MAJOR, version % VERSION_MAJOR,
                    db_library_version() / VERSION_MAJOR, db_library_version() % VERSION_MAJOR);
    if (verdict != VERDICT_OK)
        doctor_advise(doctor, finding, "PostgreSQL %d or newer is needed: pg_upgrade",
                      VERSION_MIN / VERSION_MAJOR);
}

static void check_setting(struct doctor *doctor, const char *name, int column, bool is_reload)
{
    const struct text value = sql_text(doctor->server, 0, column);
    const char *const check = text_format(doctor->arena, "database.%s", name).data;
    const bool is_safe = text_equals_c(value, "on") || text_starts_with(value, "remote_");
    if (is_safe) {
        doctor_tell(doctor, check, VERDICT_OK, "%.*s", TEXT_ARGS(value));
        return;
    }
    struct finding *finding =
        doctor_tell(doctor, check, VERDICT_FAIL, "%.*s: what was answered can be lost in a crash",
                    TEXT_ARGS(value));
    doctor_advise(doctor, finding, "psql -c 'ALTER SYSTEM SET %s = on'%s", name,
                  is_reload ? " -c 'SELECT pg_reload_conf()'" : "");
}

static void check_durability(struct doctor *doctor)
{
    check_setting(doctor, "fsync", READ_SERVER_FSYNC, true);
    check_setting(doctor, "full_page_writes", READ_SERVER_FULL_PAGE_WRITES, true);
    check_setting(doctor, "synchronous_commit", READ_SERVER_SYNCHRONOUS_COMMIT, true);
}

static void check_connections(struct doctor *doctor)
{
    static const char CHECK[] = "database.connections";
    int free = sql_i32(doctor->server, 0, READ_SERVER_CONNECTIONS_FREE);
    const bool has_limit = !sql_is_null(doctor->server, 0, READ_SERVER_DATABASE_FREE);
    const int free_in_database =
        has_limit ? sql_i32(doctor->server, 0, READ_SERVER_DATABASE_FREE) : free;
    const bool is_database = free_in_database < free;
    free = is_database ? free_in_database : free;
    const enum verdict verdict = free < FREE_FAIL   ? VERDICT_FAIL
                                 : free < FREE_WARN ? VERDICT_WARN
                                                    : VERDICT_OK;
    struct finding *finding = doctor_tell(
        doctor, CHECK, verdict, "%d are free of the %s", free,
        is_database ? "database's limit"
                    : text_format(doctor->arena, "%d of the server",
                                  sql_i32(doctor->server, 0, READ_SERVER_CONNECTIONS_MAX))
                          .data);
    if (verdict != VERDICT_OK)
        doctor_advise(doctor, finding, "%s",
                      is_database ? "psql -c 'ALTER DATABASE NAME CONNECTION LIMIT -1'"
                                  : "psql -c 'ALTER SYSTEM SET max_connections = 200', then "
                                    "restart PostgreSQL");
}

static void check_transactions(struct doctor *doctor)
{
    const int age = sql_i32(doctor->server, 0, READ_SERVER_OLDEST_AGE);
    const int64_t longest_s = sql_i64(doctor->server, 0, READ_SERVER_LONGEST_S);
    struct finding *finding;
    if (age > AGE_WARN) {
        finding = doctor_tell(doctor, "database.transaction_ids", VERDICT_WARN,
                              "%d are in use: vacuum is behind", age);
        doctor_advise(doctor, finding, "vacuumdb --all --freeze");
    } else {
        doctor_tell(doctor, "database.transaction_ids", VERDICT_OK, "%d are in use", age);
    }
    if (longest_s > LONGEST_WARN_S) {
        finding =
            doctor_tell(doctor, "database.long_transactions", VERDICT_WARN,
                        "one has been open for %lld s and holds vacuum up", (long long)longest_s);
        doctor_advise(doctor, finding,
                      "psql -c 'SELECT pid, usename, xact_start, query FROM pg_stat_activity "
                      "ORDER BY xact_start', then pg_terminate_backend(pid)");
    } else {
        doctor_tell(doctor, "database.long_transactions", VERDICT_OK,
                    "none is open for more than %lld s", (long long)longest_s);
    }
}

static void check_clock(struct doctor *doctor)
{
    struct error err;
    const int64_t before_us = clock_realtime_us();
    if (db_run_one(doctor->db, SQL_READ_SERVER, NULL, &err) != OK)
        return; /* the next check says so */
    const int64_t middle_us = before_us + (clock_realtime_us() - before_us) / 2;
    doctor->server = db_rows(doctor->db, 0);
    const int64_t skew_us = sql_time(doctor->server, 0, READ_SERVER_NOW) - middle_us;
    const int64_t off_us = skew_us < 0 ? -skew_us : skew_us;
    const enum verdict verdict = off_us > SKEW_FAIL_US   ? VERDICT_FAIL
                                 : off_us > SKEW_WARN_US ? VERDICT_WARN
                                                         : VERDICT_OK;
    struct finding *finding =
        doctor_tell(doctor, "clock.database", verdict, "%lld ms %s this machine's",
                    (long long)off_us / 1000, skew_us < 0 ? "behind" : "ahead of");
    if (verdict != VERDICT_OK)
        doctor_advise(doctor, finding, "on both machines: timedatectl set-ntp true");
}

const struct doctor_check DOCTOR_DATABASE[] = {
    {check_reachable, false},  {check_roles, true},
    {check_version, true},     {check_durability, true},
    {check_connections, true}, {check_transactions, true},
    {check_clock, true},       {NULL, false},
};
