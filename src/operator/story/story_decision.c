/* The first part of a story: the request, the decision on what there was, and what became of it. */
#include "base/arena.h"
#include "base/sha256.h"
#include "base/timestamp.h"
#include "domain/lane.h"
#include "domain/money_json.h"
#include "operator/operator_sql.h"
#include "operator/story/story.h"

enum { DATE_SIZE = 10, DAYS_MAX = 32, KEY_HASH_SHOWN = 12 };

/* ---- finding it ------------------------------------------------------------------------------ */

/* When a version 7 id was made, to the millisecond; 0: it is of another version. */
static int64_t time_of_id(const struct uuid *id)
{
    int64_t ms = 0;
    if (id->bytes[6] >> 4 != 7)
        return 0;
    for (int at = 0; at < 6; at++)
        ms = ms << 8 | id->bytes[at];
    return ms * 1000;
}

static void read_amounts(struct story_head *head, struct sql_rows rows)
{
    head->requested_minor = sql_i64(rows, 0, FIND_STORY_REQUESTED_MINOR);
    head->remaining_minor = sql_i64(rows, 0, FIND_STORY_REMAINING_MINOR);
    head->available_minor = sql_i64(rows, 0, FIND_STORY_AVAILABLE_MINOR);
    head->has_headroom = !sql_is_null(rows, 0, FIND_STORY_LIMIT_MINOR) &&
                         !sql_is_null(rows, 0, FIND_STORY_HELD_MINOR);
    if (head->has_headroom) {
        head->limit_minor = sql_i64(rows, 0, FIND_STORY_LIMIT_MINOR);
        head->held_minor = sql_i64(rows, 0, FIND_STORY_HELD_MINOR);
    }
}

static void read_times(struct story_head *head, struct sql_rows rows)
{
    head->now_us = sql_time(rows, 0, FIND_STORY_NOW);
    head->decided_us = sql_time(rows, 0, FIND_STORY_CREATED_AT);
    head->asked_us = time_of_id(&head->id);
    if (head->asked_us == 0 || head->asked_us > head->decided_us)
        head->asked_us = head->decided_us; /* another clock made the id */
    if (!sql_is_null(rows, 0, FIND_STORY_EXPIRES_AT))
        head->expires_us = sql_time(rows, 0, FIND_STORY_EXPIRES_AT);
}

static enum status read_head(struct story *story, struct sql_rows rows, struct error *err)
{
    struct arena *arena = story->arena;
    struct story_head *head = &story->head;
    const struct text currency = sql_text(rows, 0, FIND_STORY_CURRENCY);
    head->found_by = text_to_c(arena, sql_text(rows, 0, FIND_STORY_FOUND_BY));
    head->lane = sql_i16(rows, 0, FIND_STORY_LANE);
    head->id = sql_uuid(rows, 0, FIND_STORY_ID);
    head->transaction_id = text_copy(arena, sql_text(rows, 0, FIND_STORY_TRANSACTION_ID));
    head->user_id = text_copy(arena, sql_text(rows, 0, FIND_STORY_USER_ID));
    head->account_id = sql_uuid(rows, 0, FIND_STORY_ACCOUNT_ID);
    head->status = text_copy(arena, sql_text(rows, 0, FIND_STORY_STATUS));
    head->version = sql_i64(rows, 0, FIND_STORY_VERSION);
    head->is_approved = text_equals_c(sql_text(rows, 0, FIND_STORY_DECISION), "approved");
    head->decision_code = text_copy(arena, sql_text(rows, 0, FIND_STORY_DECISION_CODE));
    head->reasons = text_copy(arena, sql_text(rows, 0, FIND_STORY_REASONS));
    head->trace_id = text_copy(arena, sql_text(rows, 0, FIND_STORY_TRACE_ID));
    head->currency = currency_find(currency);
    if (head->currency == NULL)
        return error_set(err, ERR_BROKEN, "the authorization has an unknown currency, '%.*s'",
                         TEXT_ARGS(currency));
    if (!sql_is_null(rows, 0, FIND_STORY_SAGA_ID))
        head->saga_id = sql_uuid(rows, 0, FIND_STORY_SAGA_ID);
    read_amounts(head, rows);
    read_times(head, rows);
    story->subjects[story->subject_count++] = head->id;
    return OK;
}

