#include "platform/messaging/parked.h"

#include "base/arena.h"
#include "base/assert.h"
#include "messaging_sql.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/messaging/dead_letter.h"
#include "platform/postgres/sql_columns.h"

/* ---- what the statements take -------------------------------------------------------------- */

static void start_args(const struct delivery_door *door, struct sql_args *args)
{
    sql_args_init(args, door->arena);
    sql_add_text(args, text_of(door->config->group));
}

static void add_keys(const struct delivery_door *door, struct delivery *const *deliveries,
                     size_t count, struct sql_args *args)
{
    struct sql_columns keys;
    SQL_COLUMNS_INIT(&keys, door->arena, count, SQL_TEXT, SQL_UUID);
    for (size_t at = 0; at < count; at++) {
        sql_columns_add_text(&keys, deliveries[at]->message.topic);
        sql_columns_add_uuid(&keys, &deliveries[at]->message.key);
    }
    sql_add_columns(args, &keys);
}

/* What a message waits under. Aside of its key, its own id: it has a turn and tries of its own. */
static const struct uuid *waiting_key(const struct delivery_door *door,
                                      const struct delivery *delivery)
{
    return delivery_waits_aside(door) ? &delivery->message.id : &delivery->message.key;
}

static void send_messages(const struct delivery_door *door, struct delivery *const *deliveries,
                          size_t count)
{
    struct sql_columns rows;
    struct sql_args args;
    SQL_COLUMNS_INIT(&rows, door->arena, count, SQL_TEXT, SQL_UUID, SQL_UUID, SQL_UUID, SQL_I32,
                     SQL_I64, SQL_TIME, SQL_TEXT, SQL_TEXT);
    for (size_t at = 0; at < count; at++) {
        const struct message *message = &deliveries[at]->message;
        sql_columns_add_text(&rows, message->topic);
        sql_columns_add_uuid(&rows, waiting_key(door, deliveries[at]));
        sql_columns_add_uuid(&rows, &message->key);
        sql_columns_add_uuid(&rows, &message->id);
        sql_columns_add_i64(&rows, message->partition);
        sql_columns_add_i64(&rows, message->offset);
        sql_columns_add_time(&rows, message->published_us);
        sql_columns_add_text(&rows, message->headers);
        sql_columns_add_text(&rows, message->payload);
    }
    start_args(door, &args);
    sql_add_columns(&args, &rows);
    db_send(door->db, SQL_INSERT_PARKED_MESSAGES, &args);
}

static void send_parked_keys(const struct delivery_door *door, struct delivery *const *deliveries,
                             size_t count)
{
    struct sql_columns rows;
    struct sql_args args;
    SQL_COLUMNS_INIT(&rows, door->arena, count, SQL_TEXT, SQL_UUID, SQL_TEXT, SQL_TEXT);
    for (size_t at = 0; at < count; at++) {
        sql_columns_add_text(&rows, deliveries[at]->message.topic);
        sql_columns_add_uuid(&rows, waiting_key(door, deliveries[at]));
        sql_columns_add_name(&rows, cause_class(deliveries[at]->cause));
        sql_columns_add_name(&rows, deliveries[at]->reason);
    }
    start_args(door, &args);
    sql_add_columns(&args, &rows);
    sql_add_i64(&args, door->config->settings.park_wait_ms);
    db_send(door->db, SQL_INSERT_PARKED_KEYS, &args);
}

/* ---- keeping back -------------------------------------------------------------------------- */

/* FIND_PARKED_KEYS and LOCK_PARKED_KEYS have the same columns. */
static bool is_among(struct sql_rows rows, const struct message *message)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid key = sql_uuid(rows, row, FIND_PARKED_KEYS_KEY);
        if (uuid_equals(&key, &message->key) &&
            text_equals(sql_text(rows, row, FIND_PARKED_KEYS_TOPIC), message->topic))
            return true;
    }
    return false;
}

