#include "platform/service/service_log_level.h"

#include "base/json.h"
#include "platform/log/log.h"

static void answer_level(struct http_request *request)
{
    struct text_builder body;
    struct json_writer w;
    text_builder_init(&body, request->arena, 64);
    json_writer_init(&w, &body);
    json_begin_object(&w, NULL);
    json_write_text(&w, "level", text_of(log_level_name(log_level())));
    json_end_object(&w);
    respond_json(request, 200, text_builder_text(&body));
}

/* False: the request has been answered. */
static bool read_level(struct http_request *request, enum log_level *level_out)
{
    struct json_value body;
    struct error err;
    if (json_parse(request->arena, request->body, &body, &err) != OK) {
        respond_problem(request, &(struct problem){.code = PROBLEM_MALFORMED_JSON,
                                                   .detail = text_of(err.message)});
        return false;
    }
    if (log_level_parse(json_get_text(&body, "level"), level_out))
        return true;
    const struct problem_error error = {TEXT("/level"), "value_not_allowed",
                                        TEXT("one of debug, info, warning, error")};
    respond_problem(
        request,
        &(struct problem){.code = PROBLEM_VALIDATION_FAILED, .errors = &error, .error_count = 1});
    return false;
}

/* Said while the lower of both levels holds, so that no change is silent. */
static void change_level(enum log_level level)
{
    const enum log_level before = log_level();
    if (level < before)
        log_set_level(level);
    log_warning(NULL, "log.level_changed", "from now on less or more is logged",
                kv_str("from", log_level_name(before)), kv_str("to", log_level_name(level)));
    log_set_level(level);
}

void service_answer_log_level(const struct service_config *config, struct http_request *request)
{
    enum log_level level;
    if (text_equals_c(request->method, "GET")) {
        answer_level(request);
        return;
    }
    if (!text_equals_c(request->method, "PUT")) {
        const struct problem problem = {.code = PROBLEM_METHOD_NOT_ALLOWED};
        struct http_response response = problem_to_response(request->arena, &problem);
        size_t at = 0;
        while (response.headers[at].name != NULL)
            at++;
        response.headers[at] = (struct http_header){"Allow", TEXT("GET, PUT")};
        http_respond(request, &response);
        return;
    }
    if (!service_is_dev(config) && !service_authenticate(config, request))
        return;
    if (!read_level(request, &level))
        return;
    change_level(level);
    answer_level(request);
}
