/* tallystick doctor: configuration, connections, versions, settings, clocks, disk and ages, each
 * with what to do where it is not well. */
#include "operator/doctor/doctor.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/json.h"
#include "operator/operator.h"
#include "operator/operator_sql.h"
#include "platform/http/http_client.h"

#include <stdio.h>
#include <unistd.h>

enum { ARENA_SIZE_MAX = 64 * 1024 * 1024, SAID_SIZE_MAX = 1024 };

#define FIELD(field) offsetof(struct doctor_config, field)

/* clang-format off */
const struct option DOCTOR_OPTIONS[] = {
    {"database-url", OPT_TEXT, NULL, FIELD(database_url),
     "PostgreSQL, as a URI or key=value text. DATABASE_URL is read too."},
    {"output", OPT_CHOICE, "table", FIELD(output),
     "What is found is printed as (short: -o).", "table|json"},
    {"profile", OPT_CHOICE, "prod", FIELD(profile),
     "Profile of the services.", "dev|prod"},
    {"service-secret", OPT_SECRET, NULL, FIELD(service_secret),
     "What services show each other; it is only measured."},
    {"listen-address", OPT_TEXT, "127.0.0.1", FIELD(listen_address),
     "Address that the services listen on."},
    ADMIN_PORT_OPTIONS(struct doctor_config, ports),
    {"topic-prefix", OPT_TEXT, "tallystick", FIELD(topic_prefix),
     "First part of every topic's name on the event bus."},
    {"keystore", OPT_CHOICE, "none", FIELD(keystore),
     "dynamodb: its table of keys is looked at, too.", "none|dynamodb"},
    {"dynamodb-table", OPT_TEXT, "tallystick_idempotency", FIELD(dynamodb_table),
     "Name of the table of keys in DynamoDB."},
    {"doctor-timeout-ms", OPT_INT, "5000", FIELD(timeout_ms),
     "How long, in milliseconds, whoever is asked may take to answer; at least 100."},
    {"doctor-outbox-age-s", OPT_INT, "30", FIELD(outbox_age_s),
     "From how many seconds of waiting on an event in an outbox is a failure."},
    {"doctor-saga-age-s", OPT_INT, "300", FIELD(saga_age_s),
     "From how many seconds of its life on a saga that has not ended is a warning."},
    {"doctor-expiry-lag-s", OPT_INT, "60", FIELD(expiry_lag_s),
     "By how many seconds a hold may be overdue before that is a failure."},
    {NULL},
};
/* clang-format on */

static const struct tool DOCTOR = {
    .name = "doctor",
    .usage = "tallystick doctor   looks at everything that the services stand on\n"
             "Run it with the environment of the services. It changes nothing, and ends with 0 "
             "when\nnothing has failed, with 1 when something has, with 4 when PostgreSQL cannot "
             "be reached.",
    .options = DOCTOR_OPTIONS,
};

/* ---- telling --------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 0))) static struct text words(struct arena *arena,
                                                               const char *format, va_list args)
{
    char said[SAID_SIZE_MAX];
    vsnprintf(said, sizeof said, format, args);
    return text_copy(arena, text_of(said));
}

struct finding *doctor_tell(struct doctor *doctor, const char *check, enum verdict verdict,
                            const char *format, ...)
{
    ASSERT(doctor->count < DOCTOR_FINDINGS_MAX);
    struct finding *finding = &doctor->findings[doctor->count++];
    va_list args;
    va_start(args, format);
    *finding = (struct finding){.check = text_copy(doctor->arena, text_of(check)),
                                .verdict = verdict,
                                .says = words(doctor->arena, format, args)};
    va_end(args);
    return finding;
}

void doctor_advise(struct doctor *doctor, struct finding *finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    finding->advice = words(doctor->arena, format, args);
    va_end(args);
}

struct text doctor_authority(const struct doctor *doctor, int service)
{
    static const char *const EVERY[] = {"0.0.0.0", "::", ""};
    const char *address = doctor->config->listen_address;
    for (size_t every = 0; every < COUNT(EVERY); every++)
        if (strcmp(address, EVERY[every]) == 0)
            address = "127.0.0.1";
    const bool is_v6 = strchr(address, ':') != NULL;
    return text_format(doctor->arena, is_v6 ? "[%s]:%lld" : "%s:%lld", address,
                       (long long)doctor->config->ports[service]);
}

enum status doctor_ask(struct doctor *doctor, const struct sql_statement *statement,
                       struct sql_rows *rows_out, struct error *err)
{
    db_free(doctor->asked);
    doctor->question[0] = statement;
    doctor->asked = tool_open_db(doctor->config->database_url, doctor->question,
                                 (int)doctor->config->timeout_ms);
    TRY(db_run_one(doctor->asked, statement, NULL, err));
    *rows_out = db_rows(doctor->asked, 0);
    return OK;
}

void doctor_tell_error(struct doctor *doctor, const char *check, const struct error *err)
{
    struct finding *finding = doctor_tell(doctor, check, VERDICT_FAIL, "%s", err->message);
    if (tool_lacks_migration(err))
        doctor_advise(doctor, finding, "tallystick migrate apply");
}

/* ---- printing -------------------------------------------------------------------------------- */

