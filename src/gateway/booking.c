#include "gateway/booking.h"

#include "base/arena.h"
#include "base/json.h"
#include "gateway/gateway.h"
#include "gateway/path.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"
#include "platform/log/log.h"
#include "platform/worker.h"

enum {
    IDS_MAX = 500, /* of one question */
    POLL_MS = 50,  /* how long the saga service may hold a question: newcomers wait for it */
    POLL_SLACK_MS = 2000,
    DOWN_REST_MS = 100, /* before a saga service that was down is asked again */
    IDLE_REST_MS = 60000,
};

static const size_t ARENA_SIZE_MAX = 16 * 1024 * 1024;
static const size_t REPLY_SIZE_MAX = 1024 * 1024;

struct booking {
    struct gateway *gateway;
    struct http_client *client;
    struct arena *arena; /* of one step */
    const char *url;
    struct loop *loop;
    bool is_down;              /* the last question failed: said once */
    struct visit_list waiting; /* the loop's own */

    pthread_mutex_t lock;
    struct visit_list arrived; /* guarded by lock; moved to `waiting` by the next step */
};

static void answer(struct visit *visit, const char *booking)
{
    visit->answer.booking = booking;
    visit_answer(visit, &visit->answer);
}

static void take_arrived(struct booking *booking)
{
    pthread_mutex_lock(&booking->lock);
    struct visit *first = visit_list_take(&booking->arrived);
    pthread_mutex_unlock(&booking->lock);
    for (struct visit *v = first, *next = NULL; v != NULL; v = next) {
        next = v->next;
        visit_list_add(&booking->waiting, v);
    }
}

/* ---- one question -----------------------------------------------------------------------------
 */

static struct text write_question(struct booking *booking)
{
    struct text_builder out;
    struct json_writer w;
    size_t count = 0;
    text_builder_init(&out, booking->arena, 4096);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_begin_array(&w, "authorization_ids");
    for (const struct visit *v = booking->waiting.first; v != NULL && count < IDS_MAX;
         v = v->next) {
        json_write_uuid(&w, NULL, &v->authorization_id);
        count++;
    }
    json_end_array(&w);
    json_write_i64(&w, "wait_ms", POLL_MS);
    json_end_object(&w);
    return text_builder_text(&out);
}

static enum status ask(struct booking *booking, struct json_value *ended_out, struct error *err)
{
    const struct http_call call = {
        .method = "POST",
        .url = booking->url,
        .body = write_question(booking),
        .timeout_ms = POLL_MS + POLL_SLACK_MS,
        .reply_size_max = REPLY_SIZE_MAX,
    };
    struct http_reply reply;
    struct json_value body;
    TRY(http_client_call(booking->client, &call, booking->arena, &reply, err));
    if (reply.status != 200)
        return error_set(err, ERR_BROKEN, "the saga service answered %d", reply.status);
    TRY(json_parse(booking->arena, reply.body, &body, err));
    const struct json_value *items = json_get(&body, "items");
    if (items == NULL || items->type != JSON_ARRAY)
        return error_set(err, ERR_BROKEN, "the saga service's answer has no items");
    *ended_out = *items;
    return OK;
}

/* What the list of ended sagas says about this authorization; NULL: nothing yet. */
static const char *find_outcome(const struct json_value *ended, const struct uuid *id)
{
    for (size_t at = 0; at < ended->count; at++) {
        struct uuid found;
        if (!json_get_uuid(&ended->items[at], "authorization_id", &found) ||
            !uuid_equals(&found, id))
            continue;
        const struct text state = json_get_text(&ended->items[at], "state");
        if (text_equals_c(state, "abandoned"))
            return "pending"; /* given up by an operator: it is in the books or it is not */
        return text_equals_c(state, "completed") ? "completed" : "reversed";
    }
    return NULL;
}

/* ---- the loop ---------------------------------------------------------------------------------
 */

static void answer_ended(struct booking *booking, const struct json_value *ended)
{
    const int64_t now_us = clock_monotonic_us();
    for (struct visit *v = visit_list_take(&booking->waiting), *next = NULL; v != NULL; v = next) {
        next = v->next;
        const char *outcome = find_outcome(ended, &v->authorization_id);
        if (outcome != NULL)
            answer(v, outcome);
        else if (v->wait_until_us <= now_us)
            answer(v, "pending");
        else
            visit_list_add(&booking->waiting, v);
    }
}

static void log_outcome(struct booking *booking, enum status outcome, const struct error *err)
{
    if (outcome != OK && !booking->is_down)
        log_warning(NULL, "booking.unknown", "the saga service cannot say what is booked",
                    kv_str("detail", err->message));
    booking->is_down = outcome != OK;
}

static int booking_step(void *context)
{
    struct booking *booking = context;
    struct json_value ended = {.type = JSON_ARRAY};
    struct error err;
    take_arrived(booking);
    if (booking->waiting.count == 0)
        return IDLE_REST_MS;
    const enum status outcome = ask(booking, &ended, &err);
    log_outcome(booking, outcome, &err);
    answer_ended(booking, &ended);
    arena_reset(booking->arena);
    return outcome == OK ? 0 : DOWN_REST_MS;
}

/* ---- the door ---------------------------------------------------------------------------------
 */

struct booking *booking_start(struct gateway *gateway)
{
    struct booking *booking = ARENA_NEW(gateway->arena, struct booking);
    booking->gateway = gateway;
    booking->client = http_client_new(gateway->config->service.service_secret);
    booking->arena = arena_new(ARENA_SIZE_MAX);
    booking->url = url_join(gateway->arena, gateway->config->saga_url, "/internal/sagas/wait");
    pthread_mutex_init(&booking->lock, NULL);
    booking->loop = loop_start("booking", booking_step, booking);
    return booking;
}

void booking_stop(struct booking *booking)
{
    if (booking == NULL)
        return;
    loop_stop(booking->loop);
    take_arrived(booking);
    for (struct visit *v = visit_list_take(&booking->waiting), *next = NULL; v != NULL; v = next) {
        next = v->next;
        answer(v, "pending");
    }
    http_client_free(booking->client);
    arena_free(booking->arena);
}

static bool is_booked_later(struct arena *arena, struct text body, struct uuid *id_out)
{
    struct json_value authorization;
    return json_parse(arena, body, &authorization, NULL) == OK &&
           text_equals_c(json_get_text(&authorization, "status"), "approved") &&
           json_get_uuid(&authorization, "id", id_out);
}

void booking_wait(struct visit *visit, const struct answer *decided)
{
    struct booking *booking = visit->gateway->booking;
    struct arena *arena = visit->request->arena;
    if (!is_booked_later(arena, decided->body, &visit->authorization_id)) {
        visit_answer(visit, decided);
        return;
    }
    visit->answer = *decided;
    visit->answer.body = text_copy(arena, decided->body);
    visit->answer.location = text_copy(arena, decided->location);
    visit->answer.decision_code = text_copy(arena, decided->decision_code);
    visit->wait_until_us = clock_monotonic_us() + visit->wait_s * 1000000LL;
    pthread_mutex_lock(&booking->lock);
    visit_list_add(&booking->arrived, visit);
    pthread_mutex_unlock(&booking->lock);
    loop_wake(booking->loop);
}
