/* What has not happened yet: every step that a transaction still has before it, with where it
 * stands and since when. */
#include "base/arena.h"
#include "operator/story/story.h"

static struct text since(const struct story *story, int64_t at_us)
{
    return story_duration(story->arena, story->head.now_us - at_us);
}

static const char *place_in_line(const struct story *story, int64_t before)
{
    if (before == 0)
        return "the next in its order";
    return text_format(story->arena, "%lld others before it", (long long)before).data;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void write_message(struct story *story, struct story_line *line,
                          const struct story_message *message)
{
    struct json_writer w;
    struct text_builder out;
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, "event_id", &message->id);
    json_write_text(&w, "type", message->name);
    if (message->is_dead)
        json_write_uuid(&w, "letter_id", &message->letter_id);
    if (message->is_parked) {
        json_write_i64(&w, "attempts", message->park_attempts);
        json_write_time(&w, "next_try_at", message->next_try_us);
    }
    if (message->before >= 0)
        json_write_i64(&w, "messages_before", message->before);
    story_end_facts(line, &w);
}

static void wait_in_outbox(struct story *story, const struct story_message *message)
{
    struct story_line *line = story_add_wait(story, message->said_us, "outbox", "not_published");
    story_say(story, line, "%.*s not published yet: in the %s outbox since %.*s, %s",
              TEXT_ARGS(message->name), message->outbox, TEXT_ARGS(since(story, message->said_us)),
              place_in_line(story, message->before));
    write_message(story, line, message);
}

static void wait_parked(struct story *story, const struct story_message *message)
{
    struct story_line *line = story_add_wait(story, message->parked_us, message->reader, "parked");
    if (message->parked_before > 0)
        story_say(story, line, "%.*s waits parked, %lld of its key before it: %.*s",
                  TEXT_ARGS(message->name), (long long)message->parked_before,
                  TEXT_ARGS(message->park_reason));
    else
        story_say(
            story, line, "%.*s waits parked: %.*s; tried %d times, again in %.*s",
            TEXT_ARGS(message->name), TEXT_ARGS(message->park_reason), message->park_attempts,
            TEXT_ARGS(story_duration(story->arena, message->next_try_us - story->head.now_us)));
    write_message(story, line, message);
}

static void wait_redriven(struct story *story, const struct story_message *message)
{
    struct story_line *line = story_add_wait(story, message->died_us, message->reader, "dead");
    story_say(story, line, "%.*s is a dead letter (%.*s): tallystick dlq show %.*s",
              TEXT_ARGS(message->name), TEXT_ARGS(message->letter_code),
              TEXT_ARGS(story_uuid(story, &message->letter_id)));
    write_message(story, line, message);
}

static void wait_unread(struct story *story, const struct story_message *message)
{
    struct story_line *line =
        story_add_wait(story, message->published_us, message->reader, "not_read");
    story_say(story, line, "%.*s not read yet: on the bus since %.*s, %s", TEXT_ARGS(message->name),
              TEXT_ARGS(since(story, message->published_us)),
              place_in_line(story, message->before));
    write_message(story, line, message);
}

static void wait_for_message(struct story *story, const struct story_message *message)
{
    if (message->outbox != NULL)
        wait_in_outbox(story, message);
    else if (message->applied_us > 0 || message->reader == NULL)
        return;
    else if (message->is_parked)
        wait_parked(story, message);
    else if (message->is_dead)
        wait_redriven(story, message);
    else if (message->published_us > 0 && message->before >= 0)
        wait_unread(story, message);
}

/* ---- sagas ----------------------------------------------------------------------------------- */

static const struct story_saga *find_saga(const struct story *story, const char *type)
{
    for (size_t at = 0; at < story->saga_count; at++)
        if (text_equals_c(story->sagas[at].type, type))
            return &story->sagas[at];
    return NULL;
}

static void wait_for_start(struct story *story, const char *type, int64_t since_us)
{
    struct story_line *line = story_add_wait(story, since_us, "saga", "saga_not_started");
    story_say(story, line, "saga %s not started yet, %.*s after its cause", type,
              TEXT_ARGS(since(story, since_us)));
}