static const char *verdict_name(enum verdict verdict)
{
    static const char *const NAMES[] = {"ok", "warn", "fail"};
    return NAMES[verdict];
}

static void print_for_people(const struct doctor *doctor)
{
    int counts[VERDICT_FAIL + 1] = {0};
    size_t widest = 0;
    for (size_t at = 0; at < doctor->count; at++)
        if (doctor->findings[at].check.size > widest)
            widest = doctor->findings[at].check.size;
    for (size_t at = 0; at < doctor->count; at++) {
        const struct finding *finding = &doctor->findings[at];
        counts[finding->verdict]++;
        printf("%-4s  %-*.*s  %.*s\n", verdict_name(finding->verdict), (int)widest,
               TEXT_ARGS(finding->check), TEXT_ARGS(finding->says));
        if (!text_is_none(finding->advice))
            printf("      %*s  -> %.*s\n", (int)widest, "", TEXT_ARGS(finding->advice));
    }
    printf("\n%d ok, %d to be warned of, %d failed\n", counts[VERDICT_OK], counts[VERDICT_WARN],
           counts[VERDICT_FAIL]);
}

static void print_json(const struct doctor *doctor)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, doctor->arena, 8192);
    json_writer_init(&w, &out);
    json_begin_array(&w, NULL);
    for (size_t at = 0; at < doctor->count; at++) {
        const struct finding *finding = &doctor->findings[at];
        json_begin_object(&w, NULL);
        json_write_text(&w, "check", finding->check);
        json_write_text(&w, "verdict", text_of(verdict_name(finding->verdict)));
        json_write_text(&w, "says", finding->says);
        if (text_is_none(finding->advice))
            json_write_null(&w, "advice");
        else
            json_write_text(&w, "advice", finding->advice);
        json_end_object(&w);
    }
    json_end_array(&w);
    printf("%.*s\n", TEXT_ARGS(text_builder_text(&out)));
}

/* ---- the command ----------------------------------------------------------------------------- */

static const struct doctor_check *const CHECKS[] = {
    DOCTOR_CONFIGURATION, DOCTOR_DATABASE,        DOCTOR_SCHEMA, DOCTOR_DISK,
    DOCTOR_WORK,          DOCTOR_SERVICES_CHECKS, DOCTOR_PARTS,
};

static int run(struct doctor *doctor)
{
    bool has_failed = false;
    for (size_t list = 0; list < COUNT(CHECKS); list++)
        for (const struct doctor_check *check = CHECKS[list]; check->run != NULL; check++)
            if (doctor->is_reachable || !check->needs_database)
                check->run(doctor);
    if (strcmp(doctor->config->output, "json") == 0)
        print_json(doctor);
    else
        print_for_people(doctor);
    for (size_t at = 0; at < doctor->count; at++)
        has_failed = has_failed || doctor->findings[at].verdict == VERDICT_FAIL;
    if (!doctor->is_reachable)
        return TOOL_UNREACHABLE;
    return has_failed ? TOOL_FAILED : TOOL_DONE;
}

int doctor_main(int argc, char **argv)
{
    enum { TIMEOUT_MS_MIN = 100, TIMEOUT_MS_MAX = 600000 };
    struct doctor_config config = {0};
    int code = TOOL_DONE;
    if (!tool_start(&DOCTOR, &config, &argc, argv, &code))
        return code;
    if (argc != 1)
        return tool_complain(&DOCTOR, "'%s' is not expected", argv[1]);
    if (config.timeout_ms < TIMEOUT_MS_MIN || config.timeout_ms > TIMEOUT_MS_MAX)
        return tool_complain(&DOCTOR, "doctor-timeout-ms is %d to %d", TIMEOUT_MS_MIN,
                             TIMEOUT_MS_MAX);
    http_client_init_all();
    struct arena *arena = arena_new(ARENA_SIZE_MAX);
    struct doctor *doctor = ARENA_NEW(arena, struct doctor);
    doctor->config = &config;
    doctor->arena = arena;
    doctor->http = http_client_new(NULL);
    code = run(doctor);
    http_client_free(doctor->http);
    db_free(doctor->asked);
    db_free(doctor->db);
    arena_free(arena);
    return code;
}
