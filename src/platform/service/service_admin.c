#include "platform/service/service_admin.h"

#include "base/assert.h"
#include "base/json.h"
#include "platform/clock.h"
#include "platform/http/http_problem.h"
#include "platform/service/service_health.h"
#include "platform/service/service_log_level.h"
#include "platform/service/service_metrics.h"
#include "platform/tracing/tracing_metrics.h"

enum { HEADER_SIZE_MAX = 8192, BODY_SIZE_MAX = 4096, CONNECTIONS_MAX = 64, TIMEOUT_MS = 5000 };
enum { METRICS_SIZE_FIRST = 16 * 1024 };

static void add_checks(struct json_writer *w)
{
    struct health_check checks[HEALTH_CHECKS_MAX];
    const size_t count = health_read_checks(checks);
    json_begin_array(w, "checks");
    for (size_t at = 0; at < count; at++) {
        json_begin_object(w, NULL);
        json_write_text(w, "name", text_of(checks[at].name));
        json_write_bool(w, "ok", checks[at].is_good);
        json_write_text(w, "detail", text_of(checks[at].detail));
        json_end_object(w);
    }
    json_end_array(w);
}

static void answer_state(struct http_request *request, bool is_good, const char *state)
{
    struct text_builder body;
    struct json_writer w;
    text_builder_init(&body, request->arena, 512);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_write_text(&w, "status", text_of(state));
    if (!text_is_none(http_request_query(request, "verbose")))
        add_checks(&w);
    json_end_object(&w);
    respond_json(request, is_good ? 200 : 503, text_builder_text(&body));
}

static const char *state_name(enum health_state state)
{
    static const char *const NAMES[] = {
        [HEALTH_NOT_READY] = "not_ready",
        [HEALTH_DEGRADED] = "degraded",
        [HEALTH_READY] = "ready",
    };
    return NAMES[state];
}

static void answer_ready(struct http_request *request)
{
    const enum health_state state = health_read_state();
    answer_state(request, state != HEALTH_NOT_READY, state_name(state));
}

static void answer_version(struct http_request *request, const char *service)
{
    struct text_builder body;
    struct json_writer w;
    text_builder_init(&body, request->arena, 256);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_write_text(&w, "service", text_of(service));
    json_write_text(&w, "version", TEXT(TALLYSTICK_VERSION));
    json_end_object(&w);
    respond_json(request, 200, text_builder_text(&body));
}

bool service_answer_health(struct http_request *request)
{
    if (!text_equals_c(request->method, "GET"))
        return false;
    if (text_equals_c(request->path, "/livez"))
        answer_state(request, true, "alive"); /* whoever reads this has been answered by the loop */
    else if (text_equals_c(request->path, "/readyz") || text_equals_c(request->path, "/healthz"))
        answer_ready(request);
    else if (text_equals_c(request->path, "/startupz"))
        answer_state(request, health_is_started(), health_is_started() ? "started" : "starting");
    else
        return false;
    return true;
}

static void add_dependencies(struct json_writer *w)
{
    json_begin_array(w, "dependencies");
    for (int at = 0; at < DEPENDENCY_COUNT; at++) {
        const struct dependency_state state = dependency_read((enum dependency)at);
        if (!health_depends_on((enum dependency)at))
            continue;
        json_begin_object(w, NULL);
        json_write_text(w, "name", text_of(dependency_name((enum dependency)at)));
        json_write_bool(w, "away", state.is_away);
        if (state.is_away) {
            json_write_time(w, "since", state.since_us);
            json_write_text(w, "why", text_of(state.why));
        }
        json_end_object(w);
    }
    json_end_array(w);
}

static void answer_status(struct http_request *request, struct service_admin *admin)
{
    struct text_builder body;
    struct json_writer w;
    text_builder_init(&body, request->arena, 1024);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_write_text(&w, "service", text_of(admin->service->name));
    json_write_text(&w, "status", text_of(state_name(health_read_state())));
    json_write_time(&w, "now", clock_realtime_us()); /* by this machine's clock */
    add_dependencies(&w);
    pthread_mutex_lock(&admin->mutex);
    if (admin->room != NULL && admin->service->describe != NULL)
        admin->service->describe(admin->room, &w);
    pthread_mutex_unlock(&admin->mutex);
    json_end_object(&w);
    respond_json(request, 200, text_builder_text(&body));
}

static void answer_metrics(struct http_request *request, const struct service *service)
{
    const enum metrics_form form = metrics_form_accepted(http_request_header(request, "accept"));
    struct text_builder body;
    text_builder_init(&body, request->arena, METRICS_SIZE_FIRST);
    metrics_write(&SERVICE_METRICS, form, &body);
    metrics_write(&TRACING_METRICS, form, &body);
    for (size_t at = 0; at < SERVICE_METRICS_MAX && service->metrics[at] != NULL; at++)
        metrics_write(service->metrics[at], form, &body);
    metrics_write_end(form, &body);
    const struct http_response response = {
        .status = 200,
        .content_type = metrics_content_type(form),
        .body = text_builder_text(&body),
    };
    http_respond(request, &response);
}

static void handle(void *context, struct http_request *request)
{
    struct service_admin *admin = context;
    if (service_answer_health(request))
        return;
    if (text_equals_c(request->path, "/version"))
        answer_version(request, admin->service->name);
    else if (text_equals_c(request->path, "/status"))
        answer_status(request, admin);
    else if (text_equals_c(request->path, "/log-level"))
        service_answer_log_level(admin->config, request);
    else if (text_equals_c(request->path, "/metrics"))
        answer_metrics(request, admin->service);
    else
        respond_problem(request, &(struct problem){.code = PROBLEM_NOT_FOUND});
}

enum status service_admin_start(struct service_admin *admin, const char *address, int port,
                                struct error *err)
{
    const struct http_server_config config = {
        .address = address,
        .port = port,
        .header_size_max = HEADER_SIZE_MAX,
        .body_size_max = BODY_SIZE_MAX,
        .connections_max = CONNECTIONS_MAX,
        .receive_ms = TIMEOUT_MS,
        .respond_ms = TIMEOUT_MS,
        .context = admin,
        .handle = handle,
        .refuse = refuse_by_problem,
    };
    pthread_mutex_init(&admin->mutex, NULL);
    return http_server_start(&config, &admin->server, err);
}

void service_admin_set_room(struct service_admin *admin, void *room)
{
    pthread_mutex_lock(&admin->mutex);
    admin->room = room;
    pthread_mutex_unlock(&admin->mutex);
}

void service_admin_stop(struct service_admin *admin)
{
    http_server_stop(admin->server);
    admin->server = NULL;
}
