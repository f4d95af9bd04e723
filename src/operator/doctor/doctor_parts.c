/* The parts beside PostgreSQL, where there are any: event bus, key store, and who takes traces. */
#include "base/arena.h"
#include "operator/doctor/doctor.h"
#include "platform/bus/bus.h"
#include "platform/http/http_client.h"
#include "platform/keystore/dynamodb_table.h"
#include "platform/service/service.h"

#include <stdlib.h>

enum { REPLY_SIZE_MAX = 64 * 1024 };

/* ---- the bus --------------------------------------------------------------------------------- */

static enum status reach_bus(const struct bus_config *config, struct error *err)
{
    struct bus_publisher *publisher = NULL;
    TRY(bus_publisher_open(config, &publisher, err));
    const enum status status = bus_publish(publisher, NULL, 0, NULL, err);
    bus_publisher_close(publisher);
    return status;
}

static void advise_bus(struct doctor *doctor, struct finding *finding,
                       const struct bus_settings *bus)
{
    if (strcmp(bus->kind, "kafka") == 0)
        doctor_advise(doctor, finding,
                      "check TALLYSTICK_KAFKA_BROKERS and that they run: kcat -b %s -L",
                      bus->kafka_brokers);
    else
        doctor_advise(doctor, finding,
                      "check AWS_REGION, credentials and what the policy allows: aws sts "
                      "get-caller-identity; aws sns list-topics");
}

static void check_replicas(struct doctor *doctor, const struct bus_settings *bus)
{
    if (strcmp(bus->kind, "kafka") != 0 || bus->kafka_replicas > 1 ||
        strcmp(doctor->config->profile, "prod") != 0)
        return;
    struct finding *finding =
        doctor_tell(doctor, "bus.replicas", VERDICT_WARN,
                    "new topics get one replica: a broker's disk that is lost takes events along");
    doctor_advise(doctor, finding, "TALLYSTICK_KAFKA_REPLICAS=3");
}

static void check_bus(struct doctor *doctor)
{
    const struct option *const tables[] = {BUS_OPTIONS, NULL};
    struct service_config *config = ARENA_NEW(doctor->arena, struct service_config);
    char *no_words[] = {NULL, NULL};
    int count = 1;
    struct error err;
    if (config_load(tables, config, &count, no_words, &err) != OK)
        return; /* configuration.* says so */
    if (strcmp(config->bus.kind, "postgres") == 0) {
        doctor_tell(doctor, "bus", VERDICT_OK, "PostgreSQL itself");
        return;
    }
    const struct bus_config bus = {
        .settings = config->bus,
        .topic_prefix = doctor->config->topic_prefix,
        .database_url = doctor->config->database_url,
        .user = "tallystick_operator",
        .service = "doctor",
    };
    if (reach_bus(&bus, &err) == OK) {
        doctor_tell(doctor, "bus", VERDICT_OK, "%s answers", config->bus.kind);
    } else {
        struct finding *finding = doctor_tell(doctor, "bus", VERDICT_FAIL, "%s", err.message);
        advise_bus(doctor, finding, &config->bus);
    }
    check_replicas(doctor, &config->bus);
}

/* ---- the key store --------------------------------------------------------------------------- */

static void check_keystore(struct doctor *doctor)
{
    static const char CHECK[] = "key_store";
    const char *const table = doctor->config->dynamodb_table;
    struct dynamodb_plan plan;
    struct finding *finding;
    struct error err;
    if (strcmp(doctor->config->keystore, "dynamodb") != 0)
        return;
    if (dynamodb_table_plan(table, &plan, &err) != OK) {
        finding = doctor_tell(doctor, CHECK, VERDICT_FAIL, "%s", err.message);
        doctor_advise(doctor, finding,
                      "check AWS_REGION and credentials: aws dynamodb describe-table --table-name "
                      "%s",
                      table);
    } else if (plan.must_create || plan.must_set_ttl) {
        finding = doctor_tell(doctor, CHECK, VERDICT_FAIL, "table %s %s", table,
                              plan.must_create ? "is not there" : "never forgets its keys");
        doctor_advise(doctor, finding, "TALLYSTICK_KEYSTORE=dynamodb tallystick migrate apply");
    } else {
        doctor_tell(doctor, CHECK, VERDICT_OK, "table %s answers", table);
    }
}

/* ---- who takes traces ------------------------------------------------------------------------ */

/* By the standard names: the one for traces is a whole URL, the common one a beginning of it. */
static struct text find_traces_url(const struct doctor *doctor)
{
    const char *const traces = getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    const char *const all = getenv("OTEL_EXPORTER_OTLP_ENDPOINT");
    if (traces != NULL && traces[0] != '\0')
        return text_of(traces);
    if (all == NULL || all[0] == '\0')
        return TEXT_NONE;
    struct text base = text_of(all);
    while (base.size > 0 && base.data[base.size - 1] == '/')
        base.size--;
    return text_format(doctor->arena, "%.*s/v1/traces", TEXT_ARGS(base));
}

/* An empty export: every receiver knows what to do with it, and if it were only to say that it
 * takes protobuf alone (400, 415). */
static void check_traces(struct doctor *doctor)
{
    static const char CHECK[] = "traces";
    const struct text url = find_traces_url(doctor);
    struct http_reply reply;
    struct finding *finding;
    struct error err;
    if (text_is_none(url))
        return;
    const struct http_call call = {
        .method = "POST",
        .url = text_to_c(doctor->arena, url),
        .body = TEXT("{}"),
        .timeout_ms = (int)doctor->config->timeout_ms,
        .reply_size_max = REPLY_SIZE_MAX,
    };
    if (http_client_call(doctor->http, &call, doctor->arena, &reply, &err) != OK) {
        finding = doctor_tell(doctor, CHECK, VERDICT_WARN, "%s", err.message);
        doctor_advise(doctor, finding,
                      "is the collector there? requests are answered without it, traces are lost");
    } else if (reply.status / 100 == 2 || reply.status == 400 || reply.status == 415) {
        doctor_tell(doctor, CHECK, VERDICT_OK, "%.*s answers", TEXT_ARGS(url));
    } else {
        finding = doctor_tell(doctor, CHECK, VERDICT_WARN, "%.*s answers %d", TEXT_ARGS(url),
                              reply.status);
        doctor_advise(doctor, finding,
                      "check the path of OTEL_EXPORTER_OTLP_ENDPOINT and what "
                      "OTEL_EXPORTER_OTLP_HEADERS must say");
    }
}

const struct doctor_check DOCTOR_PARTS[] = {
    {check_bus, false},
    {check_keystore, false},
    {check_traces, false},
    {NULL, false},
};
