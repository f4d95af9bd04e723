/* platform/lane_watch.h - looks at a room's own tables again and again, one lane after the other.
 *
 * Purpose:   what a room can ask cheaply of one lane becomes a metric, so that an alert can tell of
 *            broken books between two runs of `tallystick verify`.
 * Units:     milliseconds; lanes from 0.
 * Ownership: in the arena given to start; a thread, a connection and an arena of its own.
 * Errors:    a lane that cannot be asked is logged once and asked again; `lag` says for how long.
 * Threads:   start and stop on the main thread; `look` is called on the watch's own thread. */
#ifndef PLATFORM_LANE_WATCH_H
#define PLATFORM_LANE_WATCH_H

#include "base/error.h"
#include "platform/metrics.h"
#include "platform/postgres/postgres.h"

struct lane_watch;

struct lane_watch_config {
    struct db_config db; /* with the room's statements */
    int lanes;
    int rest_ms;              /* between two lanes */
    const struct metric *lag; /* how long ago the next lane was seen, in microseconds */
    /* Asks for one lane and shows what it found. `arena` is reset before each call. */
    enum status (*look)(void *context, struct db *db, struct arena *arena, int lane,
                        struct error *err);
    void *context; /* for look */
};

struct lane_watch *lane_watch_start(const struct lane_watch_config *config, struct arena *arena);
void lane_watch_stop(struct lane_watch *watch); /* accepts NULL */

/* Says that an invariant is broken in a lane; says nothing while `violations` is 0 or as `known`.
 */
void lane_watch_report(const char *check, int lane, int64_t known, int64_t violations);

#endif
