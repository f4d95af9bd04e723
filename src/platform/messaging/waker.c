#include "platform/messaging/waker.h"

#include "base/arena.h"
#include "base/assert.h"
#include "messaging_sql.h"
#include "platform/worker.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* The first ring after a pause is passed on at once. Behind it the hearers are awake and look by
 * themselves for longer than this (BUSY_US of the relay). Each NOTIFY is a commit here and another
 * one in every connection of the database that listens, whatever the channel. */
enum { PAUSE_MS = 10, REST_MS = 60000, ARENA_SIZE = 4096 };

struct waker {
    struct db *db;
    struct arena *arena;
    const char *channel;
    atomic_bool is_rung; /* since the last NOTIFY */
    struct loop *loop;
};

/* A ring that cannot be passed on is dropped: its hearer polls, too. */
static void notify(struct waker *waker)
{
    struct sql_args args;
    arena_reset(waker->arena);
    sql_args_init(&args, waker->arena);
    sql_add_text(&args, text_of(waker->channel));
    struct error ignored;
    const enum status status = db_run_one(waker->db, SQL_NOTIFY, &args, &ignored);
    (void)status;
}

static int step(void *context)
{
    struct waker *waker = context;
    if (!atomic_exchange(&waker->is_rung, false))
        return REST_MS;
    notify(waker);
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    nanosleep(&pause, NULL);
    return atomic_load(&waker->is_rung) ? 0 : REST_MS;
}

/* NOTIFY is all it asks, so it needs no statement of the room's. */
static struct db_config config_of(const struct db_config *config)
{
    static const struct sql_statement *const STATEMENTS[] = {SQL_NOTIFY, NULL};
    struct db_config own = *config;
    for (size_t at = 0; at < COUNT(own.statements); at++)
        own.statements[at] = at == 0 ? STATEMENTS : NULL;
    return own;
}

struct waker *waker_start(const struct db_config *config, const char *channel)
{
    struct waker *waker = calloc(1, sizeof *waker);
    ASSERT(waker != NULL);
    const struct db_config own = config_of(config);
    waker->db = db_new(&own);
    waker->arena = arena_new(ARENA_SIZE);
    waker->channel = channel;
    waker->loop = loop_start("waker", step, waker);
    return waker;
}

void waker_ring(struct waker *waker)
{
    if (!atomic_exchange(&waker->is_rung, true))
        loop_wake(waker->loop);
}

void waker_stop(struct waker *waker)
{
    if (waker == NULL)
        return;
    loop_stop(waker->loop);
    if (atomic_load(&waker->is_rung))
        notify(waker);
    db_free(waker->db);
    arena_free(waker->arena);
    free(waker);
}
