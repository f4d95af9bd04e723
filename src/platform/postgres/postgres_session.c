/* What a connection does besides round trips: scripts, LISTEN, NOTIFY. */
#include "base/assert.h"
#include "platform/postgres/postgres_connection.h"

#include <poll.h>
#include <stdio.h>

enum status connection_listen(struct db *db, struct error *err)
{
    char text[CHANNEL_SIZE_MAX + 16];
    snprintf(text, sizeof text, "LISTEN %s", db->channel);
    return connection_run_text(db, text, err);
}

enum status db_run_script(struct db *db, const char *script, struct error *err)
{
    TRY(db_connect(db, err));
    const enum status status = connection_run_text(db, script, err);
    if (status != OK)
        db_rollback(db);
    return status;
}

enum status db_listen(struct db *db, const char *channel, struct error *err)
{
    ASSERT(strlen(channel) < sizeof db->channel);
    snprintf(db->channel, sizeof db->channel, "%s", channel);
    if (db->connection == NULL)
        return db_connect(db, err); /* listens, too */
    return connection_listen(db, err);
}

enum status db_notify(struct db *db, const char *channel, struct error *err)
{
    char text[CHANNEL_SIZE_MAX + 16];
    ASSERT(strlen(channel) < CHANNEL_SIZE_MAX);
    snprintf(text, sizeof text, "NOTIFY %s", channel);
    TRY(db_connect(db, err));
    return connection_run_text(db, text, err);
}

/* True when at least one notification was taken. */
static bool take_notifications(struct db *db)
{
    bool taken = false;
    PGnotify *notification;
    while ((notification = PQnotifies(db->connection)) != NULL) {
        PQfreemem(notification);
        taken = true;
    }
    return taken;
}

enum status db_wait(struct db *db, int wait_ms, bool *woken_out, struct error *err)
{
    if (db->connection == NULL) { /* what was notified meanwhile is not known: look */
        TRY(db_connect(db, err));
        *woken_out = true;
        return OK;
    }
    bool woken = take_notifications(db);
    if (!woken && wait_ms > 0) {
        struct pollfd ready = {.fd = PQsocket(db->connection), .events = POLLIN};
        if (poll(&ready, 1, wait_ms) > 0 && !PQconsumeInput(db->connection))
            return connection_fail(db, ERR_DOWN, "connection lost while waiting", err);
        woken = take_notifications(db);
    }
    *woken_out = woken;
    return OK;
}
