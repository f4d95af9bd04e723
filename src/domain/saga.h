/* domain/saga.h - the rules by which a business transaction reaches its end over several services.
 *
 * Purpose:   all rules in one table per saga type: where a saga stands and what it hears decide
 *            where it goes, what it sends and what it tells. A pair that no rule names is a
 *            duplicate or a latecomer and changes nothing. Silence never compensates: a deadline
 *            repeats the same command, then the saga is stuck and waits for an answer or an
 *            operator.
 * Units:     times in microseconds.
 * Ownership: values and constants.
 * Errors:    none at run time; names from outside are parsed with true or false.
 * Threads:   any.
 *
 * `authorize` records an approved hold in the ledger. Starts with authorization.approved.
 *
 *   started --approved--> running ----hold_recorded----> completed
 *                            |
 *                            +---ledger_refused--> compensating --released--> compensated
 *
 *   The ledger that refuses has done nothing, so there is one thing to undo: the hold in the
 *   authorization service (the authorization becomes `reversed`). Where an operator has it
 *   compensated nobody knows what the ledger has done, so it is asked first to undo it.
 *
 * `release` takes a hold out of the ledger. Starts with authorization.voided or .expired.
 *
 *   started --hold_ended--> started --booked------> running --hold_released--> completed
 *                              |
 *                              +------not_booked--> completed
 *
 *   It waits in `started` until the `authorize` saga of the same authorization has ended. Where
 *   that was compensated there is nothing in the ledger: its step is skipped.
 *
 * In both, where an answer is awaited: a deadline sends the same command again, and the last one
 * (overdue) makes the saga stuck. A stuck saga still hears its answer and goes on as if it had
 * come in time; and it alone hears an operator: retry, compensate, abandon. docs/saga.md prints
 * every rule. */
#ifndef DOMAIN_SAGA_H
#define DOMAIN_SAGA_H

#include "base/text.h"

enum saga_type { SAGA_AUTHORIZE, SAGA_RELEASE, SAGA_TYPE_COUNT };

enum saga_state {
    SAGA_STARTED, /* nothing has been sent                                   */
    SAGA_RUNNING,
    SAGA_COMPLETED,
    SAGA_COMPENSATING,
    SAGA_COMPENSATED,
    SAGA_STUCK,     /* the last deadline passed without an answer                */
    SAGA_ABANDONED, /* given up by an operator                                   */
    SAGA_STATE_COUNT
};

/* Where a saga stands. One step is one command and its answer. */
enum saga_step {
    STEP_START, /* before its first message; never stored */
    STEP_RECORD_HOLD,
    STEP_RELEASE_AUTHORIZATION, /* the undo of STEP_RECORD_HOLD */
    STEP_RELEASE_HOLD,
    STEP_UNDO_HOLD, /* the undo of STEP_RECORD_HOLD where nobody knows whether it was done */
    SAGA_STEP_COUNT
};

enum step_state {
    STEP_PENDING,
    STEP_IN_FLIGHT,
    STEP_DONE,
    STEP_FAILED,  /* refused: it has had no effect       */
    STEP_UNKNOWN, /* no answer in time: it may have run  */
    STEP_COMPENSATING,
    STEP_COMPENSATED,
    STEP_COMP_FAILED, /* no answer to an undo in time    */
    STEP_SKIPPED,
    STEP_STATE_COUNT
};

enum saga_event {
    EV_APPROVED,       /* authorization.approved                                        */
    EV_HOLD_ENDED,     /* authorization.voided, authorization.expired                   */
    EV_BOOKED,         /* the `authorize` saga of the same authorization has completed  */
    EV_NOT_BOOKED,     /* ... was compensated                                           */
    EV_HOLD_RECORDED,  /* ledger.hold_recorded                                          */
    EV_LEDGER_REFUSED, /* ledger.refused                                                */
    EV_HOLD_RELEASED,  /* ledger.hold_released                                          */
    EV_AUTH_RELEASED,  /* authorization.reversed, authorization.already_released        */
    EV_DEADLINE,       /* no answer for a while                                         */
    EV_OVERDUE,        /* no answer for too long                                        */
    EV_RETRY,          /* an operator: send the command again, from the start           */
    EV_COMPENSATE,     /* an operator: undo what may have been done                     */
    EV_ABANDON,        /* an operator: give it up as it is                              */
    SAGA_EVENT_COUNT
};

