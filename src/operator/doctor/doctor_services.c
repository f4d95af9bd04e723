/* The five services, by their admin ports: there, ready, of this version, with the right time. */
#include "base/arena.h"
#include "base/json.h"
#include "base/timestamp.h"
#include "operator/doctor/doctor.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"

enum { REPLY_SIZE_MAX = 64 * 1024, SKEW_WARN_US = 1000000, SKEW_FAIL_US = 60 * 1000000 };

/* The answer's JSON; false: nobody there, or no JSON. */
static bool ask(struct doctor *doctor, int service, const char *path, int *status_out,
                struct json_value *body_out)
{
    struct http_reply reply;
    struct error ignored;
    const struct http_call call = {
        .method = "GET",
        .url = text_format(doctor->arena, "http://%.*s%s",
                           TEXT_ARGS(doctor_authority(doctor, service)), path)
                   .data,
        .timeout_ms = (int)doctor->config->timeout_ms,
        .reply_size_max = REPLY_SIZE_MAX,
    };
    if (http_client_call(doctor->http, &call, doctor->arena, &reply, &ignored) != OK)
        return false;
    *status_out = reply.status;
    return json_parse(doctor->arena, reply.body, body_out, &ignored) == OK;
}

/* Which of its checks are not well, in its own words. */
static struct text what_is_wrong(struct doctor *doctor, const struct json_value *ready)
{
    const struct json_value *checks = json_get(ready, "checks");
    struct text_builder out;
    text_builder_init(&out, doctor->arena, 128);
    for (size_t at = 0; checks != NULL && checks->type == JSON_ARRAY && at < checks->count; at++) {
        const struct json_value *ok = json_get(&checks->items[at], "ok");
        if (ok == NULL || ok->type == JSON_TRUE)
            continue;
        text_builder_add_format(&out, "; %.*s: %.*s",
                                TEXT_ARGS(json_get_text(&checks->items[at], "name")),
                                TEXT_ARGS(json_get_text(&checks->items[at], "detail")));
    }
    return text_builder_text(&out);
}

static void tell_readiness(struct doctor *doctor, const char *check, int service,
                           const struct json_value *ready)
{
    const struct text state = json_get_text(ready, "status");
    const struct text wrong = what_is_wrong(doctor, ready);
    const bool is_degraded = text_equals_c(state, "degraded");
    if (text_equals_c(state, "ready")) {
        doctor_tell(doctor, check, VERDICT_OK, "ready");
        return;
    }
    struct finding *finding = doctor_tell(doctor, check, is_degraded ? VERDICT_WARN : VERDICT_FAIL,
                                          "%.*s%.*s", TEXT_ARGS(state), TEXT_ARGS(wrong));
    doctor_advise(doctor, finding, "curl 'http://%.*s/readyz?verbose'; curl http://%.*s/status",
                  TEXT_ARGS(doctor_authority(doctor, service)),
                  TEXT_ARGS(doctor_authority(doctor, service)));
}

static void check_version(struct doctor *doctor, int service)
{
    struct json_value body;
    int status = 0;
    if (!ask(doctor, service, "/version", &status, &body))
        return;
    const struct text version = json_get_text(&body, "version");
    if (text_equals_c(version, TALLYSTICK_VERSION))
        return;
    struct finding *finding = doctor_tell(
        doctor, text_format(doctor->arena, "version.%s", ADMIN_SERVICES[service]).data,
        VERDICT_WARN, "it is %.*s, this tool is %s", TEXT_ARGS(version), TALLYSTICK_VERSION);
    doctor_advise(doctor, finding, "restart it with the newer binary");
}

static void check_clock(struct doctor *doctor, int service)
{
    struct json_value body;
    int status = 0;
    int64_t there_us = 0;
    const int64_t before_us = clock_realtime_us();
    if (!ask(doctor, service, "/status", &status, &body) ||
        !timestamp_parse(json_get_text(&body, "now"), &there_us))
        return;
    const int64_t skew_us = there_us - (before_us + clock_realtime_us()) / 2;
    const int64_t off_us = skew_us < 0 ? -skew_us : skew_us;
    const enum verdict verdict = off_us > SKEW_FAIL_US   ? VERDICT_FAIL
                                 : off_us > SKEW_WARN_US ? VERDICT_WARN
                                                         : VERDICT_OK;
    struct finding *finding = doctor_tell(
        doctor, text_format(doctor->arena, "clock.%s", ADMIN_SERVICES[service]).data, verdict,
        "%lld ms %s this machine's", (long long)off_us / 1000, skew_us < 0 ? "behind" : "ahead of");
    if (verdict != VERDICT_OK)
        doctor_advise(doctor, finding, "on its machine: timedatectl set-ntp true");
}

static void check_services(struct doctor *doctor)
{
    for (int at = 0; at < ADMIN_SERVICE_COUNT; at++) {
        const char *const check = text_format(doctor->arena, "service.%s", ADMIN_SERVICES[at]).data;
        struct json_value ready;
        int status = 0;
        if (!ask(doctor, at, "/readyz?verbose", &status, &ready)) {
            struct finding *finding =
                doctor_tell(doctor, check, VERDICT_FAIL, "nobody answers at %.*s",
                            TEXT_ARGS(doctor_authority(doctor, at)));
            doctor_advise(doctor, finding, "start it: tallystick %s", ADMIN_SERVICES[at]);
            continue;
        }
        tell_readiness(doctor, check, at, &ready);
        check_version(doctor, at);
        check_clock(doctor, at);
    }
}

const struct doctor_check DOCTOR_SERVICES_CHECKS[] = {
    {check_services, false},
    {NULL, false},
};
