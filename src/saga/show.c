#include "saga/show.h"

#include "base/arena.h"
#include "base/json.h"
#include "domain/lane.h"
#include "platform/http/http_problem.h"
#include "platform/log/log.h"
#include "platform/worker.h"
#include "saga/store.h"

enum { READERS = 1, QUEUE_MAX = 256, ARENA_SIZE_MAX = 16 * 1024 * 1024, RETRY_AFTER_MS = 1000 };

bool saga_cursor_parse(struct text t, struct saga_cursor *out)
{
    int64_t lane = 0;
    struct uuid id;
    const struct text first = text_cut(&t, '-');
    if (!text_to_i64(first, &lane) || lane >= LANE_COUNT || !uuid_parse(t, &id))
        return false;
    *out = (struct saga_cursor){(int)lane, id};
    return true;
}

/* ---- rendering ----------------------------------------------------------------------------- */

static void write_optional(struct json_writer *w, const char *name, struct text value)
{
    if (text_is_none(value))
        json_write_null(w, name);
    else
        json_write_text(w, name, value);
}

static void write_time_or_null(struct json_writer *w, const char *name, int64_t time_us)
{
    if (time_us == 0)
        json_write_null(w, name);
    else
        json_write_time(w, name, time_us);
}

static void write_step(struct json_writer *w, const struct step_view *step)
{
    json_begin_object(w, NULL);
    json_write_text(w, "step", step->step);
    json_write_text(w, "op", step->op);
    json_write_text(w, "state", step->state);
    if (uuid_is_nil(&step->command_id))
        json_write_null(w, "command_id");
    else
        json_write_uuid(w, "command_id", &step->command_id);
    json_write_i64(w, "tries", step->tries);
    json_write_time(w, "started_at", step->started_us);
    write_time_or_null(w, "finished_at", step->finished_us);
    write_optional(w, "reason", step->reason);
    json_end_object(w);
}

static void write_saga(struct json_writer *w, const struct saga_view *saga)
{
    json_begin_object(w, NULL);
    json_write_uuid(w, "id", &saga->id);
    json_write_text(w, "type", saga->type);
    json_write_text(w, "state", text_of(saga_state_name(saga->state)));
    json_write_text(w, "step", saga->step);
    json_write_uuid(w, "authorization_id", &saga->authorization_id);
    json_write_uuid(w, "account_id", &saga->account_id);
    json_write_i64(w, "tries", saga->tries);
    write_optional(w, "reason", saga->reason);
    json_write_time(w, "started_at", saga->started_us);
    json_write_time(w, "updated_at", saga->updated_us);
    write_time_or_null(w, "ended_at", saga_state_is_end(saga->state) ? saga->updated_us : 0);
    json_begin_array(w, "steps");
    for (size_t at = 0; at < saga->step_count; at++)
        write_step(w, &saga->steps[at]);
    json_end_array(w);
    json_end_object(w);
}

static void write_cursor(struct json_writer *w, struct arena *arena, const struct saga_view *last)
{
    char id[UUID_TEXT_SIZE + 1];
    uuid_format(&last->id, id);
    json_write_text(w, "next_cursor", text_format(arena, "%d-%s", last->lane, id));
}

/* ---- answering ----------------------------------------------------------------------------- */

static void refuse(struct http_request *request, enum problem_code code, const char *detail)
{
    const struct problem problem = {
        .code = code,
        .detail = text_of(detail),
        .retry_after_ms = problem_is_retryable(code) ? RETRY_AFTER_MS : 0,
    };
    respond_problem(request, &problem);
}

static void answer_one(struct http_request *request, const struct saga_views *views)
{
    struct text_builder out;
    struct json_writer w;
    if (views->count == 0) {
        refuse(request, PROBLEM_NOT_FOUND, "there is no saga of this id");
        return;
    }
    text_builder_init(&out, request->arena, 1024);
    json_writer_init(&w, &out);
    write_saga(&w, &views->items[0]);
    respond_json(request, 200, text_builder_text(&out));
}

/* One more than the limit was read: it says that there is a next page. */
static void answer_page(struct http_request *request, const struct saga_views *views)
{
    const struct saga_question *question = request->context;
    const bool has_more = views->count > (size_t)question->limit;
    const size_t count = has_more ? (size_t)question->limit : views->count;
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, request->arena, 1024);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_begin_array(&w, "items");
    for (size_t at = 0; at < count; at++)
        write_saga(&w, &views->items[at]);
    json_end_array(&w);
    if (has_more)
        write_cursor(&w, request->arena, &views->items[count - 1]);
    else
        json_write_null(&w, "next_cursor");
    json_end_object(&w);
    respond_json(request, 200, text_builder_text(&out));
}

static void answer_question(struct worker *worker, struct http_request *request)
{
    const struct saga_question *question = request->context;
    struct saga_views views;
    struct error err;
    const enum status status =
        question->is_one
            ? store_read_saga(worker->context, worker->arena, &question->id, &views, &err)
            : store_list_sagas(worker->context, worker->arena, question, &views, &err);
    if (status != OK) {
        log_warning(NULL, "saga.read_failed", "sagas not read", kv_str("error", err.message));
        refuse(request, PROBLEM_DEPENDENCY_DOWN, "the database did not answer");
    } else if (question->is_one) {
        answer_one(request, &views);
    } else {
        answer_page(request, &views);
    }
}

/* ---- the readers --------------------------------------------------------------------------- */

static void open_reader(struct worker *worker)
{
    worker->context = db_new(worker->shared);
}

static void close_reader(struct worker *worker)
{
    db_free(worker->context);
}

static void answer_questions(struct worker *worker, void **items, size_t count)
{
    for (size_t at = 0; at < count; at++)
        answer_question(worker, items[at]);
}

struct worker_pool *show_start(const struct db_config *db)
{
    union {
        const void *given;
        void *shared;
    } config = {.given = db}; /* read only */
    return worker_pool_start(&(struct worker_pool_config){
        .name = "readers",
        .workers = READERS,
        .queue_max = QUEUE_MAX,
        .batch_max = 1,
        .arena_size_max = ARENA_SIZE_MAX,
        .shared = config.shared,
        .open = open_reader,
        .run = answer_questions,
        .close = close_reader,
    });
}

void show_submit(struct worker_pool *pool, struct http_request *request)
{
    if (!worker_pool_submit(pool, 0, request))
        refuse(request, PROBLEM_BACKPRESSURE, "too many questions wait");
}
