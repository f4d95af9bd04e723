/* What always holds:
 *  1. Only a message, a deadline or an operator moves a saga, and only by a rule of its type's
 *     table.
 *  2. A rule that sends a command moves to the step whose command it is, or stays in it (repeats).
 *  3. Compensation starts with a refusal or with an operator, never with silence.
 *  4. An ended saga has no rules; whatever comes later finds none.
 *  5. A stuck saga keeps the rules of the answer it waits for and has none for deadlines.
 *  6. An operator moves a stuck saga and no other: whatever else it waits for may still come. */
#include "domain/saga.h"

#include "base/assert.h"

/* clang-format off */
static const struct saga_rule AUTHORIZE_RULES[] = {
    /* in state,         in step,                    on event:
       goes to state,    step,                       the the step it leaves becomes, sends */
    { SAGA_STARTED,      STEP_START,                 EV_APPROVED,
      SAGA_RUNNING,      STEP_RECORD_HOLD,           STEP_PENDING,      CMD_RECORD_HOLD },

    { SAGA_RUNNING,      STEP_RECORD_HOLD,           EV_HOLD_RECORDED,
      SAGA_COMPLETED,    STEP_RECORD_HOLD,           STEP_DONE,         CMD_NONE },
    { SAGA_RUNNING,      STEP_RECORD_HOLD,           EV_LEDGER_REFUSED,
      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, STEP_FAILED,       CMD_RELEASE_AUTHORIZATION },
    { SAGA_RUNNING,      STEP_RECORD_HOLD,           EV_DEADLINE,
      SAGA_RUNNING,      STEP_RECORD_HOLD,           STEP_IN_FLIGHT,    CMD_RECORD_HOLD },
    { SAGA_RUNNING,      STEP_RECORD_HOLD,           EV_OVERDUE,
      SAGA_STUCK,        STEP_RECORD_HOLD,           STEP_UNKNOWN,      CMD_NONE },

    { SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, EV_AUTH_RELEASED,
      SAGA_COMPENSATED,  STEP_RELEASE_AUTHORIZATION, STEP_COMPENSATED,  CMD_NONE },
    { SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, EV_DEADLINE,
      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, STEP_COMPENSATING, CMD_RELEASE_AUTHORIZATION },
    { SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, EV_OVERDUE,
      SAGA_STUCK,        STEP_RELEASE_AUTHORIZATION, STEP_COMP_FAILED,  CMD_NONE },

    { SAGA_STUCK,        STEP_RECORD_HOLD,           EV_HOLD_RECORDED,
      SAGA_COMPLETED,    STEP_RECORD_HOLD,           STEP_DONE,         CMD_NONE },
    { SAGA_STUCK,        STEP_RECORD_HOLD,           EV_LEDGER_REFUSED,
      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, STEP_FAILED,       CMD_RELEASE_AUTHORIZATION },
    { SAGA_STUCK,        STEP_RELEASE_AUTHORIZATION, EV_AUTH_RELEASED,
      SAGA_COMPENSATED,  STEP_RELEASE_AUTHORIZATION, STEP_COMPENSATED,  CMD_NONE },

    /* An operator. The ledger may have recorded the hold, or may yet: so it is asked first. */
    { SAGA_STUCK,        STEP_RECORD_HOLD,           EV_RETRY,
      SAGA_RUNNING,      STEP_RECORD_HOLD,           STEP_IN_FLIGHT,    CMD_RECORD_HOLD },
    { SAGA_STUCK,        STEP_RECORD_HOLD,           EV_COMPENSATE,
      SAGA_COMPENSATING, STEP_UNDO_HOLD,             STEP_UNKNOWN,      CMD_UNDO_HOLD },
    { SAGA_STUCK,        STEP_RECORD_HOLD,           EV_ABANDON,
      SAGA_ABANDONED,    STEP_RECORD_HOLD,           STEP_UNKNOWN,      CMD_NONE },
    { SAGA_STUCK,        STEP_RELEASE_AUTHORIZATION, EV_RETRY,
      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, STEP_COMPENSATING, CMD_RELEASE_AUTHORIZATION },
    { SAGA_STUCK,        STEP_RELEASE_AUTHORIZATION, EV_ABANDON,
      SAGA_ABANDONED,    STEP_RELEASE_AUTHORIZATION, STEP_COMP_FAILED,  CMD_NONE },

    { SAGA_COMPENSATING, STEP_UNDO_HOLD,             EV_HOLD_RELEASED,
      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, STEP_COMPENSATED,  CMD_RELEASE_AUTHORIZATION },
    { SAGA_COMPENSATING, STEP_UNDO_HOLD,             EV_LEDGER_REFUSED,
      SAGA_STUCK,        STEP_UNDO_HOLD,             STEP_COMP_FAILED,  CMD_NONE },
    { SAGA_COMPENSATING, STEP_UNDO_HOLD,             EV_DEADLINE,
      SAGA_COMPENSATING, STEP_UNDO_HOLD,             STEP_COMPENSATING, CMD_UNDO_HOLD },
    { SAGA_COMPENSATING, STEP_UNDO_HOLD,             EV_OVERDUE,
      SAGA_STUCK,        STEP_UNDO_HOLD,             STEP_COMP_FAILED,  CMD_NONE },
    { SAGA_STUCK,        STEP_UNDO_HOLD,             EV_HOLD_RELEASED,
      SAGA_COMPENSATING, STEP_RELEASE_AUTHORIZATION, STEP_COMPENSATED,  CMD_RELEASE_AUTHORIZATION },
    { SAGA_STUCK,        STEP_UNDO_HOLD,             EV_RETRY,
      SAGA_COMPENSATING, STEP_UNDO_HOLD,             STEP_COMPENSATING, CMD_UNDO_HOLD },
    { SAGA_STUCK,        STEP_UNDO_HOLD,             EV_ABANDON,
      SAGA_ABANDONED,    STEP_UNDO_HOLD,             STEP_COMP_FAILED,  CMD_NONE },
};

