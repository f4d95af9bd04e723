/* ledger/batch.h - one batch of commands with the rows it works on.
 *
 * Purpose:   what post.c decides on and store.c loads and saves. Every row that some command of
 *            the batch names is here once, sorted by its key; commands point to their rows, so
 *            each sees what the ones before it did.
 * Units:     amounts in minor units.
 * Ownership: all of it lives in the arena of the batch.
 * Errors:    none.
 * Threads:   a batch belongs to one thread. */
#ifndef LEDGER_BATCH_H
#define LEDGER_BATCH_H

#include "domain/lane.h"
#include "ledger/command.h"

struct delivery;

struct account_row {
    int lane;
    struct ledger_account account;
    bool is_known; /* read; otherwise this batch opens it */
};

struct hold_row {
    int lane;
    struct uuid authorization_id;
    struct uuid account_id;
    struct ledger_hold hold;
    bool is_known; /* read; otherwise it is new where it is changed */
    bool is_changed;
};

/* What came of one step of a saga. */
struct step_row {
    int lane;
    struct uuid saga_id;
    enum ledger_step step;
    enum ledger_op op;
    bool is_done; /* what follows is known */
    bool is_new;  /* done by this batch */
    struct uuid command_id;
    struct uuid authorization_id;
    enum ledger_outcome outcome;
    enum ledger_reason reason;
    int64_t amount_minor;
    const struct currency *currency;
    struct uuid journal_id; /* nil: nothing was written */
    int64_t version;        /* of the hold, after it */
};

struct chain {
    bool is_wanted;
    bool is_moved;
    int64_t chain_seq;
    struct sha256 hash;
};

struct batch_item {
    struct delivery *delivery;
    struct ledger_command command;
    struct account_row *account; /* NULL: a release needs none */
    struct hold_row *hold;
    struct step_row *step;
    struct step_row *undone; /* of an undo: the step it undoes; otherwise NULL */
    bool is_repeat;          /* done before: answered again, nothing else */
};

struct ledger_batch {
    struct arena *arena;
    size_t count;
    struct batch_item *items;
    struct delivery **deliveries; /* of the items, for the inbox */

    size_t account_count;
    struct account_row *accounts; /* cardholders' and settlement, by (lane, id) */
    size_t hold_count;
    struct hold_row *holds; /* by (lane, authorization id) */
    size_t step_count;
    struct step_row *steps; /* by (lane, saga, step, op) */
    struct chain chains[LANE_COUNT];

    int64_t now_us; /* the database's, after the locks */
    size_t journal_count;
    struct journal *journals; /* written by this batch, in the order of their chains */
};

/* Parses the deliveries. One that is no command is set DELIVERY_DEAD and left out. */
void ledger_batch_init(struct ledger_batch *batch, struct arena *arena,
                       struct delivery *const *deliveries, size_t count);

/* The row of a key; NULL where no command names it. */
struct account_row *ledger_batch_find_account(const struct ledger_batch *batch, int lane,
                                              const struct uuid *id);
struct hold_row *ledger_batch_find_hold(const struct ledger_batch *batch, int lane,
                                        const struct uuid *authorization_id);
struct step_row *ledger_batch_find_step(const struct ledger_batch *batch,
                                        const struct step_row *key);

#endif
