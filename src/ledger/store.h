/* ledger/store.h - the door to the ledger's database: one function per question.
 *
 * Purpose:   loads what a batch of commands needs in one round trip, saves what was decided in
 *            another, which commits; and reads pages and balances for the HTTP door.
 * Units:     amounts in minor units, times in microseconds since 1970.
 * Ownership: what is read lives in the arena given, or in the batch's.
 * Errors:    those of postgres.h. ERR_NOT_FOUND where the ledger has no such account.
 * Threads:   as the db. */
#ifndef LEDGER_STORE_H
#define LEDGER_STORE_H

#include "ledger/batch.h"
#include "platform/postgres/postgres.h"

struct outbox;

/* Every statement of the room, for the connection that prepares them; ends in NULL. */
extern const struct sql_statement *const *const ledger_store_statements;

/* Begins the SQL transaction: claims the inbox, locks the chains, then reads accounts, steps and
 * holds, and then the clock. Deliveries that were
 * claimed before are marked DELIVERY_DUPLICATE. */
MUST_CHECK enum status ledger_store_load_batch(struct db *db, struct ledger_batch *batch,
                                               struct error *err);

/* Saves what is new in the batch, and the answers, and commits. */
MUST_CHECK enum status ledger_store_save_batch(struct db *db, const struct ledger_batch *batch,
                                               const struct outbox *answers, struct error *err);

/* Asks one lane about each enum ledger_check; `violations_out` has a place for each. */
MUST_CHECK enum status ledger_store_check_lane(struct db *db, struct arena *arena, int lane,
                                               int64_t *violations_out, struct error *err);

/* A place in an account's entries; pages go from the newest to the oldest. */
struct entry_cursor {
    int64_t chain_seq;
    int line;
};

struct entry_view {
    struct entry_cursor place;
    struct uuid journal_id;
    struct text type; /* of the journal */
    struct uuid authorization_id;
    struct text side;
    struct text layer;
    int64_t amount_minor;
    const struct currency *currency;
    struct text counterpart; /* code of the account on the other side */
    int64_t created_at_us;
};

struct entry_page {
    struct uuid account_id;
    struct entry_cursor before;
    int limit;
};

struct entry_list {
    struct entry_view *entries;
    size_t count;
    bool has_more; /* the next page begins before the last of these */
};

/* An account that the ledger does not know has no entries. */
MUST_CHECK enum status ledger_store_list_entries(struct db *db, struct arena *arena,
                                                 const struct entry_page *page,
                                                 struct entry_list *list_out, struct error *err);

struct layer_view {
    int64_t debit_minor;
    int64_t credit_minor;
};

struct balance_view {
    struct text code;
    struct text status;
    const struct currency *currency;
    struct layer_view pending;
    struct layer_view posted;
};

MUST_CHECK enum status ledger_store_find_balance(struct db *db, struct arena *arena,
                                                 const struct uuid *account_id,
                                                 struct balance_view *balance_out,
                                                 struct error *err);

#endif
