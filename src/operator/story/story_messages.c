/* The third part of a story: the events and commands between the services. A message leaves traces
 * in an outbox, on the bus (where that is PostgreSQL), in its reader's inbox, among parked messages
 * and dead letters; here they are put together by its id. */
#include "base/arena.h"
#include "base/assert.h"
#include "operator/operator_sql.h"
#include "operator/story/story.h"
#include "platform/bus/message.h"

enum { MOMENTS_MAX = 8, MESSAGES_LOOKED_AT = 50000, LETTERS_MAX = 64 };

static struct story_message *message_of(struct story *story, const struct uuid *id)
{
    for (size_t at = 0; at < story->message_count; at++)
        if (uuid_equals(&story->messages[at].id, id))
            return &story->messages[at];
    if (story->message_count < STORY_MESSAGES_MAX)
        story->message_count++; /* beyond it the last place serves again */
    struct story_message *message = &story->messages[story->message_count - 1];
    *message = (struct story_message){.id = *id, .before = -1};
    return message;
}

/* From ce_type, or from an outbox's type. */
static void name_message(struct story *story, struct story_message *message, struct text type)
{
    const struct text name = message_event_name(type);
    const struct text chosen = text_is_none(name) ? type : name;
    if (message->name.size == 0)
        message->name = text_is_none(chosen) ? TEXT("a message") : text_copy(story->arena, chosen);
}

static const char *reader_of(struct text name)
{
    if (text_starts_with(name, "ledger.record_hold") ||
        text_starts_with(name, "ledger.release_hold"))
        return "ledger";
    if (text_equals_c(name, "authorization.release"))
        return "authorization";
    if (text_starts_with(name, "saga.") || text_starts_with(name, "account.") ||
        text_equals_c(name, "authorization.declined"))
        return NULL;
    return "saga";
}

/* The command of a saga's step. */
static struct text command_of(const struct story *story, struct text step)
{
    if (text_equals_c(step, "release_authorization"))
        return TEXT("authorization.release");
    if (text_equals_c(step, "undo_hold"))
        return TEXT("ledger.release_hold");
    return text_format(story->arena, "ledger.%.*s", TEXT_ARGS(step));
}

/* What must have been said, wherever it is: the event that began a saga has the saga's id. */
static void add_known(struct story *story)
{
    const struct story_head *head = &story->head;
    if (!uuid_is_nil(&head->saga_id)) {
        struct story_message *message = message_of(story, &head->saga_id);
        name_message(story, message, TEXT("authorization.approved"));
        message->said_us = head->decided_us;
    }
    for (size_t at = 0; at < story->saga_count; at++) {
        const struct story_saga *saga = &story->sagas[at];
        if (text_equals_c(saga->type, "release"))
            name_message(
                story, message_of(story, &saga->id),
                text_format(story->arena, "authorization.%.*s", TEXT_ARGS(head->ended_by)));
        if (uuid_is_nil(&saga->command_event_id))
            continue;
        struct story_message *command = message_of(story, &saga->command_event_id);
        name_message(story, command, command_of(story, saga->step));
    }
}

/* ---- where they are -------------------------------------------------------------------------- */

static void read_outbox(struct story *story, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, LIST_STORY_OUTBOX_ID);
        struct story_message *message = message_of(story, &id);
        name_message(story, message, sql_text(rows, row, LIST_STORY_OUTBOX_TYPE));
        message->outbox = text_to_c(story->arena, sql_text(rows, row, LIST_STORY_OUTBOX_ROOM));
        message->before = sql_i64(rows, row, LIST_STORY_OUTBOX_BEFORE);
        message->said_us = sql_time(rows, row, LIST_STORY_OUTBOX_CREATED_AT);
    }
}

