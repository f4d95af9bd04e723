#include "saga/routes.h"

#include "base/arena.h"
#include "base/json.h"
#include "platform/http/http_problem.h"
#include "saga/deed.h"
#include "saga/metrics.h"
#include "saga/room.h"
#include "saga/show.h"
#include "saga/wait.h"

#define SAGAS "/internal/sagas"
#define WAIT  SAGAS "/wait"
#define DEEDS "/deeds"

static void refuse(struct http_request *request, enum problem_code code, const char *detail)
{
    respond_problem(request, &(struct problem){.code = code, .detail = text_of(detail)});
}

/* ---- GET ----------------------------------------------------------------------------------- */

static void show_one(struct room *room, struct http_request *request, struct text id)
{
    struct saga_question *question = ARENA_NEW(request->arena, struct saga_question);
    question->is_one = true;
    if (!uuid_parse(id, &question->id)) {
        refuse(request, PROBLEM_NOT_FOUND, "there is no saga of this id");
        return;
    }
    request->context = question;
    show_submit(room->readers, request);
}

static bool read_limit(struct text t, int *limit_out)
{
    int64_t limit = SHOW_LIMIT_DEFAULT;
    if (!text_is_none(t) && (!text_to_i64(t, &limit) || limit < 1 || limit > SHOW_LIMIT_MAX))
        return false;
    *limit_out = (int)limit;
    return true;
}

static void show_page(struct room *room, struct http_request *request)
{
    struct saga_question *question = ARENA_NEW(request->arena, struct saga_question);
    const struct text cursor = http_request_query(request, "cursor");
    if (!saga_state_parse(http_request_query(request, "state"), &question->state)) {
        refuse(request, PROBLEM_PARAMETER_INVALID,
               "state is one of started, running, completed, compensating, compensated, stuck, "
               "abandoned");
        return;
    }
    if (!read_limit(http_request_query(request, "limit"), &question->limit)) {
        refuse(request, PROBLEM_PARAMETER_INVALID, "limit is 1 to 200");
        return;
    }
    if (!text_is_none(cursor) && !saga_cursor_parse(cursor, &question->after)) {
        refuse(request, PROBLEM_PARAMETER_INVALID, "cursor is none of ours");
        return;
    }
    request->context = question;
    show_submit(room->readers, request);
}

/* ---- POST /internal/sagas/wait ------------------------------------------------------------- */

struct wish {
    struct uuid *authorization_ids;
    size_t count;
    int64_t wait_ms;
};

static enum status read_wish(struct http_request *request, struct wish *wish, struct error *err)
{
    struct json_value body;
    TRY(json_parse(request->arena, request->body, &body, err));
    const struct json_value *ids = json_get(&body, "authorization_ids");
    if (ids == NULL || ids->type != JSON_ARRAY || ids->count == 0 || ids->count > WAIT_IDS_MAX)
        return error_set(err, ERR_INVALID, "authorization_ids is a list of 1 to %d ids",
                         WAIT_IDS_MAX);
    if (!json_get_i64(&body, "wait_ms", &wish->wait_ms) || wish->wait_ms < 0 ||
        wish->wait_ms > WAIT_MS_MAX)
        return error_set(err, ERR_INVALID, "wait_ms is 0 to %d", WAIT_MS_MAX);
    wish->count = ids->count;
    wish->authorization_ids = ARENA_NEW_ARRAY(request->arena, struct uuid, ids->count);
    for (size_t at = 0; at < ids->count; at++) {
        if (!uuid_parse(ids->items[at].text, &wish->authorization_ids[at]))
            return error_set(err, ERR_INVALID, "authorization_ids holds something else");
    }
    return OK;
}

static void wait_for_bookings(struct room *room, struct http_request *request)
{
    struct wish wish = {0};
    struct error err;
    if (read_wish(request, &wish, &err) != OK)
        refuse(request, PROBLEM_VALIDATION_FAILED, err.message);
    else
        waiting_room_enter(room->waiting, request, wish.authorization_ids, wish.count,
                           wish.wait_ms);
}

/* ---- POST /internal/sagas/{id}/deeds ------------------------------------------------------- */

static bool is_deed(struct text path)
{
    return text_starts_with(path, SAGAS "/") && text_ends_with(path, DEEDS);
}

static void do_deed(struct room *room, struct http_request *request)
{
    struct deed *deed = ARENA_NEW(request->arena, struct deed);
    struct error err;
    struct text id = text_skip(request->path, sizeof(SAGAS "/") - 1);
    id.size = id.size < sizeof DEEDS - 1 ? 0 : id.size - (sizeof DEEDS - 1);
    if (!uuid_parse(id, &deed->saga_id)) {
        refuse(request, PROBLEM_NOT_FOUND, "there is no saga of this id");
    } else if (deed_read(request, deed, &err) != OK) {
        refuse(request, PROBLEM_VALIDATION_FAILED, err.message);
    } else {
        request->context = deed;
        deeds_submit(room->deeds, request);
    }
}

/* ---- the door ------------------------------------------------------------------------------ */

static void refuse_method(struct http_request *request, const char *allowed)
{
    const struct problem problem = {.code = PROBLEM_METHOD_NOT_ALLOWED};
    struct http_response response = problem_to_response(request->arena, &problem);
    size_t place = 0;
    while (response.headers[place].name != NULL)
        place++;
    response.headers[place] = (struct http_header){"Allow", text_of(allowed)};
    http_respond(request, &response);
}

static enum saga_route route_of(const struct http_request *request)
{
    const bool is_get = text_equals_c(request->method, "GET");
    const bool is_post = text_equals_c(request->method, "POST");
    if (text_equals_c(request->path, WAIT))
        return is_post ? ROUTE_WAIT : ROUTE_NONE;
    if (is_deed(request->path))
        return is_post ? ROUTE_DEED : ROUTE_NONE;
    if (is_get && text_equals_c(request->path, SAGAS))
        return ROUTE_SAGAS;
    return is_get && text_starts_with(request->path, SAGAS "/") ? ROUTE_SAGA : ROUTE_NONE;
}

void saga_routes_handle(void *context, struct http_request *request)
{
    struct room *room = context;
    if (!service_authenticate(&room->config->service, request))
        return;
    request->route = route_of(request);
    if (request->route == ROUTE_WAIT)
        wait_for_bookings(room, request);
    else if (request->route == ROUTE_DEED)
        do_deed(room, request);
    else if (request->route == ROUTE_SAGAS)
        show_page(room, request);
    else if (request->route == ROUTE_SAGA)
        show_one(room, request, text_skip(request->path, sizeof(SAGAS "/") - 1));
    else if (text_equals_c(request->path, WAIT) || is_deed(request->path))
        refuse_method(request, "POST");
    else if (text_equals_c(request->path, SAGAS) || text_starts_with(request->path, SAGAS "/"))
        refuse_method(request, "GET");
    else
        refuse(request, PROBLEM_NOT_FOUND, "this service has no such path");
}