enum saga_command {
    CMD_NONE,
    CMD_RECORD_HOLD,           /* ledger.record_hold                */
    CMD_RELEASE_HOLD,          /* ledger.release_hold               */
    CMD_RELEASE_AUTHORIZATION, /* authorization.release             */
    CMD_UNDO_HOLD,             /* ledger.release_hold, as an undo   */
    SAGA_COMMAND_COUNT
};

struct saga_rule {
    enum saga_state in_state;
    enum saga_step in_step;
    enum saga_event event;
    enum saga_state to_state;
    enum saga_step to_step;
    enum step_state step_becomes; /* the step it was in; at the start: the one it goes to */
    enum saga_command send;
};

/* NULL: no rule, the saga stays as it is. */
const struct saga_rule *saga_rule_find(enum saga_type type, enum saga_state state,
                                       enum saga_step step, enum saga_event event);
/* The rules of a type in the order of the table; for what prints or walks them. */
const struct saga_rule *saga_rules(enum saga_type type, size_t *count_out);

/* The type of the event that says so: saga.completed. NULL where it stands as before (a repeat). */
const char *saga_rule_tells(const struct saga_rule *rule);

/* Ended for good: nothing moves it any more. */
bool saga_state_is_end(enum saga_state state);
/* The state of a step when its command has just been sent. */
enum step_state saga_step_sent(enum saga_step step);

/* What a command is on the bus. Its participant acts once per (saga, step, op). */
struct saga_command_form {
    const char *type;      /* ledger.record_hold          */
    const char *aggregate; /* ledger.commands: its topic  */
    const char *step;      /* record_hold                 */
    const char *op;        /* do | undo                   */
};
const struct saga_command_form *saga_command_form(enum saga_command command); /* not CMD_NONE */

const char *saga_type_name(enum saga_type type);    /* authorize              */
const char *saga_state_name(enum saga_state state); /* completed              */
const char *saga_step_name(enum saga_step step);    /* record_hold            */
const char *saga_step_op(enum saga_step step);      /* do | undo              */
const char *saga_event_name(enum saga_event event); /* hold_recorded          */
const char *step_state_name(enum step_state state); /* in_flight              */
bool saga_type_parse(struct text name, enum saga_type *out);
bool saga_state_parse(struct text name, enum saga_state *out);
bool saga_step_parse(struct text name, enum saga_step *out);
bool step_state_parse(struct text name, enum step_state *out);
/* retry, compensate, abandon: the events that are an operator's. */
bool saga_deed_parse(struct text name, enum saga_event *out);

/* When a command is repeated and when its saga is stuck, counted from its first sending. */
enum { SAGA_REPEATS_MAX = 8 };

struct saga_schedule {
    int64_t repeat_us[SAGA_REPEATS_MAX]; /* ascending: 30 s, 2 min, 10 min */
    int repeat_count;
    int64_t stuck_us; /* above the last repeat: 30 min */
};

/* "30000,120000,600000" (milliseconds) and the stuck time; false unless they ascend from above 0.
 */
bool saga_schedule_parse(struct text repeats_ms, int64_t stuck_ms, struct saga_schedule *out);
/* The next deadline of a step that began at step_started_us. Deadlines that passed while nobody
 * looked are not made up for; the last one always lies ahead, so that a service that slept repeats
 * its command before it calls a saga stuck. */
int64_t saga_schedule_next_us(const struct saga_schedule *schedule, int64_t step_started_us,
                              int64_t now_us);
/* What a deadline that has come means: EV_DEADLINE or, for the last, EV_OVERDUE. */
enum saga_event saga_schedule_event(const struct saga_schedule *schedule, int64_t step_started_us,
                                    int64_t deadline_us);

#endif
