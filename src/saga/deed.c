/* The life of a deed: find the saga's authorization by its id, then one SQL transaction like any
 * turn's: lock, load, decide by the rules, save with the record of who and why. */
#include "saga/deed.h"

#include "base/arena.h"
#include "base/json.h"
#include "platform/clock.h"
#include "platform/http/http_problem.h"
#include "platform/log/log.h"
#include "platform/messaging/waker.h"
#include "platform/worker.h"
#include "saga/room.h"
#include "saga/store.h"
#include "saga/wait.h"

enum {
    QUEUE_MAX = 64,
    ARENA_SIZE_MAX = 4 * 1024 * 1024,
    ATTEMPTS_MAX = 5,
    NAME_SIZE_MAX = 100,
    REASON_SIZE_MAX = 500,
    RETRY_AFTER_MS = 1000,
};

/* ---- what is asked ------------------------------------------------------------------------- */

static bool is_filled(struct text t, size_t size_max)
{
    return t.size > 0 && t.size <= size_max;
}

enum status deed_read(const struct http_request *request, struct deed *deed, struct error *err)
{
    struct json_value body;
    TRY(json_parse(request->arena, request->body, &body, err));
    const struct json_value *dry_run = json_get(&body, "dry_run");
    deed->os_user = json_get_text(&body, "os_user");
    deed->by = json_get_text(&body, "by");
    deed->reason = json_get_text(&body, "reason");
    deed->is_dry_run = dry_run != NULL && dry_run->type == JSON_TRUE;
    if (!saga_deed_parse(json_get_text(&body, "deed"), &deed->event))
        return error_set(err, ERR_INVALID, "deed is one of retry, compensate, abandon");
    if (!json_get_uuid(&body, "deed_id", &deed->id))
        return error_set(err, ERR_INVALID, "deed_id is the id of the operator's command");
    if (!is_filled(deed->os_user, NAME_SIZE_MAX) || deed->by.size > NAME_SIZE_MAX)
        return error_set(err, ERR_INVALID, "os_user and by are names of up to %d bytes",
                         NAME_SIZE_MAX);
    if (!is_filled(deed->reason, REASON_SIZE_MAX))
        return error_set(err, ERR_INVALID, "reason is 1 to %d bytes", REASON_SIZE_MAX);
    return OK;
}

/* ---- doing it ------------------------------------------------------------------------------ */

struct place {
    enum saga_state state;
    enum saga_step step;
};

/* One deed on its way. */
struct doing {
    const struct deed *deed;
    struct http_request *request;
    struct arena *arena;
    bool is_found;
    enum deed_refusal refusal;
    enum saga_type type;
    struct place from;
    struct place to;
    struct turn turn;
};

static struct place place_of(const struct saga *saga)
{
    return (struct place){saga->state, saga->step};
}

static void write_place(struct json_writer *w, const char *name, struct place place)
{
    json_begin_object(w, name);
    json_write_text(w, "state", text_of(saga_state_name(place.state)));
    json_write_text(w, "step", text_of(saga_step_name(place.step)));
    json_end_object(w);
}

/* What the audit keeps beside who, when, what and why. */
static struct text detail_of(const struct doing *doing, const struct saga *saga)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, doing->arena, 512);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_write_text(&w, "outcome", TEXT("done"));
    if (!text_is_none(doing->deed->by))
        json_write_text(&w, "by", doing->deed->by);
    json_write_text(&w, "type", text_of(saga_type_name(saga->type)));
    json_write_uuid(&w, "authorization_id", &saga->authorization_id);
    write_place(&w, "from", doing->from);
    write_place(&w, "to", doing->to);
    json_write_text(&w, "traceparent", saga->last_traceparent);
    json_end_object(&w);
    return text_builder_text(&out);
}

static struct saga *find_saga(struct saga_pair *pair, const struct uuid *id)
{
    for (int type = 0; type < SAGA_TYPE_COUNT; type++)
        if (pair->sagas[type].is_stored && uuid_equals(&pair->sagas[type].id, id))
            return &pair->sagas[type];
    return NULL;
}

/* Under the lock. A deed that is refused, or dry, is rolled back. */
static enum status decide_and_save(struct doing *doing, struct db *db, struct saga *saga,
                                   struct error *err)
{
    const struct deed *deed = doing->deed;
    doing->type = saga->type;
    doing->from = place_of(saga);
    doing->refusal = turn_deed(&doing->turn, saga, deed->event, &doing->request->trace);
    doing->to = place_of(saga);
    if (doing->refusal != DEED_ALLOWED || deed->is_dry_run) {
        db_rollback(db);
        return OK;
    }
    const struct store_deed record = {
        .lane = saga->lane,
        .saga_id = saga->id,
        .name = saga_event_name(deed->event),
        .id = deed->id,
        .os_user = deed->os_user,
        .reason = deed->reason,
        .detail = detail_of(doing, saga),
    };
    TRY(store_save_deed(db, &doing->turn, &record, err));
    turn_log(&doing->turn);
    return OK;
}

