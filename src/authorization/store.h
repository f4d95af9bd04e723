/* authorization/store.h - the door to the authorization service's database: one function per
 * question, every statement in sql/.
 *
 * Purpose:   loading and saving of a batch (store_load.c, store_save.c), opening accounts
 *            (store_open.c), reading single things (store_read.c).
 * Units:     as the columns in migrations/.
 * Ownership: what is read is copied into the arena given.
 * Errors:    those of platform/postgres/postgres.h.
 * Threads:   as the db. */
#ifndef AUTHORIZATION_STORE_H
#define AUTHORIZATION_STORE_H

#include "authorization/batch.h"

/* The group under which this service claims events. */
#define CONSUMER_GROUP "authorization"

/* Fills account ids of items that only name an authorization; nil where it does not exist. */
MUST_CHECK enum status store_find_account_ids(struct batch *b, struct error *err);

/* Begins the SQL transaction: claims the inbox (for deliveries), locks the accounts in ascending
 * (lane, id), then looks up keys, transactions and authorizations, then reads the clock; where an
 * account has holds whose time is over, those too. Fills the batch's maps. */
MUST_CHECK enum status store_load(struct batch *b, struct error *err);

/* Deletes what is in the way of inserting the batch's keys although its time is over, in an SQL
 * transaction of its own: an expired key is nobody's. */
MUST_CHECK enum status store_delete_expired_keys(struct batch *b, struct error *err);

/* Saves what changed and commits; a batch without changes just ends its SQL transaction. */
MUST_CHECK enum status store_save(struct batch *b, struct error *err);

/* Accounts to be opened: each by the item that asked first. */
struct store_openings {
    struct item **openers;
    struct account *accounts;
    bool *opened; /* which of them this call has opened; the others were there by then */
    size_t count;
};

/* Opens those accounts that do not exist, in an SQL transaction of its own, with their events. */
MUST_CHECK enum status store_open_accounts(struct db *db, struct arena *arena,
                                           struct store_openings *openings, struct error *err);

/* For reading single things: a connection, and where what is read lives. */
struct store_reader {
    struct db *db;
    struct arena *arena;
};

/* Part of an account's authorizations, newest first. */
struct store_page {
    struct uuid before_id; /* asked: those before this id */
    size_t limit;          /* asked: at most so many      */
    struct authorization_view *views;
    size_t count;
};

/* *found_out says whether there is one. */
MUST_CHECK enum status store_find_authorization(const struct store_reader *reader,
                                                const struct uuid *id,
                                                struct authorization_view *view_out,
                                                bool *found_out, struct error *err);
MUST_CHECK enum status store_find_transaction(const struct store_reader *reader,
                                              const struct uuid *transaction_key,
                                              struct authorization_view *view_out, bool *found_out,
                                              struct error *err);
MUST_CHECK enum status store_list_authorizations(const struct store_reader *reader,
                                                 const struct uuid *account_id,
                                                 struct store_page *page, struct error *err);
MUST_CHECK enum status store_find_account(const struct store_reader *reader, const struct uuid *id,
                                          struct account *account_out, bool *found_out,
                                          struct error *err);

/* Accounts with holds whose time is over, the longest overdue first. */
struct store_due {
    struct uuid *ids;
    size_t count;
    int64_t overdue_us; /* of the first; 0: none is due */
};
MUST_CHECK enum status store_find_due_accounts(const struct store_reader *reader, size_t limit,
                                               struct store_due *due_out, struct error *err);
MUST_CHECK enum status store_rotate_keys(const struct store_reader *reader, int64_t ttl_s,
                                         struct error *err);

/* What the self-check finds in a lane. */
struct store_lane {
    int64_t held_matches; /* accounts that break it */
    int64_t holds;        /* open ones */
    int64_t amounts_minor[CURRENCY_COUNT];
};
MUST_CHECK enum status store_check_lane(const struct store_reader *reader, int lane,
                                        struct store_lane *lane_out, struct error *err);

/* Rows into structs, shared by the files above. */
void store_read_authorization(struct sql_rows rows, int row, struct arena *arena,
                              struct authorization *authorization_out);
void store_read_account(struct sql_rows rows, int row, struct arena *arena,
                        struct account *account_out);
struct authorization_change *store_read_changes(struct sql_rows rows, struct arena *arena);

#endif
