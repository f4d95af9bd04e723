/* operator/story/story.h - one transaction's whole story, as the databases tell it.
 *
 * Purpose:   what `tallystick trace` gathers and prints: lines of what has happened, in order of
 *            time, and waits: what has not happened yet, since when and why. The files story_*.c
 *            each read one side of it; nothing is asked of a service or of a bus.
 * Units:     times in microseconds since 1970; amounts in minor units of the story's currency.
 * Ownership: all lives in the arena of the command; nothing borrows from rows.
 * Errors:    those of the round trips.
 * Threads:   one. */
#ifndef OPERATOR_STORY_STORY_H
#define OPERATOR_STORY_STORY_H

#include "base/json.h"
#include "domain/money.h"
#include "platform/postgres/postgres.h"

struct table;

enum { STORY_LINES_MAX = 400, STORY_MESSAGES_MAX = 120, STORY_SAGAS_MAX = 2 };

/* Something that has happened, or that is waited for. */
struct story_line {
    int64_t at_us; /* when; of a wait: since when */
    size_t place;  /* in order of telling: of two at the same time */
    const char *service;
    const char *event; /* hold_recorded: for programs */
    struct text says;  /* for people */
    struct text facts; /* a JSON object, for programs; none: there are none */
    struct text more;  /* further lines for people, such as a journal's entries; none */
};

struct story_lines {
    size_t count;
    struct story_line items[STORY_LINES_MAX];
};

/* The authorization, as it is now. */
struct story_head {
    const char *found_by; /* transaction, authorization, saga */
    int64_t now_us;
    int lane;
    struct uuid id;
    struct text transaction_id;
    struct text user_id;
    struct uuid account_id;
    struct text status;
    int64_t version;
    bool is_approved;
    struct text decision_code;
    struct text reasons;
    const struct currency *currency;
    int64_t requested_minor;
    int64_t remaining_minor;
    int64_t available_minor;
    bool has_headroom; /* limit and held were kept */
    int64_t limit_minor;
    int64_t held_minor;
    int64_t expires_us; /* 0: never */
    struct uuid saga_id;
    struct text trace_id;
    int64_t decided_us;
    int64_t asked_us;     /* the id's own time: the request had arrived */
    int64_t ended_us;     /* voided, expired: wants a saga of its own; 0: neither */
    struct text ended_by; /* the status that it has then */
};

struct story_saga {
    struct uuid id;
    struct text type;
    struct text state;
    struct text step;
    struct text reason;
    int tries;
    struct uuid command_event_id;
    int64_t deadline_us; /* 0: waits for no time */
    int64_t started_us;
    int64_t step_started_us;
    int64_t updated_us;
    bool is_answered; /* its step's participant has done what was asked */
};

/* An event or a command on its way, put together from wherever it has left a trace. */
struct story_message {
    struct uuid id;
    struct text name;   /* authorization.approved */
    const char *reader; /* who of ours applies it; NULL: not known */
    const char *outbox; /* the service in whose outbox it waits; NULL: it has left */
    int64_t said_us;
    int64_t published_us; /* 0: not known */
    struct text topic;
    int partition;
    int64_t offset;
    int64_t before;     /* what goes first: in the outbox, or unread on the bus; below 0: read */
    int64_t applied_us; /* 0: not, as far as is known */
    bool is_parked;
    struct text park_reason;
    int park_attempts;
    int64_t parked_us;
    int64_t next_try_us;
    int64_t parked_before; /* of its key, tried first */
    bool is_dead;          /* an open dead letter */
    struct uuid letter_id;
    struct text letter_code;
    int64_t died_us;
};

struct story {
    struct arena *arena;
    struct db *db;
    struct db *hurried; /* for what may be left out when it takes too long */
    struct story_head head;
    struct uuid subjects[1 + STORY_SAGAS_MAX]; /* the authorization and its sagas */
    size_t subject_count;
    struct story_saga sagas[STORY_SAGAS_MAX];
    size_t saga_count;
    struct story_message messages[STORY_MESSAGES_MAX];
    size_t message_count;
    struct story_lines past;
    struct story_lines waits;
};

/* ---- reading, in this order ------------------------------------------------------------------ */

/* By the caller's transaction id, or an authorization's or saga's id. ERR_NOT_FOUND says where it
 * has looked. */
MUST_CHECK enum status story_find(struct story *story, const char *tenant, const char *given,
                                  struct error *err);
/* Request, decision, keys, what became of it. */
MUST_CHECK enum status story_read_decision(struct story *story, struct error *err);
/* Sagas, their steps, what the ledger has written. */
MUST_CHECK enum status story_read_booking(struct story *story, struct error *err);
/* Outboxes, bus, inboxes, parked messages, dead letters and what was done to them. */
MUST_CHECK enum status story_read_messages(struct story *story, struct error *err);
/* What has not happened yet: from all of the above. */
void story_add_waits(struct story *story);

/* ---- telling --------------------------------------------------------------------------------- */

struct story_line *story_add(struct story *story, int64_t at_us, const char *service,
                             const char *event);
struct story_line *story_add_wait(struct story *story, int64_t since_us, const char *service,
                                  const char *event);
void story_say(struct story *story, struct story_line *line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The facts of a line are written between these two. */
void story_begin_facts(struct story *story, struct json_writer *w, struct text_builder *out);
void story_end_facts(struct story_line *line, struct json_writer *w);

/* 99.99 USD */
struct text story_money(const struct story *story, int64_t minor);
/* 250 us, 12.3 ms, 1.204 s, 3 min 20 s, 2 h 5 min, 3 d 4 h */
struct text story_duration(struct arena *arena, int64_t duration_us);
struct text story_uuid(const struct story *story, const struct uuid *id);

void story_print(struct story *story, const char *format);

#endif
