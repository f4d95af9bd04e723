#include "saga/turn.h"

#include "base/arena.h"
#include "base/assert.h"
#include "domain/lane.h"
#include "platform/log/log.h"
#include "platform/tracing/tracing.h"
#include "saga/metrics.h"
#include "saga/payload.h"
#include "saga/span.h"

#include <stdlib.h>

/* What one message can change: its own saga, and a release that waited for it. */
enum { LINES_PER_MESSAGE = 4 };

/* ---- which sagas --------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static int compare_id_to_pair(const void *id, const void *pair)
{
    return uuid_compare(id, &((const struct saga_pair *)pair)->authorization_id);
}

static void init_pair(struct saga_pair *pair, const struct uuid *authorization_id)
{
    pair->authorization_id = *authorization_id;
    pair->lane = lane_of(authorization_id);
    for (int type = 0; type < SAGA_TYPE_COUNT; type++) {
        struct saga *saga = &pair->sagas[type];
        saga->type = (enum saga_type)type;
        saga->lane = pair->lane;
        saga->authorization_id = *authorization_id;
        saga->state = SAGA_STARTED;
        saga->step = STEP_START;
    }
}

void turn_init(struct turn *turn, struct arena *arena, const struct saga_schedule *schedule,
               const struct uuid *authorization_ids, size_t count)
{
    ASSERT(count > 0);
    struct uuid *ids = ARENA_NEW_ARRAY(arena, struct uuid, count);
    memcpy(ids, authorization_ids, count * sizeof *ids);
    qsort(ids, count, sizeof *ids, compare_ids);
    *turn = (struct turn){.arena = arena, .schedule = schedule};
    turn->pairs = ARENA_NEW_ARRAY(arena, struct saga_pair, count);
    turn->lines = ARENA_NEW_ARRAY(arena, struct turn_line, count * LINES_PER_MESSAGE);
    turn->lines_max = count * LINES_PER_MESSAGE;
    outbox_init(&turn->outbox, arena, count * 2);
    for (size_t at = 0; at < count; at++) {
        if (at == 0 || !uuid_equals(&ids[at], &ids[at - 1]))
            init_pair(&turn->pairs[turn->pair_count++], &ids[at]);
    }
}

struct saga_pair *turn_find_pair(const struct turn *turn, const struct uuid *authorization_id)
{
    return bsearch(authorization_id, turn->pairs, turn->pair_count, sizeof *turn->pairs,
                   compare_id_to_pair);
}

/* ---- what a rule does ---------------------------------------------------------------------- */

static bool is_finished(enum step_state state)
{
    return state == STEP_DONE || state == STEP_FAILED || state == STEP_COMPENSATED ||
           state == STEP_SKIPPED;
}

static void mark_step(const struct turn *turn, struct saga *saga, enum step_state state,
                      struct text reason)
{
    saga->step_state = state;
    saga->step_finished_us = is_finished(state) ? turn->now_us : 0;
    saga->step_reason = reason;
}

static void leave_step(struct saga *saga)
{
    saga->steps[saga->step] = (struct saga_step_row){
        .is_left = true,
        .state = saga->step_state,
        .command_id = saga->command_id,
        .tries = saga->tries,
        .started_us = saga->step_started_us,
        .finished_us = saga->step_finished_us,
        .reason = saga->step_reason,
    };
}

static void enter_step(const struct turn *turn, struct saga *saga, enum saga_step step)
{
    if (saga->step != STEP_START)
        leave_step(saga);
    saga->step = step;
    saga->tries = 0;
    saga->command_id = (struct uuid){0};
    saga->step_started_us = turn->now_us;
}

static void send_command(struct turn *turn, struct saga *saga, enum saga_command command,
                         const struct turn_cause *cause)
{
    const struct saga_command_form *form = saga_command_form(command);
    if (saga->tries == 0) {
        saga->command_id = uuid_make_v7();
        saga->step_started_us = turn->now_us;
    }
    saga->tries++;
    saga->command_event_id = uuid_make_v7();
    mark_step(turn, saga, saga_step_sent(saga->step), TEXT_NONE);
    outbox_add(&turn->outbox, &(struct outbox_event){
                                  .id = saga->command_event_id,
                                  .lane = saga->lane,
                                  .aggregate_type = form->aggregate,
                                  .aggregate_id = saga->authorization_id,
                                  .key = saga->account_id,
                                  .type = form->type,
                                  .sequence = saga->tries,
                                  .tenant = saga->tenant,
                                  .payload = payload_of_command(turn, saga, form),
                                  .saga_id = saga->id,
                                  .command_id = saga->command_id,
                                  .trace = cause->trace,
                                  .origin_traceparent = saga->origin_traceparent,
                              });
}