static enum status do_once(struct doing *doing, const struct room *room, struct db *db,
                           struct error *err)
{
    struct saga_views views;
    TRY(store_read_saga(db, doing->arena, &doing->deed->saga_id, &views, err));
    doing->is_found = views.count > 0;
    if (!doing->is_found)
        return OK;
    const struct uuid authorization_id = views.items[0].authorization_id;
    turn_init(&doing->turn, doing->arena, &room->schedule, &authorization_id, 1);
    doing->turn.begun_us = clock_monotonic_us();
    TRY(store_load_turn(db, &doing->turn, NULL, err));
    struct saga_pair *pair = turn_find_pair(&doing->turn, &authorization_id);
    struct saga *saga = find_saga(pair, &doing->deed->saga_id);
    if (saga != NULL)
        return decide_and_save(doing, db, saga, err);
    db_rollback(db);
    return error_set(err, ERR_BROKEN, "the saga is gone");
}

/* ---- answering ----------------------------------------------------------------------------- */

static void refuse(struct http_request *request, enum problem_code code, struct text detail)
{
    const struct problem problem = {
        .code = code,
        .detail = detail,
        .retry_after_ms = problem_is_retryable(code) ? RETRY_AFTER_MS : 0,
    };
    respond_problem(request, &problem);
}

static void refuse_deed(const struct doing *doing)
{
    struct http_request *request = doing->request;
    struct text detail = TEXT("it waits for the booking of its authorization to end: look after "
                              "the saga 'authorize' of the same authorization");
    if (doing->refusal == DEED_NOT_STUCK)
        detail = text_format(request->arena, "the saga is %s: only a stuck saga is moved by hand",
                             saga_state_name(doing->from.state));
    else if (doing->refusal == DEED_NOT_OF_THIS_STEP)
        detail = text_format(request->arena, "there is nothing to %s at step %s of saga %s",
                             saga_event_name(doing->deed->event), saga_step_name(doing->from.step),
                             saga_type_name(doing->type));
    refuse(request, PROBLEM_INVALID_STATE, detail);
}

static void answer(const struct doing *doing)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, doing->request->arena, 512);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_write_uuid(&w, "saga_id", &doing->deed->saga_id);
    json_write_text(&w, "type", text_of(saga_type_name(doing->type)));
    json_write_text(&w, "deed", text_of(saga_event_name(doing->deed->event)));
    json_write_uuid(&w, "deed_id", &doing->deed->id);
    json_write_text(&w, "outcome", doing->deed->is_dry_run ? TEXT("would_do") : TEXT("done"));
    write_place(&w, "from", doing->from);
    write_place(&w, "to", doing->to);
    json_end_object(&w);
    respond_json(doing->request, 200, text_builder_text(&out));
}

static void run_deed(struct worker *worker, struct http_request *request)
{
    const struct room *room = worker->shared;
    struct doing doing = {.deed = request->context, .request = request, .arena = worker->arena};
    struct error err;
    enum status status = ERR_CONFLICT;
    for (int attempt = 0; attempt < ATTEMPTS_MAX && status == ERR_CONFLICT; attempt++)
        status = do_once(&doing, room, worker->context, &err);
    if (status != OK) {
        db_rollback(worker->context);
        log_warning(&request->trace, "saga.deed_failed", "an operator's deed was not done",
                    kv_uuid("saga_id", &doing.deed->saga_id), kv_str("error", err.message));
        refuse(request, PROBLEM_DEPENDENCY_DOWN,
               TEXT("the database did not answer; look whether it was done before trying again"));
    } else if (!doing.is_found) {
        refuse(request, PROBLEM_NOT_FOUND, TEXT("there is no saga of this id"));
    } else if (doing.refusal != DEED_ALLOWED) {
        refuse_deed(&doing);
    } else {
        waker_ring(room->waker);
        waiting_room_wake(room->waiting);
        answer(&doing);
    }
}

/* ---- the worker ---------------------------------------------------------------------------- */

static void open_worker(struct worker *worker)
{
    const struct room *room = worker->shared;
    worker->context = db_new(&room->db);
}

static void close_worker(struct worker *worker)
{
    db_free(worker->context);
}

static void run_deeds(struct worker *worker, void **items, size_t count)
{
    for (size_t at = 0; at < count; at++)
        run_deed(worker, items[at]);
}

struct worker_pool *deeds_start(struct room *room)
{
    return worker_pool_start(&(struct worker_pool_config){
        .name = "deeds",
        .workers = 1,
        .queue_max = QUEUE_MAX,
        .batch_max = 1,
        .arena_size_max = ARENA_SIZE_MAX,
        .shared = room,
        .open = open_worker,
        .run = run_deeds,
        .close = close_worker,
    });
}

void deeds_submit(struct worker_pool *pool, struct http_request *request)
{
    if (!worker_pool_submit(pool, 0, request))
        refuse(request, PROBLEM_BACKPRESSURE, TEXT("too many deeds wait"));
}
