#include "outbox/relay.h"

#include "base/arena.h"
#include "base/assert.h"
#include "outbox/send_span.h"
#include "outbox/yielding.h"
#include "outbox_sql.h"
#include "platform/clock.h"
#include "platform/dependency.h"
#include "platform/log/log.h"
#include "platform/messaging/waker.h"
#include "platform/worker.h"

#include <stdatomic.h>

enum {
    LANES_TAKE_MAX = 32, /* half of them, so that two relays share */
    BUSY_POLL_MS = 2,    /* for a moment after the last event: a ring may still be on its way */
    IDLE_POLL_MS = 250,  /* the safety net under LISTEN */
    REST_FIRST_MS = 50,  /* after a failure; doubles */
    REST_MAX_MS = 2000,
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
};

static const int64_t BUSY_US = 20 * 1000;
static const int64_t LANE_REST_US = 1000 * 1000; /* of a lane that could not be published */
static const int64_t MEASURE_EVERY_US = 2000 * 1000;
static const int64_t WARN_EVERY_US = 30000 * 1000LL;

/* The event that has last held up a lane. */
struct held {
    int64_t seq; /* 0: none has */
    int tries;
};

struct relay {
    struct relay_config config;
    struct store store;
    struct bus_publisher *publisher;
    struct dependency_watch bus_watch;
    struct arena *arena; /* of one batch */
    struct loop *loop;
    int rest_ms;       /* of the failure that lasts; 0: none */
    bool is_listening; /* to CHANNEL_OUTBOX */
    bool is_bus_ready; /* when last asked */
    int first_lane;    /* where the next take begins */
    int64_t busy_until_us;
    int64_t lane_rests_until_us[OUTBOX_LANES];
    struct held held[OUTBOX_LANES];
    struct yielding yielding;
    int64_t measure_due_us;
    int64_t unpublished_due_us; /* the next warning of events that the bus refuses */
    int64_t warning_due_us;     /* and of a backlog */
    bool is_behind;             /* the warning was said */
    atomic_llong pending;
    atomic_llong oldest_age_ms;
    atomic_bool is_yielding;
};

/* ---- a batch ------------------------------------------------------------------------------- */

static void list_resting(const struct relay *relay, bool is_resting[static OUTBOX_LANES])
{
    const int64_t now_us = clock_monotonic_us();
    for (int lane = 0; lane < OUTBOX_LANES; lane++)
        is_resting[lane] = relay->lane_rests_until_us[lane] > now_us;
}

static struct store_share choose_share(struct relay *relay, const bool *is_resting)
{
    const struct store_share share = {
        .is_resting = is_resting,
        .first_lane = relay->first_lane,
        .lane_max = LANES_TAKE_MAX,
        .event_max = relay->config.batch_max,
    };
    relay->first_lane = (relay->first_lane + LANES_TAKE_MAX) % OUTBOX_LANES;
    return share;
}

static void log_published(const struct event *event)
{
    struct trace_context trace;
    const struct message *message = &event->message;
    if (log_level() > LOG_INFO)
        return;
    const bool has_trace = trace_context_parse(message->traceparent, &trace);
    log_info(has_trace ? &trace : NULL, "event.published", "event published",
             kv_text("type", message_event_name(message->type)), kv_text("topic", message->topic),
             kv_uuid("event_id", &message->id), kv_uuid("subject", &message->subject));
}

/* What holds up its lane is told when it fails for the first time, and when it is sent at last: an
 * outage of an hour would be thousands of tries. What waits behind it has not been tried. */
static void record_sendings(struct relay *relay, const struct event_list *list,
                            const struct send_span *spans, const bool *published,
                            const struct send_end *end)
{
    bool is_held[OUTBOX_LANES] = {false};
    for (size_t at = 0; at < list->count; at++) {
        const struct event *event = &list->events[at];
        struct held *held = &relay->held[event->lane];
        struct send_end own = *end;
        own.tries = held->seq == event->seq ? held->tries + 1 : 1;
        if (published[at]) {
            own.error = NULL;
            send_span_record(&spans[at], &event->message, &own);
        } else if (!is_held[event->lane]) {
            is_held[event->lane] = true;
            *held = (struct held){event->seq, own.tries};
            if (own.tries == 1)
                send_span_record(&spans[at], &event->message, &own);
        }
    }
}

/* The lanes of what was not published rest, so that they do not stand before the others. */
static void note_published(struct relay *relay, const struct event_list *list,
                           const bool *published)
{
    const int64_t until_us = clock_monotonic_us() + LANE_REST_US;
    for (size_t at = 0; at < list->count; at++) {
        if (published[at]) {
            metric_count(&METRIC_SENT_MESSAGES, relay->config.source);
            log_published(&list->events[at]);
        } else {
            relay->lane_rests_until_us[list->events[at].lane] = until_us;
        }
    }
}