static void tell(struct turn *turn, struct saga *saga, const struct saga_rule *rule,
                 const struct turn_cause *cause)
{
    const char *from = rule->in_step == STEP_START ? NULL : saga_state_name(rule->in_state);
    saga->version++;
    outbox_add(&turn->outbox,
               &(struct outbox_event){
                   .id = uuid_make_v7(),
                   .lane = saga->lane,
                   .aggregate_type = "saga",
                   .aggregate_id = saga->id,
                   .key = saga->id,
                   .type = saga_rule_tells(rule),
                   .sequence = saga->version,
                   .tenant = saga->tenant,
                   .payload = payload_of_change(turn, saga, from, saga_event_name(cause->event)),
                   .saga_id = saga->id,
                   .trace = cause->trace,
                   .origin_traceparent = saga->origin_traceparent,
               });
}

static void note_line(struct turn *turn, const struct saga *saga, const char *event,
                      const struct turn_cause *cause)
{
    ASSERT(turn->line_count < turn->lines_max);
    turn->lines[turn->line_count++] =
        (struct turn_line){saga, event, saga->state, saga->step, saga->tries, *cause};
}

static struct text write_traceparent(struct arena *arena, const struct trace_context *trace)
{
    char *traceparent = arena_alloc(arena, TRACEPARENT_SIZE + 1);
    trace_context_format(trace, traceparent);
    return (struct text){traceparent, TRACEPARENT_SIZE};
}

/* Why it compensates is what the authorization will be told; that the undo is late is not. */
static bool has_better_reason(const struct saga *saga, const struct saga_rule *rule)
{
    return rule->in_state == SAGA_COMPENSATING && rule->event == EV_OVERDUE &&
           !text_is_none(saga->reason);
}

static void apply_rule(struct turn *turn, struct saga *saga, const struct saga_rule *rule,
                       const struct turn_cause *cause)
{
    if (rule->in_step == STEP_START)
        enter_step(turn, saga, rule->to_step);
    if (rule->event == EV_RETRY)
        saga->step_started_us = turn->now_us; /* with all its repeats before it */
    mark_step(turn, saga, rule->step_becomes, cause->reason);
    if (saga->step != rule->to_step)
        enter_step(turn, saga, rule->to_step);
    saga->state = rule->to_state;
    saga->is_changed = true;
    saga->last_traceparent = write_traceparent(turn->arena, &cause->trace);
    if (!text_is_none(cause->reason) && !has_better_reason(saga, rule))
        saga->reason = cause->reason;
    if (rule->send != CMD_NONE)
        send_command(turn, saga, rule->send, cause);
    const bool waits = !saga_state_is_end(saga->state) && saga->state != SAGA_STUCK;
    saga->deadline_us =
        waits ? saga_schedule_next_us(turn->schedule, saga->step_started_us, turn->now_us) : 0;
    if (saga_rule_tells(rule) != NULL)
        tell(turn, saga, rule, cause);
    note_line(turn, saga, saga_rule_tells(rule), cause);
    if (saga->type == SAGA_AUTHORIZE && saga_state_is_end(saga->state))
        turn->ended_count++;
}

static bool apply_event(struct turn *turn, struct saga *saga, const struct turn_cause *cause)
{
    const struct saga_rule *rule =
        saga_rule_find(saga->type, saga->state, saga->step, cause->event);
    if (rule != NULL)
        apply_rule(turn, saga, rule, cause);
    return rule != NULL;
}

/* What a saga does without a message of its own hangs below what it did last. Empty: it was begun
 * by a message without a trace. */
static struct trace_context last_span_of(const struct saga *saga)
{
    struct trace_context last = {.trace_id = ""};
    if (!trace_context_parse(saga->last_traceparent, &last))
        (void)trace_context_parse(saga->origin_traceparent, &last);
    trace_context_take_state(&last, saga->tracestate);
    return last;
}

/* A release that has sent nothing yet goes on when the `authorize` saga of its authorization has
 * ended. What an operator abandoned may or may not be in the ledger: the release waits on. `mover`
 * is the saga that has just been moved, by `moved`. */