static const struct saga_rule RELEASE_RULES[] = {
    { SAGA_STARTED,      STEP_START,                 EV_HOLD_ENDED,
      SAGA_STARTED,      STEP_RELEASE_HOLD,          STEP_PENDING,      CMD_NONE },

    { SAGA_STARTED,      STEP_RELEASE_HOLD,          EV_BOOKED,
      SAGA_RUNNING,      STEP_RELEASE_HOLD,          STEP_IN_FLIGHT,    CMD_RELEASE_HOLD },
    { SAGA_STARTED,      STEP_RELEASE_HOLD,          EV_NOT_BOOKED,
      SAGA_COMPLETED,    STEP_RELEASE_HOLD,          STEP_SKIPPED,      CMD_NONE },
    { SAGA_STARTED,      STEP_RELEASE_HOLD,          EV_OVERDUE,
      SAGA_STUCK,        STEP_RELEASE_HOLD,          STEP_PENDING,      CMD_NONE },

    { SAGA_RUNNING,      STEP_RELEASE_HOLD,          EV_HOLD_RELEASED,
      SAGA_COMPLETED,    STEP_RELEASE_HOLD,          STEP_DONE,         CMD_NONE },
    /* A release has no reason to be refused; an operator has to look at once. */
    { SAGA_RUNNING,      STEP_RELEASE_HOLD,          EV_LEDGER_REFUSED,
      SAGA_STUCK,        STEP_RELEASE_HOLD,          STEP_FAILED,       CMD_NONE },
    { SAGA_RUNNING,      STEP_RELEASE_HOLD,          EV_DEADLINE,
      SAGA_RUNNING,      STEP_RELEASE_HOLD,          STEP_IN_FLIGHT,    CMD_RELEASE_HOLD },
    { SAGA_RUNNING,      STEP_RELEASE_HOLD,          EV_OVERDUE,
      SAGA_STUCK,        STEP_RELEASE_HOLD,          STEP_UNKNOWN,      CMD_NONE },

    { SAGA_STUCK,        STEP_RELEASE_HOLD,          EV_BOOKED,
      SAGA_RUNNING,      STEP_RELEASE_HOLD,          STEP_IN_FLIGHT,    CMD_RELEASE_HOLD },
    { SAGA_STUCK,        STEP_RELEASE_HOLD,          EV_NOT_BOOKED,
      SAGA_COMPLETED,    STEP_RELEASE_HOLD,          STEP_SKIPPED,      CMD_NONE },
    { SAGA_STUCK,        STEP_RELEASE_HOLD,          EV_HOLD_RELEASED,
      SAGA_COMPLETED,    STEP_RELEASE_HOLD,          STEP_DONE,         CMD_NONE },

    /* An operator. There is nothing to compensate: the hold has ended, the credit is given back. */
    { SAGA_STUCK,        STEP_RELEASE_HOLD,          EV_RETRY,
      SAGA_RUNNING,      STEP_RELEASE_HOLD,          STEP_IN_FLIGHT,    CMD_RELEASE_HOLD },
    { SAGA_STUCK,        STEP_RELEASE_HOLD,          EV_ABANDON,
      SAGA_ABANDONED,    STEP_RELEASE_HOLD,          STEP_UNKNOWN,      CMD_NONE },
};
/* clang-format on */