static void warn_unpublished(struct relay *relay, const struct error *err)
{
    const int64_t now_us = clock_monotonic_us();
    if (now_us < relay->unpublished_due_us)
        return;
    relay->unpublished_due_us = now_us + WARN_EVERY_US;
    log_warning(NULL, "outbox.unpublished", "events cannot be published, retrying",
                kv_text("source", relay->store.source), kv_str("error", err->message));
}

static bool is_any(const bool *flags, size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (flags[at])
            return true;
    return false;
}

static void note_bus(struct relay *relay, enum status status, const struct error *err)
{
    if (dependency_is_away_by(status))
        dependency_note_away(DEPENDENCY_BUS, &relay->bus_watch, err->message);
    else
        dependency_note_there(DEPENDENCY_BUS, &relay->bus_watch);
}

static enum status publish(struct relay *relay, const struct event_list *list, bool *published,
                           struct error *err)
{
    struct message *messages = ARENA_NEW_ARRAY(relay->arena, struct message, list->count);
    struct send_span *spans = ARENA_NEW_ARRAY(relay->arena, struct send_span, list->count);
    for (size_t at = 0; at < list->count; at++) {
        spans[at] = send_span_of(relay->arena, &list->events[at].message);
        messages[at] = list->events[at].message;
    }
    const int64_t begun_us = clock_monotonic_us();
    const enum status status = bus_publish(relay->publisher, messages, list->count, published, err);
    metric_observe(&METRIC_OUTBOX_PUBLISH, relay->config.source, clock_monotonic_us() - begun_us);
    note_bus(relay, is_any(published, list->count) ? OK : status, err);
    record_sendings(relay, list, spans, published,
                    &(struct send_end){.bus = &relay->config.bus.settings,
                                       .begun_us = begun_us,
                                       .count = list->count,
                                       .error = status_name(status)});
    return status;
}

/* The bus as a whole does not take anything now; a lane's rest would not help. */
static bool is_about_bus(enum status status)
{
    return status == ERR_DOWN || status == ERR_UNKNOWN || status == ERR_TIMEOUT ||
           status == ERR_CONFLICT;
}

/* What the bus has not acknowledged stays; to publish some events twice is allowed. */
static enum status move_batch(struct relay *relay, size_t *moved_out, struct error *err)
{
    bool is_resting[OUTBOX_LANES];
    struct event_list list;
    list_resting(relay, is_resting);
    const struct store_share share = choose_share(relay, is_resting);
    TRY(store_take(&relay->store, relay->arena, &share, &list, err));
    *moved_out = list.count;
    if (list.count == 0)
        return OK;
    bool *published = ARENA_NEW_ARRAY(relay->arena, bool, list.count);
    const enum status status = publish(relay, &list, published, err);
    const bool is_any_published = is_any(published, list.count);
    if (!is_any_published && is_about_bus(status)) {
        db_rollback(relay->store.db);
        return status;
    }
    note_published(relay, &list, published);
    if (status != OK)
        warn_unpublished(relay, err);
    if (is_any_published)
        return store_finish(&relay->store, relay->arena, &list, published, err);
    db_rollback(relay->store.db);
    return OK;
}

/* ---- the backlog --------------------------------------------------------------------------- */

static bool is_too_much(const struct relay *relay, const struct store_backlog *backlog)
{
    return backlog->pending >= relay->config.pending_warning ||
           backlog->oldest_age_ms >= relay->config.age_warning_s * 1000;
}

static void tell_backlog(struct relay *relay, const struct store_backlog *backlog)
{
    const int64_t now_us = clock_monotonic_us();
    const bool is_behind = is_too_much(relay, backlog);
    if (is_behind && now_us >= relay->warning_due_us) {
        relay->warning_due_us = now_us + WARN_EVERY_US;
        log_warning(NULL, "outbox.behind", "events wait in an outbox for too long",
                    kv_text("source", relay->store.source), kv_i64("pending", backlog->pending),
                    kv_i64("oldest_age_ms", backlog->oldest_age_ms));
    }
    if (!is_behind && relay->is_behind) {
        relay->warning_due_us = 0;
        log_info(NULL, "outbox.caught_up", "the outbox is down to what is usual again",
                 kv_text("source", relay->store.source), kv_i64("pending", backlog->pending));
    }
    relay->is_behind = is_behind;
}

static enum status measure(struct relay *relay, struct error *err)
{
    const int64_t now_us = clock_monotonic_us();
    struct store_backlog backlog;
    if (now_us < relay->measure_due_us)
        return OK;
    TRY(store_measure(&relay->store, relay->arena, &backlog, err));
    relay->measure_due_us = now_us + MEASURE_EVERY_US;
    atomic_store(&relay->pending, backlog.pending);
    atomic_store(&relay->oldest_age_ms, backlog.oldest_age_ms);
    metric_set(&METRIC_OUTBOX_PENDING, relay->config.source, backlog.pending);
    metric_set(&METRIC_OUTBOX_OLDEST_AGE, relay->config.source, backlog.oldest_age_ms * 1000);
    tell_backlog(relay, &backlog);
    return OK;
}