static void follow_booking(struct turn *turn, struct saga_pair *pair, const struct saga *mover,
                           const struct turn_cause *moved)
{
    const struct saga *booking = &pair->sagas[SAGA_AUTHORIZE];
    struct saga *release = &pair->sagas[SAGA_RELEASE];
    struct turn_cause cause = {.trace = moved->trace, .delivery = moved->delivery};
    if (release->tries > 0)
        return;
    if (mover != release) {
        cause = (struct turn_cause){
            .word = "resume", .below = last_span_of(release), .link = moved->trace};
        cause.trace = tracing_continue(&cause.below);
    }
    if (booking->state == SAGA_COMPLETED)
        cause.event = EV_BOOKED;
    else if (booking->state == SAGA_COMPENSATED)
        cause.event = EV_NOT_BOOKED;
    else
        return;
    apply_event(turn, release, &cause);
}

/* ---- what is heard ------------------------------------------------------------------------- */

static void begin_saga(const struct turn *turn, struct saga *saga, const struct heard *heard)
{
    saga->id = heard->saga_id;
    saga->account_id = heard->account_id;
    saga->user_id = heard->user_id;
    saga->tenant = heard->tenant;
    saga->amount_minor = heard->amount_minor;
    saga->currency = heard->currency;
    saga->origin_traceparent = heard->origin_traceparent;
    saga->tracestate = heard->trace.state;
    saga->started_us = turn->now_us;
}

/* Whose command is answered; NULL: nobody's, or one that is no longer waited for. */
static struct saga *find_asker(struct saga_pair *pair, const struct heard *heard)
{
    for (int type = 0; type < SAGA_TYPE_COUNT; type++) {
        struct saga *saga = &pair->sagas[type];
        if (saga->step != STEP_START && uuid_equals(&saga->id, &heard->saga_id) &&
            uuid_equals(&saga->command_id, &heard->command_id))
            return saga;
    }
    return NULL;
}

static struct saga *find_begun(const struct turn *turn, struct saga_pair *pair,
                               const struct heard *heard)
{
    struct saga *saga = &pair->sagas[heard->type];
    if (saga->step == STEP_START)
        begin_saga(turn, saga, heard);
    return saga;
}

/* Nothing is lost by letting it go: a saga that still waits asks again, and is answered again. */
static void log_unheard(const struct heard *heard)
{
    log_info(&heard->trace, "saga.message_ignored", "repeated or late, nothing changes",
             kv_str("heard", saga_event_name(heard->event)), kv_uuid("saga_id", &heard->saga_id),
             kv_uuid("auth_id", &heard->authorization_id));
}

void turn_hear(struct turn *turn, const struct heard *heard)
{
    ASSERT(heard->kind == HEARD_START || heard->kind == HEARD_ANSWER);
    struct saga_pair *pair = turn_find_pair(turn, &heard->authorization_id);
    ASSERT(pair != NULL);
    const struct turn_cause cause = {.event = heard->event,
                                     .reason = heard->reason,
                                     .trace = heard->trace,
                                     .delivery = heard->delivery};
    struct saga *saga =
        heard->kind == HEARD_START ? find_begun(turn, pair, heard) : find_asker(pair, heard);
    if (saga == NULL || !apply_event(turn, saga, &cause)) {
        log_unheard(heard);
        saga_span_tell_unheard(turn, heard);
    } else {
        follow_booking(turn, pair, saga, &cause);
    }
}

void turn_deadline(struct turn *turn, struct saga *saga, bool is_command_sent)
{
    struct turn_cause cause = {.word = "repeat", .below = last_span_of(saga)};
    cause.trace = tracing_continue(&cause.below);
    (void)trace_context_parse(saga->origin_traceparent, &cause.link);
    cause.event = saga_schedule_event(turn->schedule, saga->step_started_us, saga->deadline_us);
    if (cause.event == EV_OVERDUE) {
        cause.word = "give up";
        cause.reason = TEXT("no_answer");
    }
    if ((cause.event == EV_DEADLINE && !is_command_sent) || !apply_event(turn, saga, &cause)) {
        saga->deadline_us =
            saga_schedule_next_us(turn->schedule, saga->step_started_us, turn->now_us);
        saga->is_changed = true;
    }
}

/* ---- what an operator does ----------------------------------------------------------------- */

/* A release that has sent nothing waits for its booking. Where that was abandoned nobody will tell,
 * and it may be sent: the ledger releases what there is. */