static const struct {
    const struct saga_rule *rules;
    size_t count;
} RULES[SAGA_TYPE_COUNT] = {
    [SAGA_AUTHORIZE] = {AUTHORIZE_RULES, COUNT(AUTHORIZE_RULES)},
    [SAGA_RELEASE] = {RELEASE_RULES, COUNT(RELEASE_RULES)},
};

const struct saga_rule *saga_rules(enum saga_type type, size_t *count_out)
{
    ASSERT(type < SAGA_TYPE_COUNT);
    *count_out = RULES[type].count;
    return RULES[type].rules;
}

const struct saga_rule *saga_rule_find(enum saga_type type, enum saga_state state,
                                       enum saga_step step, enum saga_event event)
{
    size_t count = 0;
    const struct saga_rule *rules = saga_rules(type, &count);
    for (size_t at = 0; at < count; at++) {
        const struct saga_rule *rule = &rules[at];
        if (rule->in_state == state && rule->in_step == step && rule->event == event)
            return rule;
    }
    return NULL;
}

bool saga_state_is_end(enum saga_state state)
{
    ASSERT(state < SAGA_STATE_COUNT);
    return state == SAGA_COMPLETED || state == SAGA_COMPENSATED || state == SAGA_ABANDONED;
}

const char *saga_rule_tells(const struct saga_rule *rule)
{
    static const char *const TELLS[] = {"saga.started",      "saga.running",     "saga.completed",
                                        "saga.compensating", "saga.compensated", "saga.stuck",
                                        "saga.abandoned"};
    _Static_assert(COUNT(TELLS) == SAGA_STATE_COUNT, "every state is told");
    if (rule->in_step == STEP_START)
        return "saga.started";
    const bool stays = rule->to_state == rule->in_state && rule->to_step == rule->in_step;
    return stays ? NULL : TELLS[rule->to_state];
}

/* ---- names --------------------------------------------------------------------------------- */

static const char *const TYPE_NAMES[] = {"authorize", "release"};
static const char *const STATE_NAMES[] = {"started",     "running", "completed", "compensating",
                                          "compensated", "stuck",   "abandoned"};
static const char *const STEP_STATE_NAMES[] = {
    "pending",      "in_flight",   "done",        "failed",  "unknown",
    "compensating", "compensated", "comp_failed", "skipped",
};
static const char *const EVENT_NAMES[] = {
    "approved",       "hold_ended",    "booked",        "not_booked", "hold_recorded",
    "ledger_refused", "hold_released", "auth_released", "deadline",   "overdue",
    "retry",          "compensate",    "abandon",
};
static const struct {
    const char *name;
    const char *op;
    enum step_state sent;
} STEPS[] = {
    [STEP_START] = {"start", "do", STEP_PENDING},
    [STEP_RECORD_HOLD] = {"record_hold", "do", STEP_IN_FLIGHT},
    [STEP_RELEASE_AUTHORIZATION] = {"release_authorization", "undo", STEP_COMPENSATING},
    [STEP_RELEASE_HOLD] = {"release_hold", "do", STEP_IN_FLIGHT},
    [STEP_UNDO_HOLD] = {"undo_hold", "undo", STEP_COMPENSATING},
};
static const struct saga_command_form COMMANDS[] = {
    [CMD_RECORD_HOLD] = {"ledger.record_hold", "ledger.commands", "record_hold", "do"},
    [CMD_RELEASE_HOLD] = {"ledger.release_hold", "ledger.commands", "release_hold", "do"},
    /* Named after what it undoes. */
    [CMD_RELEASE_AUTHORIZATION] = {"authorization.release", "authorization.commands", "record_hold",
                                   "undo"},
    [CMD_UNDO_HOLD] = {"ledger.release_hold", "ledger.commands", "record_hold", "undo"},
};
_Static_assert(COUNT(TYPE_NAMES) == SAGA_TYPE_COUNT, "every type has a name");
_Static_assert(COUNT(STATE_NAMES) == SAGA_STATE_COUNT, "every state has a name");
_Static_assert(COUNT(STEP_STATE_NAMES) == STEP_STATE_COUNT, "every step state has a name");
_Static_assert(COUNT(EVENT_NAMES) == SAGA_EVENT_COUNT, "every event has a name");
_Static_assert(COUNT(STEPS) == SAGA_STEP_COUNT, "every step has a name");
_Static_assert(COUNT(COMMANDS) == SAGA_COMMAND_COUNT, "every command has a form");

const char *saga_type_name(enum saga_type type)
{
    ASSERT(type < SAGA_TYPE_COUNT);
    return TYPE_NAMES[type];
}

const char *saga_state_name(enum saga_state state)
{
    ASSERT(state < SAGA_STATE_COUNT);
    return STATE_NAMES[state];
}

