/* Trying a parked key again. The key's row is locked on one connection while its messages are
 * applied on another, each in a transaction of its own; what became of them is saved with the lock.
 * A crash in between applies them once more, and the inbox knows them. */
#include "platform/messaging/parked.h"

#include "base/arena.h"
#include "base/assert.h"
#include "messaging_sql.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/messaging/dead_letter.h"

enum { MESSAGES_MAX = 100, WAIT_MS_MAX = 60000 };

static const int64_t HOLD_TIME_US = 5 * 1000000; /* of a key's lock */

struct parked_key {
    struct text topic;
    struct uuid key;
    int attempts; /* failed tries of its first message */
    int64_t first_failed_us;
    struct delivery *deliveries; /* its first messages, in order */
    int64_t *seqs;
    size_t count;
    size_t done; /* applied or dead: they wait no longer */
    struct dead_letter *dead;
    size_t dead_count;
};

/* ---- loading ------------------------------------------------------------------------------- */

/* The door's arena, and the connection that holds the key. */
static struct delivery_door door_to(const struct delivery_door *door, struct db *lock)
{
    struct delivery_door other = *door;
    other.db = lock;
    return other;
}

static void start_args(const struct delivery_door *door, const struct parked_key *key,
                       struct sql_args *args)
{
    sql_args_init(args, door->arena);
    sql_add_text(args, text_of(door->config->group));
    sql_add_text(args, key->topic);
    sql_add_uuid(args, &key->key);
}

static enum status lock_key(const struct delivery_door *door, struct parked_key *key,
                            bool *found_out, struct error *err)
{
    struct sql_args args;
    sql_args_init(&args, door->arena);
    sql_add_text(&args, text_of(door->config->group));
    db_send_begin(door->db);
    db_send(door->db, SQL_LOCK_DUE_KEY, &args);
    TRY(db_run(door->db, err));
    const struct sql_rows rows = db_rows(door->db, 1);
    *found_out = rows.count > 0;
    if (rows.count == 0)
        return OK;
    key->topic = text_copy(door->arena, sql_text(rows, 0, LOCK_DUE_KEY_TOPIC));
    key->key = sql_uuid(rows, 0, LOCK_DUE_KEY_KEY);
    key->attempts = sql_i32(rows, 0, LOCK_DUE_KEY_ATTEMPTS);
    key->first_failed_us = sql_time(rows, 0, LOCK_DUE_KEY_FIRST_FAILED_AT);
    return OK;
}

static void read_message(const struct delivery_door *door, struct sql_rows rows, int row,
                         struct message *message)
{
    struct error err;
    struct arena *arena = door->arena;
    message->headers = text_copy(arena, sql_text(rows, row, READ_PARKED_MESSAGES_HEADERS));
    if (message_parse_headers(arena, message->headers, message, &err) != OK)
        message->malformed = text_to_c(arena, text_of(err.message));
    message->key = sql_uuid(rows, row, READ_PARKED_MESSAGES_MESSAGE_KEY);
    message->id = sql_uuid(rows, row, READ_PARKED_MESSAGES_EVENT_ID);
    message->payload = text_copy(arena, sql_text(rows, row, READ_PARKED_MESSAGES_PAYLOAD));
    message->partition = sql_i32(rows, row, READ_PARKED_MESSAGES_PARTITION);
    message->offset = sql_i64(rows, row, READ_PARKED_MESSAGES_OFFSET);
    message->published_us = sql_time(rows, row, READ_PARKED_MESSAGES_PUBLISHED_AT);
}

static enum status load_messages(const struct delivery_door *door, struct parked_key *key,
                                 struct error *err)
{
    struct sql_args args;
    start_args(door, key, &args);
    sql_add_i64(&args, MESSAGES_MAX);
    TRY(db_run_one(door->db, SQL_READ_PARKED_MESSAGES, &args, err));
    const struct sql_rows rows = db_rows(door->db, 0);
    key->count = (size_t)rows.count;
    key->deliveries = ARENA_NEW_ARRAY(door->arena, struct delivery, key->count);
    key->seqs = ARENA_NEW_ARRAY(door->arena, int64_t, key->count);
    key->dead = ARENA_NEW_ARRAY(door->arena, struct dead_letter, key->count);
    for (int row = 0; row < rows.count; row++) {
        key->seqs[row] = sql_i64(rows, row, READ_PARKED_MESSAGES_SEQ);
        read_message(door, rows, row, &key->deliveries[row].message);
        key->deliveries[row].message.topic = key->topic;
        key->deliveries[row].redrive_traceparent =
            text_copy(door->arena, sql_text(rows, row, READ_PARKED_MESSAGES_REDRIVE_TRACEPARENT));
    }
    return OK;
}

/* ---- trying -------------------------------------------------------------------------------- */

static void bury(struct parked_key *key, const struct delivery *delivery)
{
    const int64_t now_us = clock_realtime_us();
    key->dead[key->dead_count++] = (struct dead_letter){
        .delivery = delivery,
        .attempts = key->attempts,
        .first_failed_us = key->attempts > 1 ? key->first_failed_us : now_us,
        .last_failed_us = now_us,
    };
}