enum status story_find(struct story *story, const char *tenant, const char *given,
                       struct error *err)
{
    const struct text parts[] = {text_of(tenant), text_of(given)};
    const struct sha256 digest = sha256_of_parts(parts, 2);
    struct uuid key, id;
    struct sql_args args;
    const bool is_id = uuid_parse(text_of(given), &id);
    memcpy(key.bytes, digest.bytes, sizeof key.bytes);
    sql_args_init(&args, story->arena);
    sql_add_uuid(&args, &key);
    if (is_id)
        sql_add_uuid(&args, &id);
    else
        sql_add_null(&args);
    sql_add_i16(&args, is_id ? lane_of(&id) : 0);
    TRY(db_run_one(story->db, SQL_FIND_STORY, &args, err));
    const struct sql_rows rows = db_rows(story->db, 0);
    if (rows.count == 1)
        return read_head(story, rows, err);
    if (is_id)
        return error_set(err, ERR_NOT_FOUND,
                         "'%s' is no transaction id of tenant '%s' that was decided, no "
                         "authorization and no saga of this database",
                         given, tenant);
    return error_set(err, ERR_NOT_FOUND,
                     "no transaction id '%s' of tenant '%s' was ever decided in this database "
                     "(and it is no id of an authorization or a saga)",
                     given, tenant);
}

/* ---- request and decision -------------------------------------------------------------------- */

static void tell_request(struct story *story)
{
    const struct story_head *head = &story->head;
    struct json_writer w;
    struct text_builder out;
    struct story_line *line = story_add(story, head->asked_us, "authorization", "request");
    story_say(story, line, "asked for %.*s by user %.*s",
              TEXT_ARGS(story_money(story, head->requested_minor)), TEXT_ARGS(head->user_id));
    story_begin_facts(story, &w, &out);
    json_write_text(&w, "transaction_id", head->transaction_id);
    json_write_text(&w, "user_id", head->user_id);
    json_write_money(&w, "requested", head->requested_minor, head->currency);
    json_write_text(&w, "trace_id", head->trace_id);
    story_end_facts(line, &w);
}

static struct text headroom(const struct story *story)
{
    const struct story_head *head = &story->head;
    if (!head->has_headroom)
        return text_format(story->arena, "available afterwards %.*s; limit and held were not kept",
                           TEXT_ARGS(story_money(story, head->available_minor)));
    return text_format(story->arena, "limit %.*s, held afterwards %.*s, available %.*s",
                       TEXT_ARGS(story_money(story, head->limit_minor)),
                       TEXT_ARGS(story_money(story, head->held_minor)),
                       TEXT_ARGS(story_money(story, head->available_minor)));
}

static void write_headroom(const struct story_head *head, struct json_writer *w)
{
    json_begin_object(w, "afterwards");
    if (head->has_headroom) {
        json_write_money(w, "limit", head->limit_minor, head->currency);
        json_write_money(w, "held", head->held_minor, head->currency);
    }
    json_write_money(w, "available", head->available_minor, head->currency);
    json_end_object(w);
}

static void tell_decision(struct story *story)
{
    const struct story_head *head = &story->head;
    struct json_writer w;
    struct text_builder out;
    struct story_line *line = story_add(story, head->decided_us, "authorization",
                                        head->is_approved ? "approved" : "declined");
    if (head->is_approved)
        story_say(story, line, "approved: holds %.*s; %.*s",
                  TEXT_ARGS(story_money(story, head->requested_minor)), TEXT_ARGS(headroom(story)));
    else
        story_say(story, line, "declined: %.*s; %.*s", TEXT_ARGS(head->decision_code),
                  TEXT_ARGS(headroom(story)));
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, "authorization_id", &head->id);
    json_write_text(&w, "decision_code", head->decision_code);
    json_write_text(&w, "reasons", head->reasons);
    write_headroom(head, &w);
    if (head->expires_us > 0)
        json_write_time(&w, "expires_at", head->expires_us);
    story_end_facts(line, &w);
}

/* ---- what became of it ----------------------------------------------------------------------- */