static void read_bus(struct story *story, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, LIST_STORY_MESSAGES_ID);
        struct story_message *message = message_of(story, &id);
        name_message(story, message, sql_text(rows, row, LIST_STORY_MESSAGES_TYPE));
        message->topic = text_copy(story->arena, sql_text(rows, row, LIST_STORY_MESSAGES_TOPIC));
        message->partition = sql_i32(rows, row, LIST_STORY_MESSAGES_PARTITION);
        message->offset = sql_i64(rows, row, LIST_STORY_MESSAGES_OFFSET);
        message->published_us = sql_time(rows, row, LIST_STORY_MESSAGES_PUBLISHED_AT);
        message->before = sql_i64(rows, row, LIST_STORY_MESSAGES_BEFORE);
    }
}

static void read_parked(struct story *story, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, LIST_STORY_PARKED_EVENT_ID);
        struct story_message *message = message_of(story, &id);
        name_message(story, message, sql_text(rows, row, LIST_STORY_PARKED_TYPE));
        message->reader =
            text_to_c(story->arena, sql_text(rows, row, LIST_STORY_PARKED_CONSUMER_GROUP));
        message->is_parked = true;
        message->park_reason =
            text_copy(story->arena, sql_text(rows, row, LIST_STORY_PARKED_REASON));
        message->park_attempts = sql_i32(rows, row, LIST_STORY_PARKED_ATTEMPTS);
        message->parked_us = sql_time(rows, row, LIST_STORY_PARKED_FIRST_FAILED_AT);
        message->next_try_us = sql_time(rows, row, LIST_STORY_PARKED_NEXT_TRY_AT);
        message->parked_before = sql_i64(rows, row, LIST_STORY_PARKED_BEFORE);
    }
}

/* ---- dead letters ---------------------------------------------------------------------------- */

static void tell_letter(struct story *story, struct sql_rows rows, int row)
{
    struct json_writer w;
    struct text_builder out;
    const struct uuid id = sql_uuid(rows, row, LIST_STORY_DEAD_LETTERS_ID);
    const struct uuid event_id = sql_uuid(rows, row, LIST_STORY_DEAD_LETTERS_EVENT_ID);
    const struct text code = sql_text(rows, row, LIST_STORY_DEAD_LETTERS_ERROR_CODE);
    const int attempts = sql_i32(rows, row, LIST_STORY_DEAD_LETTERS_ATTEMPTS);
    const int64_t died_us = sql_time(rows, row, LIST_STORY_DEAD_LETTERS_LAST_FAILED_AT);
    struct story_message *message = message_of(story, &event_id);
    name_message(story, message, sql_text(rows, row, LIST_STORY_DEAD_LETTERS_TYPE));
    message->reader =
        text_to_c(story->arena, sql_text(rows, row, LIST_STORY_DEAD_LETTERS_CONSUMER_GROUP));
    message->is_dead = sql_bool(rows, row, LIST_STORY_DEAD_LETTERS_IS_OPEN);
    message->letter_id = id;
    message->letter_code = text_copy(story->arena, code);
    message->died_us = died_us;

    struct story_line *line = story_add(story, died_us, message->reader, "dead_letter");
    story_say(story, line, "%.*s became dead letter %.*s after %d tr%s: %.*s, %.*s",
              TEXT_ARGS(message->name), TEXT_ARGS(story_uuid(story, &id)), attempts,
              attempts == 1 ? "y" : "ies", TEXT_ARGS(code),
              TEXT_ARGS(sql_text(rows, row, LIST_STORY_DEAD_LETTERS_ERROR_MESSAGE)));
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, "letter_id", &id);
    json_write_uuid(&w, "event_id", &event_id);
    json_write_text(&w, "type", message->name);
    json_write_text(&w, "error_code", code);
    json_write_text(&w, "error_message",
                    sql_text(rows, row, LIST_STORY_DEAD_LETTERS_ERROR_MESSAGE));
    json_write_i64(&w, "attempts", attempts);
    json_write_bool(&w, "is_open", message->is_dead);
    story_end_facts(line, &w);
}

/* What an operator's action was, in words. */
static const struct {
    const char *action, *event, *words;
} DEEDS[] = {
    {"dead_letter.redrive", "redrive", "sent back dead letter"},
    {"dead_letter.discard", "discard", "discarded dead letter"},
    {"saga.retry", "saga_retry", "had the command sent again of saga"},
    {"saga.compensate", "saga_compensate", "had undone what was done of saga"},
    {"saga.abandon", "saga_abandon", "gave up saga"},
};

