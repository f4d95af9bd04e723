#include "saga/wait.h"

#include "base/arena.h"
#include "base/json.h"
#include "platform/clock.h"
#include "platform/http/http_problem.h"
#include "platform/log/log.h"
#include "platform/worker.h"
#include "saga/store.h"

#include <pthread.h>
#include <stdlib.h>

enum { POLL_MS = 15, IDLE_MS = 1000, ARENA_SIZE_MAX = 64 * 1024 * 1024 };

/* Who waits, in the memory of its request. */
struct waiter {
    struct waiter *next;
    struct http_request *request;
    const struct uuid *authorization_ids;
    size_t count;
    int64_t until_us; /* monotonic */
};

struct waiting_room {
    pthread_mutex_t mutex; /* guards the three below it */
    struct waiter *first;
    int count;
    bool is_closing;
    struct db *db; /* the rest is the loop's */
    struct arena *arena;
    struct loop *loop;
};

/* Takes everybody out; who goes on waiting comes back. */
static struct waiter *take_all(struct waiting_room *room, bool *is_closing_out)
{
    pthread_mutex_lock(&room->mutex);
    struct waiter *all = room->first;
    room->first = NULL;
    *is_closing_out = room->is_closing;
    pthread_mutex_unlock(&room->mutex);
    return all;
}

static void put_back(struct waiting_room *room, struct waiter *waiter)
{
    pthread_mutex_lock(&room->mutex);
    waiter->next = room->first;
    room->first = waiter;
    pthread_mutex_unlock(&room->mutex);
}

static void let_go(struct waiting_room *room)
{
    pthread_mutex_lock(&room->mutex);
    room->count--;
    pthread_mutex_unlock(&room->mutex);
}

static int compare_bookings(const void *a, const void *b)
{
    const struct booking *left = a;
    const struct booking *right = b;
    return uuid_compare(&left->authorization_id, &right->authorization_id);
}

static struct ids waited_for(struct arena *arena, const struct waiter *waiters)
{
    struct ids ids = {0, NULL};
    for (const struct waiter *waiter = waiters; waiter != NULL; waiter = waiter->next)
        ids.count += waiter->count;
    ids.items = ARENA_NEW_ARRAY(arena, struct uuid, ids.count);
    struct uuid *place = ids.items;
    for (const struct waiter *waiter = waiters; waiter != NULL; waiter = waiter->next) {
        memcpy(place, waiter->authorization_ids, waiter->count * sizeof *place);
        place += waiter->count;
    }
    return ids;
}

/* What the database says, sorted by authorization. */
static struct bookings ask(struct waiting_room *room, const struct waiter *waiters)
{
    const struct ids ids = waited_for(room->arena, waiters);
    struct bookings bookings;
    struct error err;
    if (store_find_bookings(room->db, room->arena, &ids, &bookings, &err) != OK) {
        log_warning(NULL, "saga.wait_failed", "bookings not looked up, retrying",
                    kv_str("error", err.message));
        return (struct bookings){0, NULL};
    }
    if (bookings.count > 0)
        qsort(bookings.items, bookings.count, sizeof *bookings.items, compare_bookings);
    return bookings;
}

static const struct booking *find(const struct bookings *bookings, const struct uuid *id)
{
    const struct booking wanted = {.authorization_id = *id};
    if (bookings->count == 0)
        return NULL;
    return bsearch(&wanted, bookings->items, bookings->count, sizeof wanted, compare_bookings);
}

static bool has_ended(const struct waiter *waiter, const struct bookings *bookings)
{
    for (size_t at = 0; at < waiter->count; at++) {
        if (find(bookings, &waiter->authorization_ids[at]) != NULL)
            return true;
    }
    return false;
}

static void answer(struct waiting_room *room, const struct waiter *waiter,
                   const struct bookings *bookings)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, room->arena, 256);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_begin_array(&w, "items");
    for (size_t at = 0; at < waiter->count; at++) {
        const struct booking *booking = find(bookings, &waiter->authorization_ids[at]);
        if (booking == NULL)
            continue;
        json_begin_object(&w, NULL);
        json_write_uuid(&w, "authorization_id", &booking->authorization_id);
        json_write_text(&w, "state", text_of(saga_state_name(booking->state)));
        json_end_object(&w);
    }
    json_end_array(&w);
    json_end_object(&w);
    respond_json(waiter->request, 200, text_builder_text(&out));
    let_go(room);
}

/* One look for all that wait. */
static int look(void *context)
{
    struct waiting_room *room = context;
    bool is_closing = false;
    struct waiter *waiters = take_all(room, &is_closing);
    if (waiters == NULL)
        return IDLE_MS;
    const struct bookings bookings = ask(room, waiters);
    const int64_t now_us = clock_monotonic_us();
    while (waiters != NULL) {
        struct waiter *waiter = waiters;
        waiters = waiter->next; /* answering ends its memory */
        if (is_closing || now_us >= waiter->until_us || has_ended(waiter, &bookings))
            answer(room, waiter, &bookings);
        else
            put_back(room, waiter);
    }
    arena_reset(room->arena);
    return POLL_MS;
}

struct waiting_room *waiting_room_open(struct arena *arena, const struct db_config *db)
{
    struct waiting_room *room = ARENA_NEW(arena, struct waiting_room);
    pthread_mutex_init(&room->mutex, NULL);
    room->db = db_new(db);
    room->arena = arena_new(ARENA_SIZE_MAX);
    room->loop = loop_start("waiting", look, room);
    return room;
}

void waiting_room_enter(struct waiting_room *room, struct http_request *request,
                        const struct uuid *authorization_ids, size_t count, int64_t wait_ms)
{
    struct waiter *waiter = ARENA_NEW(request->arena, struct waiter);
    *waiter = (struct waiter){
        .request = request,
        .authorization_ids = authorization_ids,
        .count = count,
        .until_us = clock_monotonic_us() + wait_ms * 1000,
    };
    pthread_mutex_lock(&room->mutex);
    room->count++;
    waiter->next = room->first;
    room->first = waiter;
    pthread_mutex_unlock(&room->mutex);
    loop_wake(room->loop);
}

int waiting_room_count(struct waiting_room *room)
{
    pthread_mutex_lock(&room->mutex);
    const int count = room->count;
    pthread_mutex_unlock(&room->mutex);
    return count;
}

void waiting_room_wake(struct waiting_room *room)
{
    if (waiting_room_count(room) > 0)
        loop_wake(room->loop);
}

void waiting_room_drain(struct waiting_room *room)
{
    pthread_mutex_lock(&room->mutex);
    room->is_closing = true;
    pthread_mutex_unlock(&room->mutex);
    loop_wake(room->loop);
}

void waiting_room_close(struct waiting_room *room)
{
    if (room == NULL)
        return;
    loop_stop(room->loop);
    db_free(room->db);
    arena_free(room->arena);
    pthread_mutex_destroy(&room->mutex);
}