struct store_backlog relay_backlog(const struct relay *relay)
{
    return (struct store_backlog){
        .pending = atomic_load(&relay->pending),
        .oldest_age_ms = atomic_load(&relay->oldest_age_ms),
    };
}

bool relay_is_yielding(const struct relay *relay)
{
    return atomic_load(&relay->is_yielding);
}

static enum status look_whether_to_yield(struct relay *relay, bool *yields_out, struct error *err)
{
    bool is_resting[OUTBOX_LANES];
    list_resting(relay, is_resting);
    TRY(yielding_look(&relay->yielding, relay->arena, is_resting, err));
    *yields_out = pace_yields(&relay->yielding.pace);
    atomic_store(&relay->is_yielding, *yields_out);
    return OK;
}

/* ---- the thread ---------------------------------------------------------------------------- */

static enum status listen(struct relay *relay, struct error *err)
{
    if (relay->is_listening)
        return OK;
    TRY(db_listen(relay->store.db, CHANNEL_OUTBOX, err));
    relay->is_listening = true;
    return OK;
}

static enum status rest(struct relay *relay, struct error *err)
{
    const bool is_busy = clock_monotonic_us() < relay->busy_until_us;
    bool is_woken;
    return db_wait(relay->store.db, is_busy ? BUSY_POLL_MS : IDLE_POLL_MS, &is_woken, err);
}

/* At first and after a failure the bus is asked, so that one that is away, or has to be made ready,
 * is not waited for with an SQL transaction open. */
static enum status ask_bus(struct relay *relay, struct error *err)
{
    if (relay->is_bus_ready && relay->rest_ms == 0)
        return OK;
    const enum status status = bus_publish(relay->publisher, NULL, 0, NULL, err);
    relay->is_bus_ready = status == OK;
    note_bus(relay, status, err);
    return status;
}

/* While there is something to move, on without a pause: what arrived meanwhile is the next batch.
 * While it yields it does not even listen: each ring would wake it for nothing. */
static enum status turn(struct relay *relay, bool *yields_out, struct error *err)
{
    size_t moved = 0;
    TRY(listen(relay, err));
    TRY(measure(relay, err));
    TRY(ask_bus(relay, err));
    TRY(look_whether_to_yield(relay, yields_out, err));
    if (*yields_out)
        return OK;
    TRY(move_batch(relay, &moved, err));
    if (moved == 0)
        return rest(relay, err);
    relay->busy_until_us = clock_monotonic_us() + BUSY_US;
    return OK;
}

/* How long to rest. A failure that lasts is said once; a lost race is none. */
static int note_failure(struct relay *relay, const struct error *err)
{
    if (err->status == ERR_CONFLICT)
        return REST_FIRST_MS;
    if (relay->rest_ms == 0)
        log_warning(NULL, "outbox.waiting", "cannot move events, they stay and wait, retrying",
                    kv_text("source", relay->store.source),
                    kv_str("status", status_name(err->status)), kv_str("error", err->message));
    const int rest_ms = relay->rest_ms == 0 ? REST_FIRST_MS : relay->rest_ms * 2;
    relay->rest_ms = rest_ms < REST_MAX_MS ? rest_ms : REST_MAX_MS;
    return relay->rest_ms;
}

static void note_success(struct relay *relay)
{
    if (relay->rest_ms > 0)
        log_info(NULL, "outbox.resumed", "moving events again",
                 kv_text("source", relay->store.source));
    relay->rest_ms = 0;
}

static int step(void *context)
{
    struct relay *relay = context;
    struct error err;
    bool yields = false;
    arena_reset(relay->arena);
    if (turn(relay, &yields, &err) != OK)
        return note_failure(relay, &err);
    note_success(relay);
    return yields ? YIELDING_LOOK_EVERY_MS : 0;
}

enum status relay_start(const struct relay_config *config, struct arena *arena,
                        struct relay **relay_out, struct error *err)
{
    struct relay *relay = ARENA_NEW(arena, struct relay);
    TRY(bus_publisher_open(&config->bus, &relay->publisher, err));
    relay->config = *config;
    relay->config.db.statements[0] = outbox_statements;
    relay->store = (struct store){
        .db = db_new(&relay->config.db),
        .source = text_of(config->db.schema),
        .topic_prefix = text_of(config->topic_prefix),
    };
    const struct yielding_config yielding = {
        .source = config->source,
        .topic_prefix = config->topic_prefix,
        .wait_max_us = config->yield_max_ms * 1000,
        .store = &relay->store,
        .publisher = relay->publisher,
    };
    yielding_init(&relay->yielding, &yielding, arena);
    relay->arena = arena_new(ARENA_SIZE_MAX);
    relay->loop = loop_start("relay", step, relay);
    *relay_out = relay;
    return OK;
}

void relay_stop(struct relay *relay)
{
    if (relay == NULL)
        return;
    loop_stop(relay->loop);
    bus_publisher_close(relay->publisher);
    db_free(relay->store.db);
    arena_free(relay->arena);
}