static void tell_deed(struct story *story, struct sql_rows rows, int row)
{
    struct json_writer w;
    struct text_builder out;
    size_t at = 0;
    const struct text action = sql_text(rows, row, LIST_STORY_DEEDS_ACTION);
    while (at < COUNT(DEEDS) && !text_equals_c(action, DEEDS[at].action))
        at++;
    if (at == COUNT(DEEDS))
        return;
    const struct uuid subject = sql_uuid(rows, row, LIST_STORY_DEEDS_SUBJECT);
    const struct text who = sql_text(rows, row, LIST_STORY_DEEDS_WHO);
    const struct text reason = sql_text(rows, row, LIST_STORY_DEEDS_REASON);
    const struct text outcome = sql_text(rows, row, LIST_STORY_DEEDS_OUTCOME);
    struct story_line *line =
        story_add(story, sql_time(rows, row, LIST_STORY_DEEDS_AT), "operator", DEEDS[at].event);
    story_say(story, line, "%.*s %s %.*s: %.*s%s%.*s", TEXT_ARGS(who), DEEDS[at].words,
              TEXT_ARGS(story_uuid(story, &subject)), TEXT_ARGS(outcome),
              reason.size == 0 ? "" : "; ", TEXT_ARGS(reason));
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, text_starts_with(action, "saga.") ? "saga_id" : "letter_id", &subject);
    json_write_text(&w, "action", action);
    json_write_text(&w, "outcome", outcome);
    json_write_text(&w, "os_user", sql_text(rows, row, LIST_STORY_DEEDS_OS_USER));
    json_write_text(&w, "database_user", sql_text(rows, row, LIST_STORY_DEEDS_DATABASE_USER));
    json_write_text(&w, "reason", reason);
    story_end_facts(line, &w);
}

/* ---- what happened to them ------------------------------------------------------------------- */

static void write_message(struct story *story, struct story_line *line,
                          const struct story_message *message)
{
    struct json_writer w;
    struct text_builder out;
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, "event_id", &message->id);
    json_write_text(&w, "type", message->name);
    if (!text_is_none(message->topic)) {
        json_write_text(&w, "topic", message->topic);
        json_write_i64(&w, "partition", message->partition);
        json_write_i64(&w, "offset", message->offset);
    }
    story_end_facts(line, &w);
}

static void tell_published(struct story *story, const struct story_message *message)
{
    if (message->published_us == 0)
        return;
    struct story_line *line = story_add(story, message->published_us, "outbox", "published");
    story_say(story, line, "published %.*s: %.*s, partition %d, offset %lld",
              TEXT_ARGS(message->name), TEXT_ARGS(message->topic), message->partition,
              (long long)message->offset);
    write_message(story, line, message);
}