static void tell_change(struct story *story, struct sql_rows rows, int row)
{
    struct json_writer w;
    struct text_builder out;
    const struct text status = sql_text(rows, row, LIST_STORY_CHANGES_STATUS);
    const struct text by = sql_text(rows, row, LIST_STORY_CHANGES_CHANGED_BY);
    const struct text reason = sql_text(rows, row, LIST_STORY_CHANGES_REASON);
    const int64_t amount_minor = sql_i64(rows, row, LIST_STORY_CHANGES_AMOUNT_MINOR);
    const int64_t at_us = sql_time(rows, row, LIST_STORY_CHANGES_CHANGED_AT);
    struct story_line *line =
        story_add(story, at_us, "authorization", text_to_c(story->arena, status));
    story_say(story, line, "%.*s by %.*s%s%.*s: hold of %.*s released", TEXT_ARGS(status),
              TEXT_ARGS(by), reason.size == 0 ? "" : ", ", TEXT_ARGS(reason),
              TEXT_ARGS(story_money(story, amount_minor)));
    story_begin_facts(story, &w, &out);
    json_write_i64(&w, "version", sql_i64(rows, row, LIST_STORY_CHANGES_VERSION));
    json_write_money(&w, "released", amount_minor, story->head.currency);
    json_write_text(&w, "by", by);
    json_write_text(&w, "reason", reason);
    json_write_text(&w, "trace_id", sql_text(rows, row, LIST_STORY_CHANGES_TRACE_ID));
    story_end_facts(line, &w);
    if (!text_equals_c(status, "reversed")) {
        story->head.ended_us = at_us;
        story->head.ended_by = text_copy(story->arena, status);
    }
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void add_days(struct story *story, struct sql_args *args)
{
    char text[TIMESTAMP_TEXT_SIZE + 1];
    struct sql_array days;
    sql_array_init(&days, story->arena, SQL_TEXT, DAYS_MAX);
    for (size_t at = 0; at < story->past.count && at < DAYS_MAX; at++) {
        timestamp_format(story->past.items[at].at_us, text);
        sql_array_add_text(&days, text_copy(story->arena, (struct text){text, DATE_SIZE}));
    }
    sql_add_array(args, &days);
}

static void tell_key(struct story *story, struct sql_rows rows, int row)
{
    struct json_writer w;
    struct text_builder out;
    const struct text hash = sql_text(rows, row, LIST_STORY_KEYS_KEY_HASH);
    const int status = sql_i32(rows, row, LIST_STORY_KEYS_HTTP_STATUS);
    struct story_line *line = story_add(story, sql_time(rows, row, LIST_STORY_KEYS_CREATED_AT),
                                        "authorization", "answered");
    story_say(story, line, "answered %d under an idempotency key (digest %.*s...)", status,
              KEY_HASH_SHOWN, hash.data);
    story_begin_facts(story, &w, &out);
    json_write_text(&w, "key_hash", hash);
    json_write_i64(&w, "http_status", status);
    json_write_i64(&w, "version", sql_i64(rows, row, LIST_STORY_KEYS_VERSION));
    story_end_facts(line, &w);
}

/* A table without a way from here to there, read whole: on a day of many millions it takes longer
 * than an operator waits, and then the story goes on without. */
static void read_keys(struct story *story)
{
    struct sql_args args;
    struct error ignored;
    sql_args_init(&args, story->arena);
    add_days(story, &args);
    sql_add_i16(&args, story->head.lane);
    sql_add_uuid(&args, &story->head.id);
    if (db_run_one(story->hurried, SQL_LIST_STORY_KEYS, &args, &ignored) != OK) {
        struct story_line *line =
            story_add(story, story->head.decided_us, "authorization", "keys_not_read");
        story_say(story, line, "the idempotency keys were too many to look through in time");
        return;
    }
    const struct sql_rows rows = db_rows(story->hurried, 0);
    for (int row = 0; row < rows.count; row++)
        tell_key(story, rows, row);
}

enum status story_read_decision(struct story *story, struct error *err)
{
    struct sql_args args;
    tell_request(story);
    tell_decision(story);
    sql_args_init(&args, story->arena);
    sql_add_i16(&args, story->head.lane);
    sql_add_uuid(&args, &story->head.id);
    TRY(db_run_one(story->db, SQL_LIST_STORY_CHANGES, &args, err));
    const struct sql_rows rows = db_rows(story->db, 0);
    for (int row = 0; row < rows.count; row++)
        tell_change(story, rows, row);
    read_keys(story);
    return OK;
}