/* The first message is applied, dead, or has failed once more. */
static void settle_first(const struct delivery_door *door, struct parked_key *key)
{
    struct delivery *delivery = &key->deliveries[key->done];
    if (delivery_is_marked(delivery)) {
        key->attempts++;
        if (key->attempts == 1)
            key->first_failed_us = clock_realtime_us();
        if (delivery->outcome == DELIVERY_PARK &&
            key->attempts < door->config->settings.park_attempts_max)
            return;
        delivery->outcome = DELIVERY_DEAD;
        bury(key, delivery);
    }
    key->attempts = 0;
    key->done++;
}

static enum status try_messages(const struct delivery_door *door, struct parked_key *key,
                                struct error *err)
{
    const int64_t until_us = clock_monotonic_us() + HOLD_TIME_US;
    while (key->done < key->count && clock_monotonic_us() < until_us) {
        const size_t before = key->done;
        struct delivery *first = &key->deliveries[before];
        delivery_begin(first);
        first->tries = key->attempts;
        TRY(delivery_apply_all(door, &first, 1, err));
        settle_first(door, key);
        if (key->done == before)
            return OK;
    }
    return OK;
}

/* ---- saving -------------------------------------------------------------------------------- */

/* park_wait_ms before the second try, then doubling. */
static int64_t wait_ms_of(const struct consumer_config *config, int attempts)
{
    int64_t wait_ms = config->settings.park_wait_ms;
    for (int at = 1; at < attempts && wait_ms < WAIT_MS_MAX; at++)
        wait_ms *= 2;
    return wait_ms < WAIT_MS_MAX ? wait_ms : WAIT_MS_MAX;
}

static void send_done(const struct delivery_door *door, const struct parked_key *key)
{
    struct sql_array seqs;
    struct sql_args args;
    sql_array_init(&seqs, door->arena, SQL_I64, key->done);
    for (size_t at = 0; at < key->done; at++)
        sql_array_add_i64(&seqs, key->seqs[at]);
    sql_args_init(&args, door->arena);
    sql_add_array(&args, &seqs);
    db_send(door->db, SQL_DELETE_PARKED_MESSAGES, &args);
}

/* What is first now has failed, or has not been tried: then its turn is at once. */
static void send_key(const struct delivery_door *door, const struct parked_key *key)
{
    const struct delivery *first = key->done < key->count ? &key->deliveries[key->done] : NULL;
    const bool has_failed = first != NULL && key->attempts > 0;
    struct sql_args args;
    start_args(door, key, &args);
    sql_add_i32(&args, key->attempts);
    if (has_failed)
        sql_add_time(&args, key->first_failed_us);
    else
        sql_add_null(&args);
    sql_add_text(&args, has_failed ? text_of(cause_class(first->cause)) : TEXT(""));
    sql_add_text(&args, has_failed ? text_of(first->reason) : TEXT("its turn comes"));
    sql_add_i64(&args, has_failed ? wait_ms_of(door->config, key->attempts) : 0);
    db_send(door->db, SQL_UPDATE_PARKED_KEY, &args);
    start_args(door, key, &args);
    db_send(door->db, SQL_DELETE_PARKED_KEY, &args);
}

static enum status save(const struct delivery_door *door, const struct parked_key *key,
                        struct error *err)
{
    TRY(dead_letter_load_past(door, key->dead, key->dead_count, err));
    send_done(door, key);
    dead_letter_send(door, key->dead, key->dead_count);
    send_key(door, key);
    db_send_commit(door->db);
    return db_run(door->db, err);
}

static void log_try(const struct delivery_door *door, const struct parked_key *key)
{
    dead_letter_log(door, key->dead, key->dead_count);
    for (size_t at = 0; at < key->done; at++) {
        const struct delivery *delivery = &key->deliveries[at];
        if (delivery_is_marked(delivery))
            delivery_record(door, delivery, 1); /* dead; what was applied is recorded already */
        else
            log_info(&delivery->trace, "message.unparked", "parked message was applied",
                     kv_text("topic", key->topic), kv_uuid("event_id", &delivery->message.id),
                     kv_uuid("key", &delivery->message.key), kv_str("group", door->config->group));
    }
    if (key->done < key->count && key->attempts > 0)
        delivery_record(door, &key->deliveries[key->done], 1); /* it has failed once more */
}

static enum status try_locked_key(const struct delivery_door *door,
                                  const struct delivery_door *lock, struct parked_key *key,
                                  struct error *err)
{
    TRY(load_messages(lock, key, err));
    TRY(try_messages(door, key, err));
    TRY(save(lock, key, err));
    log_try(door, key);
    return OK;
}

enum status parked_try_key(const struct delivery_door *door, struct db *lock, bool *found_out,
                           struct error *err)
{
    struct parked_key key = {.attempts = 0};
    const struct delivery_door lock_door = door_to(door, lock);
    bool is_found = false;
    TRY(lock_key(&lock_door, &key, &is_found, err));
    if (!is_found) {
        db_rollback(lock);
        *found_out = false;
        return OK;
    }
    const enum status status = try_locked_key(door, &lock_door, &key, err);
    db_rollback(lock); /* harmless where it was committed */
    if (status == OK)
        *found_out = true;
    return status;
}