static void read_inbox(struct story *story, struct sql_rows rows)
{
    for (int row = 0; row < rows.count; row++) {
        const struct uuid id = sql_uuid(rows, row, LIST_STORY_INBOX_EVENT_ID);
        const struct text group = sql_text(rows, row, LIST_STORY_INBOX_CONSUMER_GROUP);
        struct story_message *message = message_of(story, &id);
        message->applied_us = sql_time(rows, row, LIST_STORY_INBOX_RECEIVED_AT);
        struct story_line *line =
            story_add(story, message->applied_us, text_to_c(story->arena, group), "applied");
        story_say(story, line, "applies %.*s", TEXT_ARGS(message->name));
        write_message(story, line, message);
    }
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void add_subjects(const struct story *story, struct sql_args *args, enum sql_type type)
{
    struct sql_array ids;
    sql_array_init(&ids, story->arena, type, story->subject_count);
    for (size_t at = 0; at < story->subject_count; at++) {
        if (type == SQL_UUID)
            sql_array_add_uuid(&ids, &story->subjects[at]);
        else
            sql_array_add_text(&ids, story_uuid(story, &story->subjects[at]));
    }
    sql_add_array(args, &ids);
}

/* Everything that is published about it comes soon after one of these, or as soon as can be. */
static void add_moments(const struct story *story, struct sql_args *args)
{
    struct sql_array moments;
    sql_array_init(&moments, story->arena, SQL_TIME, MOMENTS_MAX);
    sql_array_add_i64(&moments, story->head.decided_us);
    if (story->head.ended_us > 0)
        sql_array_add_i64(&moments, story->head.ended_us);
    for (size_t at = 0; at < story->saga_count; at++)
        sql_array_add_i64(&moments, story->sagas[at].step_started_us);
    sql_add_array(args, &moments);
}

static void send_questions(const struct story *story)
{
    struct sql_args as_ids, as_texts, of_bus;
    sql_args_init(&as_ids, story->arena);
    add_subjects(story, &as_ids, SQL_UUID);
    sql_args_init(&as_texts, story->arena);
    add_subjects(story, &as_texts, SQL_TEXT);
    sql_args_init(&of_bus, story->arena);
    sql_add_i16(&of_bus, story->head.lane);
    sql_add_uuid(&of_bus, &story->head.account_id);
    add_subjects(story, &of_bus, SQL_TEXT);
    add_moments(story, &of_bus);
    sql_add_i64(&of_bus, MESSAGES_LOOKED_AT);
    db_send(story->db, SQL_LIST_STORY_OUTBOX, &as_ids);
    db_send(story->db, SQL_LIST_STORY_MESSAGES, &of_bus);
    db_send(story->db, SQL_LIST_STORY_PARKED, &as_texts);
    db_send(story->db, SQL_LIST_STORY_DEAD_LETTERS, &as_texts);
}

/* What the answers of the first trip lead to. */
static void send_more_questions(const struct story *story, const struct uuid *letters, int count)
{
    struct sql_args of_events, of_deeds;
    struct sql_array ids;
    sql_args_init(&of_events, story->arena);
    sql_array_init(&ids, story->arena, SQL_UUID, story->message_count);
    for (size_t at = 0; at < story->message_count; at++)
        sql_array_add_uuid(&ids, &story->messages[at].id);
    sql_add_array(&of_events, &ids);
    sql_args_init(&of_deeds, story->arena);
    sql_array_init(&ids, story->arena, SQL_UUID, (size_t)count + story->saga_count);
    for (size_t at = 0; at < story->saga_count; at++)
        sql_array_add_uuid(&ids, &story->sagas[at].id);
    for (int at = 0; at < count; at++)
        sql_array_add_uuid(&ids, &letters[at]);
    sql_add_array(&of_deeds, &ids);
    db_send(story->db, SQL_LIST_STORY_INBOX, &of_events);
    db_send(story->db, SQL_LIST_STORY_DEEDS, &of_deeds);
}

enum status story_read_messages(struct story *story, struct error *err)
{
    struct uuid letters[LETTERS_MAX];
    int letter_count = 0;
    add_known(story);
    send_questions(story);
    TRY(db_run(story->db, err));
    read_outbox(story, db_rows(story->db, 0));
    read_bus(story, db_rows(story->db, 1));
    read_parked(story, db_rows(story->db, 2));
    const struct sql_rows dead = db_rows(story->db, 3);
    for (int row = 0; row < dead.count && letter_count < LETTERS_MAX; row++) {
        letters[letter_count++] = sql_uuid(dead, row, LIST_STORY_DEAD_LETTERS_ID);
        tell_letter(story, dead, row);
    }
    send_more_questions(story, letters, letter_count);
    TRY(db_run(story->db, err));
    read_inbox(story, db_rows(story->db, 0));
    const struct sql_rows deeds = db_rows(story->db, 1);
    for (int row = 0; row < deeds.count; row++)
        tell_deed(story, deeds, row);
    for (size_t at = 0; at < story->message_count; at++) {
        struct story_message *message = &story->messages[at];
        if (message->reader == NULL)
            message->reader = reader_of(message->name);
        tell_published(story, message);
    }
    return OK;
}
