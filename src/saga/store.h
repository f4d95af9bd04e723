/* saga/store.h - the orchestrator's door to its database: one function per question.
 *
 * Purpose:   loads a turn under lock and saves it, finds what is due, answers who asks for sagas.
 * Units:     times in microseconds since 1970.
 * Ownership: what is read is copied into the arena given.
 * Errors:    those of the round trip (postgres.h). After a failed load or save nothing of
 *            the turn is done: make a new one.
 * Threads:   as the db. */
#ifndef SAGA_STORE_H
#define SAGA_STORE_H

#include "platform/messaging/consumer.h"
#include "platform/postgres/postgres.h"
#include "saga/show.h"
#include "saga/turn.h"

/* What the orchestrator's db_config must list. Ends in NULL. */
extern const struct sql_statement *const saga_statements[];

/* The deliveries of a batch, claimed in the inbox together with the load. */
struct store_claims {
    const char *group;
    struct delivery *const *deliveries;
    size_t count;
};

/* Opens the SQL transaction: claims (NULL: none), then locks and reads the sagas of the turn's
 * authorizations, then reads the clock. */
MUST_CHECK enum status store_load_turn(struct db *db, struct turn *turn,
                                       const struct store_claims *claims, struct error *err);
/* Saves what the turn has changed with all that it sends, and commits. */
MUST_CHECK enum status store_save_turn(struct db *db, const struct turn *turn, struct error *err);

/* What the operators' audit says of a deed. */
struct store_deed {
    int lane;
    struct uuid saga_id;
    const char *name; /* retry */
    struct uuid id;
    struct text os_user;
    struct text reason;
    struct text detail; /* JSON */
};
/* The same, with the record of who has had it done. */
MUST_CHECK enum status store_save_deed(struct db *db, const struct turn *turn,
                                       const struct store_deed *deed, struct error *err);

struct ids {
    size_t count;
    struct uuid *items;
};

enum { STORE_DUE_MAX = 200 };

/* Authorizations that have a saga whose deadline has come, the longest due first, at most
 * STORE_DUE_MAX; unlocked. */
MUST_CHECK enum status store_find_due(struct db *db, struct arena *arena,
                                      struct ids *authorization_ids_out, struct error *err);
/* Of sagas that have not ended. */
struct saga_counts {
    int64_t of[SAGA_TYPE_COUNT][SAGA_STATE_COUNT];
};
MUST_CHECK enum status store_count_active(struct db *db, struct saga_counts *counts_out,
                                          struct error *err);
/* Which of these commands are still in the outbox: says so in is_unsent_out, one for each. */
MUST_CHECK enum status store_find_unsent(struct db *db, struct arena *arena,
                                         const struct ids *event_ids, bool *is_unsent_out,
                                         struct error *err);

/* How the booking of an authorization ended. */
struct booking {
    struct uuid authorization_id;
    enum saga_state state;
};
struct bookings {
    size_t count;
    struct booking *items;
};
/* Those of these authorizations whose `authorize` saga has ended, in no order. */
MUST_CHECK enum status store_find_bookings(struct db *db, struct arena *arena,
                                           const struct ids *authorization_ids,
                                           struct bookings *bookings_out, struct error *err);

/* A step and a saga as they are shown. */
struct step_view {
    struct text step, op, state;
    struct uuid command_id; /* nil: nothing sent */
    int tries;
    int64_t started_us;
    int64_t finished_us; /* 0: not finished */
    struct text reason;
};

struct saga_view {
    struct uuid id;
    int lane;
    struct text type, step, reason;
    enum saga_state state;
    struct uuid authorization_id, account_id;
    int tries;
    int64_t started_us, updated_us;
    size_t step_count;
    struct step_view *steps; /* in the order they began */
};

struct saga_views {
    size_t count;
    struct saga_view *items;
};

/* None or one. */
MUST_CHECK enum status store_read_saga(struct db *db, struct arena *arena, const struct uuid *id,
                                       struct saga_views *views_out, struct error *err);
/* In the order of lane and id, one more than the question's limit where there is one. */
MUST_CHECK enum status store_list_sagas(struct db *db, struct arena *arena,
                                        const struct saga_question *question,
                                        struct saga_views *views_out, struct error *err);

#endif