static enum status save_followers(const struct delivery_door *door,
                                  struct delivery *const *deliveries, size_t count,
                                  const struct sql_args *keys, struct error *err)
{
    db_send_begin(door->db);
    db_send(door->db, SQL_LOCK_PARKED_KEYS, keys);
    TRY(db_run(door->db, err));
    const struct sql_rows parked = db_rows(door->db, 1);
    struct delivery **kept = ARENA_NEW_ARRAY(door->arena, struct delivery *, count);
    size_t kept_count = 0;
    for (size_t at = 0; at < count; at++)
        if (is_among(parked, &deliveries[at]->message))
            kept[kept_count++] = deliveries[at];
    if (kept_count > 0)
        send_messages(door, kept, kept_count);
    db_send_commit(door->db);
    TRY(db_run(door->db, err));
    for (size_t at = 0; at < kept_count; at++) {
        delivery_mark_follower(kept[at]);
        kept[at]->is_saved = true;
    }
    return OK;
}

enum status parked_keep_back(const struct delivery_door *door, struct delivery *const *deliveries,
                             size_t count, struct error *err)
{
    struct sql_args args;
    if (delivery_waits_aside(door))
        return OK;
    start_args(door, &args);
    add_keys(door, deliveries, count, &args);
    TRY(db_run_one(door->db, SQL_FIND_PARKED_KEYS, &args, err));
    if (db_rows(door->db, 0).count == 0)
        return OK;
    return save_followers(door, deliveries, count, &args, err);
}

/* ---- saving what is left behind ------------------------------------------------------------ */

static void log_parked(const struct delivery_door *door, const struct delivery *delivery)
{
    log_warning(
        &delivery->trace, "message.parked",
        delivery_waits_aside(door) ? "message cannot be applied now, retrying it aside"
                                   : "message cannot be applied now, its key waits, retrying",
        kv_text("topic", delivery->message.topic), kv_uuid("event_id", &delivery->message.id),
        kv_uuid("key", &delivery->message.key), kv_str("error_class", cause_class(delivery->cause)),
        kv_str("error_code", cause_code(delivery->cause)), kv_str("reason", delivery->reason),
        kv_str("group", door->config->group));
}

/* What a poll leaves behind, told apart. */
struct leftovers {
    struct delivery **parked; /* with their followers, in order */
    size_t parked_count;
    struct delivery **heads; /* those that park their key */
    size_t head_count;
    struct dead_letter *dead;
    size_t dead_count;
};

static struct leftovers gather_leftovers(struct arena *arena, struct delivery *const *deliveries,
                                         size_t count)
{
    const int64_t now_us = clock_realtime_us();
    struct leftovers left = {
        .parked = ARENA_NEW_ARRAY(arena, struct delivery *, count),
        .heads = ARENA_NEW_ARRAY(arena, struct delivery *, count),
        .dead = ARENA_NEW_ARRAY(arena, struct dead_letter, count),
    };
    for (size_t at = 0; at < count; at++) {
        struct delivery *delivery = deliveries[at];
        if (!delivery_is_marked(delivery) || delivery->is_saved)
            continue;
        if (delivery->outcome == DELIVERY_DEAD)
            left.dead[left.dead_count++] = (struct dead_letter){
                .delivery = delivery,
                .attempts = 1,
                .first_failed_us = now_us,
                .last_failed_us = now_us,
            };
        else
            left.parked[left.parked_count++] = delivery;
        if (delivery->outcome == DELIVERY_PARK && !delivery_is_follower(delivery))
            left.heads[left.head_count++] = delivery;
    }
    return left;
}

enum status parked_save(const struct delivery_door *door, struct delivery *const *deliveries,
                        size_t count, struct error *err)
{
    const struct leftovers left = gather_leftovers(door->arena, deliveries, count);
    if (left.parked_count == 0 && left.dead_count == 0)
        return OK;
    TRY(dead_letter_load_past(door, left.dead, left.dead_count, err));
    db_send_begin(door->db);
    if (left.parked_count > 0) {
        send_parked_keys(door, left.heads, left.head_count);
        send_messages(door, left.parked, left.parked_count);
    }
    dead_letter_send(door, left.dead, left.dead_count);
    db_send_commit(door->db);
    TRY(db_run(door->db, err));
    for (size_t at = 0; at < left.head_count; at++)
        log_parked(door, left.heads[at]);
    dead_letter_log(door, left.dead, left.dead_count);
    return OK;
}