/* Whose step it is and what it leaves undone, in words. */
static const struct {
    const char *step, *service, *undone;
} STEPS[] = {
    {"record_hold", "ledger", "hold not recorded yet"},
    {"release_hold", "ledger", "hold not released yet"},
    {"undo_hold", "ledger", "hold not undone yet"},
    {"release_authorization", "authorization", "hold not given back yet"},
};

static struct text until_repeat(const struct story *story, const struct story_saga *saga)
{
    if (text_equals_c(saga->state, "stuck"))
        return TEXT(
            "the saga is stuck: an operator should look (tallystick saga retry, compensate, "
            "abandon), a late answer still heals it");
    if (saga->deadline_us == 0)
        return TEXT("for no time");
    const int64_t left_us = saga->deadline_us - story->head.now_us;
    if (left_us < 0)
        return text_format(story->arena, "due for a repeat since %.*s",
                           TEXT_ARGS(story_duration(story->arena, -left_us)));
    return text_format(story->arena, "next deadline in %.*s",
                       TEXT_ARGS(story_duration(story->arena, left_us)));
}

static void wait_for_step(struct story *story, const struct story_saga *saga)
{
    const bool is_back = text_equals_c(saga->step, "release_authorization") &&
                         !text_equals_c(story->head.status, "approved");
    for (size_t at = 0; at < sizeof STEPS / sizeof *STEPS; at++) {
        if (!text_equals_c(saga->step, STEPS[at].step) || saga->is_answered || is_back)
            continue;
        struct story_line *line =
            story_add_wait(story, saga->step_started_us, STEPS[at].service, "step_not_taken");
        if (saga->tries == 0)
            story_say(story, line, "%s: saga %.*s waits for the booking to end, since %.*s",
                      STEPS[at].undone, TEXT_ARGS(saga->type),
                      TEXT_ARGS(since(story, saga->step_started_us)));
        else
            story_say(story, line, "%s; saga waits for it since %.*s (sent %d time%s; %.*s)",
                      STEPS[at].undone, TEXT_ARGS(since(story, saga->step_started_us)), saga->tries,
                      saga->tries == 1 ? "" : "s", TEXT_ARGS(until_repeat(story, saga)));
    }
}

static void wait_for_saga(struct story *story, const struct story_saga *saga)
{
    struct json_writer w;
    struct text_builder out;
    if (text_equals_c(saga->state, "completed") || text_equals_c(saga->state, "compensated") ||
        text_equals_c(saga->state, "abandoned"))
        return;
    wait_for_step(story, saga);
    struct story_line *line = story_add_wait(story, saga->started_us, "saga", "saga_not_ended");
    story_say(story, line, "saga %.*s not ended yet: %.*s at %.*s%s", TEXT_ARGS(saga->type),
              TEXT_ARGS(saga->state), TEXT_ARGS(saga->step),
              saga->is_answered ? ", has not heard the answer" : "");
    story_begin_facts(story, &w, &out);
    json_write_uuid(&w, "saga_id", &saga->id);
    json_write_text(&w, "state", saga->state);
    json_write_text(&w, "step", saga->step);
    json_write_i64(&w, "tries", saga->tries);
    if (saga->deadline_us > 0)
        json_write_time(&w, "deadline_at", saga->deadline_us);
    story_end_facts(line, &w);
}

void story_add_waits(struct story *story)
{
    const struct story_head *head = &story->head;
    for (size_t at = 0; at < story->message_count; at++)
        wait_for_message(story, &story->messages[at]);
    if (head->is_approved && find_saga(story, "authorize") == NULL)
        wait_for_start(story, "authorize", head->decided_us);
    if (head->ended_us > 0 && find_saga(story, "release") == NULL)
        wait_for_start(story, "release", head->ended_us);
    for (size_t at = 0; at < story->saga_count; at++)
        wait_for_saga(story, &story->sagas[at]);
}
