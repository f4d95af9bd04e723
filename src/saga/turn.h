/* saga/turn.h - the sagas of one SQL transaction, and what happens to them in it.
 *
 * Purpose:   a turn is one batch: which authorizations it is about, their sagas as loaded under
 *            lock, what rules make of them (domain/saga.h), and what is to be saved and sent with
 *            them. Nothing here reads or writes; see saga/store.h.
 * Units:     times in microseconds since 1970, the database's; amounts in minor units.
 * Ownership: all lives in the turn's arena.
 * Errors:    none.
 * Threads:   a turn belongs to one worker. */
#ifndef SAGA_TURN_H
#define SAGA_TURN_H

#include "base/trace_context.h"
#include "base/uuid.h"
#include "domain/saga.h"
#include "platform/messaging/outbox.h"
#include "saga/heard.h"

/* A step that the saga has left in this turn; the one that it is at stands in the saga itself. */
struct saga_step_row {
    bool is_left;
    enum step_state state;
    struct uuid command_id; /* nil: nothing sent */
    int tries;
    int64_t started_us;
    int64_t finished_us; /* 0: not finished */
    struct text reason;
};

struct saga {
    bool is_stored;  /* has a row in the database */
    bool is_changed; /* by this turn              */
    struct uuid id;
    enum saga_type type;
    int lane;
    struct uuid authorization_id;
    struct uuid account_id;
    struct text user_id;
    struct text tenant;
    int64_t amount_minor;
    struct text currency;
    enum saga_state state; /* SAGA_STARTED at STEP_START: not begun */
    enum saga_step step;
    struct uuid command_id;       /* of the step; a repeat keeps it. nil: nothing sent */
    struct uuid command_event_id; /* of its last sending */
    int tries;
    int64_t deadline_us; /* 0: none */
    int64_t started_us;
    int64_t step_started_us; /* its command was first sent, its wait began, or an operator had it
                                sent again */
    enum step_state step_state;
    int64_t step_finished_us; /* 0: not finished */
    struct text step_reason;
    int64_t version;
    struct text origin_traceparent;
    struct text last_traceparent; /* the span that last moved it; none: not known */
    struct text tracestate;       /* goes with both; none: nothing */
    struct text reason;
    struct saga_step_row steps[SAGA_STEP_COUNT];
};

/* The sagas of one authorization, by type. */
struct saga_pair {
    struct uuid authorization_id;
    int lane;
    struct saga sagas[SAGA_TYPE_COUNT];
};

/* Why something happens: what was heard, from whom. */
struct turn_cause {
    enum saga_event event;
    struct text reason;
    struct trace_context trace; /* what comes of it hangs below */
    struct delivery *delivery;  /* whose processing that is; NULL: no message says it, but .. */
    const char *word;           /* .. a span of the saga's own, with this word */
    struct trace_context below; /* below this one .. */
    struct trace_context link;  /* .. and linked to this one; empty: to none */
};

/* A line for the log and a span, written when the turn is committed. */
struct turn_line {
    const struct saga *saga;
    const char *event;     /* NULL: a command was repeated */
    enum saga_state state; /* where the saga then stood */
    enum saga_step step;
    int tries;
    struct turn_cause cause;
};

struct turn {
    struct arena *arena;
    const struct saga_schedule *schedule;
    int64_t now_us;   /* read under the locks */
    int64_t begun_us; /* on the monotonic clock */
    size_t pair_count;
    struct saga_pair *pairs; /* ascending by authorization id */
    struct outbox outbox;
    size_t line_count;
    size_t lines_max;
    struct turn_line *lines;
    size_t ended_count; /* `authorize` sagas that this turn ended: somebody may wait for them */
};

/* For these authorizations, in any order, repeats allowed. */
void turn_init(struct turn *turn, struct arena *arena, const struct saga_schedule *schedule,
               const struct uuid *authorization_ids, size_t count);
/* NULL where the turn is not about this authorization. */
struct saga_pair *turn_find_pair(const struct turn *turn, const struct uuid *authorization_id);

/* A message moves the saga it is for; a duplicate or a latecomer moves none. */
void turn_hear(struct turn *turn, const struct heard *heard);
/* A deadline that has come: repeats the command, unless the last sending still waits in the outbox,
 * or makes the saga stuck. */
void turn_deadline(struct turn *turn, struct saga *saga, bool is_command_sent);

/* Why an operator's deed is refused. */
enum deed_refusal {
    DEED_ALLOWED,
    DEED_NOT_STUCK,         /* it has ended, or goes on by itself                            */
    DEED_NOT_OF_THIS_STEP,  /* such as to compensate what only gives back                    */
    DEED_WAITS_FOR_BOOKING, /* the saga to look after is the `authorize` saga of the same
                               authorization, which has not ended                           */
};

/* An operator has a stuck saga go on, or end (EV_RETRY, EV_COMPENSATE, EV_ABANDON); `trace` is of
 * the request. Refused: nothing is changed. */
enum deed_refusal turn_deed(struct turn *turn, struct saga *saga, enum saga_event deed,
                            const struct trace_context *trace);

/* One log line and span for each change, and one alert for all sagas that got stuck; after the
 * commit. */
void turn_log(const struct turn *turn);

#endif