static bool waits_for_booking(const struct turn *turn, const struct saga *saga)
{
    const struct saga_pair *pair = turn_find_pair(turn, &saga->authorization_id);
    return saga->type == SAGA_RELEASE && saga->tries == 0 &&
           !saga_state_is_end(pair->sagas[SAGA_AUTHORIZE].state);
}

enum deed_refusal turn_deed(struct turn *turn, struct saga *saga, enum saga_event deed,
                            const struct trace_context *trace)
{
    struct turn_cause cause = {.event = deed, .word = saga_event_name(deed), .link = *trace};
    if (saga->state != SAGA_STUCK)
        return DEED_NOT_STUCK;
    if (deed == EV_RETRY && waits_for_booking(turn, saga))
        return DEED_WAITS_FOR_BOOKING;
    if (deed != EV_RETRY)
        cause.reason = TEXT("operator");
    cause.below = last_span_of(saga);
    cause.trace = tracing_continue(&cause.below);
    return apply_event(turn, saga, &cause) ? DEED_ALLOWED : DEED_NOT_OF_THIS_STEP;
}

/* ---- what is told -------------------------------------------------------------------------- */

/* What a line says. */
struct words {
    const char *event;
    const char *message;
    enum log_level level;
};

static struct words words_of(const struct turn_line *line)
{
    static const struct words REPEATED = {"saga.command_repeated", "no answer, command repeated",
                                          LOG_WARNING};
    static const struct words BEGUN = {"saga.started", "saga started", LOG_INFO};
    static const struct words WORDS[] = {
        [SAGA_STARTED] = {"saga.started", "saga started, waiting for the booking to end", LOG_INFO},
        [SAGA_RUNNING] = {"saga.running", "saga running", LOG_INFO},
        [SAGA_COMPLETED] = {"saga.completed", "saga completed", LOG_INFO},
        [SAGA_COMPENSATING] = {"saga.compensating", "saga compensating", LOG_INFO},
        [SAGA_COMPENSATED] = {"saga.compensated", "saga compensated", LOG_INFO},
        [SAGA_STUCK] = {"saga.stuck", "saga stuck", LOG_WARNING},
        [SAGA_ABANDONED] = {"saga.abandoned", "saga abandoned", LOG_INFO},
    };
    if (line->event == NULL)
        return REPEATED;
    if (strcmp(line->event, BEGUN.event) == 0 && line->state == SAGA_RUNNING)
        return BEGUN;
    ASSERT(strcmp(line->event, WORDS[line->state].event) == 0);
    return WORDS[line->state];
}

static void log_line(const struct turn_line *line)
{
    const struct saga *saga = line->saga;
    const struct words words = words_of(line);
    const struct log_field fields[] = {
        kv_uuid("saga_id", &saga->id),
        kv_str("type", saga_type_name(saga->type)),
        kv_uuid("auth_id", &saga->authorization_id),
        kv_str("step", saga_step_name(line->step)),
        kv_i64("tries", line->tries),
        text_is_none(saga->reason) ? (struct log_field){.kind = LOG_FIELD_END}
                                   : kv_text("reason", saga->reason),
        {.kind = LOG_FIELD_END},
    };
    log_write(words.level, &line->cause.trace, words.event, words.message, fields);
}

/* One line however many there are: somebody has to look, once. */
static void log_alert(const struct turn *turn)
{
    const struct saga *oldest = NULL;
    int64_t stuck = 0;
    for (size_t at = 0; at < turn->line_count; at++) {
        const struct turn_line *line = &turn->lines[at];
        if (line->event == NULL || line->state != SAGA_STUCK)
            continue;
        stuck++;
        if (oldest == NULL || line->saga->started_us < oldest->started_us)
            oldest = line->saga;
    }
    if (stuck > 0)
        log_error(NULL, "saga.alert", "sagas are stuck, an operator should look",
                  kv_i64("stuck", stuck), kv_uuid("oldest_saga_id", &oldest->id),
                  kv_uuid("oldest_auth_id", &oldest->authorization_id));
}

void turn_log(const struct turn *turn)
{
    for (size_t at = 0; at < turn->line_count; at++) {
        const struct turn_line *line = &turn->lines[at];
        log_line(line);
        saga_span_tell(turn, line);
        saga_metrics_observe(line->saga->type, line->state, turn->now_us - line->saga->started_us);
    }
    log_alert(turn);
}