const char *saga_step_name(enum saga_step step)
{
    ASSERT(step < SAGA_STEP_COUNT);
    return STEPS[step].name;
}

const char *saga_step_op(enum saga_step step)
{
    ASSERT(step < SAGA_STEP_COUNT);
    return STEPS[step].op;
}

enum step_state saga_step_sent(enum saga_step step)
{
    ASSERT(step > STEP_START && step < SAGA_STEP_COUNT);
    return STEPS[step].sent;
}

const char *saga_event_name(enum saga_event event)
{
    ASSERT(event < SAGA_EVENT_COUNT);
    return EVENT_NAMES[event];
}

const char *step_state_name(enum step_state state)
{
    ASSERT(state < STEP_STATE_COUNT);
    return STEP_STATE_NAMES[state];
}

const struct saga_command_form *saga_command_form(enum saga_command command)
{
    ASSERT(command > CMD_NONE && command < SAGA_COMMAND_COUNT);
    return &COMMANDS[command];
}

bool saga_type_parse(struct text name, enum saga_type *out)
{
    for (size_t at = 0; at < COUNT(TYPE_NAMES); at++) {
        if (!text_equals_c(name, TYPE_NAMES[at]))
            continue;
        *out = (enum saga_type)at;
        return true;
    }
    return false;
}

bool saga_state_parse(struct text name, enum saga_state *out)
{
    for (size_t at = 0; at < COUNT(STATE_NAMES); at++) {
        if (!text_equals_c(name, STATE_NAMES[at]))
            continue;
        *out = (enum saga_state)at;
        return true;
    }
    return false;
}

bool saga_step_parse(struct text name, enum saga_step *out)
{
    for (size_t at = 0; at < COUNT(STEPS); at++) {
        if (!text_equals_c(name, STEPS[at].name))
            continue;
        *out = (enum saga_step)at;
        return true;
    }
    return false;
}

bool step_state_parse(struct text name, enum step_state *out)
{
    for (size_t at = 0; at < COUNT(STEP_STATE_NAMES); at++) {
        if (!text_equals_c(name, STEP_STATE_NAMES[at]))
            continue;
        *out = (enum step_state)at;
        return true;
    }
    return false;
}

bool saga_deed_parse(struct text name, enum saga_event *out)
{
    for (int event = EV_RETRY; event <= EV_ABANDON; event++) {
        if (!text_equals_c(name, EVENT_NAMES[event]))
            continue;
        *out = (enum saga_event)event;
        return true;
    }
    return false;
}

/* ---- deadlines ----------------------------------------------------------------------------- */

static const int64_t US_PER_MS = 1000;

static bool schedule_add_repeat(struct saga_schedule *schedule, struct text ms)
{
    const int count = schedule->repeat_count;
    const int64_t before_us = count == 0 ? 0 : schedule->repeat_us[count - 1];
    int64_t us = 0;
    if (count == SAGA_REPEATS_MAX || !text_to_i64(text_trim(ms), &us))
        return false;
    if (__builtin_mul_overflow(us, US_PER_MS, &us) || us <= before_us)
        return false;
    schedule->repeat_us[schedule->repeat_count++] = us;
    return true;
}

bool saga_schedule_parse(struct text repeats_ms, int64_t stuck_ms, struct saga_schedule *out)
{
    struct saga_schedule schedule = {0};
    while (!text_is_none(repeats_ms)) {
        if (!schedule_add_repeat(&schedule, text_cut(&repeats_ms, ',')))
            return false;
    }
    if (schedule.repeat_count == 0)
        return false;
    if (__builtin_mul_overflow(stuck_ms, US_PER_MS, &schedule.stuck_us))
        return false;
    if (schedule.stuck_us <= schedule.repeat_us[schedule.repeat_count - 1])
        return false;
    *out = schedule;
    return true;
}

int64_t saga_schedule_next_us(const struct saga_schedule *schedule, int64_t step_started_us,
                              int64_t now_us)
{
    ASSERT(schedule->repeat_count > 0);
    for (int at = 0; at < schedule->repeat_count; at++) {
        if (step_started_us + schedule->repeat_us[at] > now_us)
            return step_started_us + schedule->repeat_us[at];
    }
    const int64_t last_us = step_started_us + schedule->stuck_us;
    const int64_t rest_us = now_us + schedule->repeat_us[0];
    return last_us > rest_us ? last_us : rest_us;
}

enum saga_event saga_schedule_event(const struct saga_schedule *schedule, int64_t step_started_us,
                                    int64_t deadline_us)
{
    ASSERT(schedule->stuck_us > 0);
    return deadline_us >= step_started_us + schedule->stuck_us ? EV_OVERDUE : EV_DEADLINE;
}
