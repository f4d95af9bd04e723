/* authorization/store.h - the door to the authorization service's database: one function per
 * question, every statement in sql/.
 *
 * Purpose:   loading and saving of a batch (store_load.c, store_save.c), opening accounts
 *            (store_open.c), reading single things (store_read.c).
 * Units:     as the columns in migrations/.
 * Ownership: what is read is copied into the arena given.
 * Errors:    those of platform/postgres.h.
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

/* Saves what changed and commits; a batch without changes just ends its SQL transaction. */
MUST_CHECK enum status store_save(struct batch *b, struct error *err);

/* Opens those accounts that do not exist, in an SQL transaction of its own, with their events.
 * `opened_out[i]` says which this call has opened. */
MUST_CHECK enum status store_open_accounts(struct db *db, struct arena *arena,
                                           struct item *const *openers,
                                           const struct account *accounts, size_t count,
                                           bool *opened_out, struct error *err);

/* Reads for the queries; *found_out says whether there is one. */
MUST_CHECK enum status store_find_authorization(struct db *db, struct arena *arena,
                                                const struct uuid *id,
                                                struct authorization_view *view_out,
                                                bool *found_out, struct error *err);
MUST_CHECK enum status store_find_transaction(struct db *db, struct arena *arena,
                                              const struct uuid *transaction_key,
                                              struct authorization_view *view_out, bool *found_out,
                                              struct error *err);
MUST_CHECK enum status store_list_authorizations(struct db *db, struct arena *arena,
                                                 const struct uuid *account_id,
                                                 const struct uuid *before_id, size_t limit,
                                                 struct authorization_view **views_out,
                                                 size_t *count_out, struct error *err);
MUST_CHECK enum status store_find_account(struct db *db, struct arena *arena, const struct uuid *id,
                                          struct account *account_out, bool *found_out,
                                          struct error *err);
MUST_CHECK enum status store_find_due_accounts(struct db *db, struct arena *arena, size_t limit,
                                               struct uuid **ids_out, size_t *count_out,
                                               struct error *err);
MUST_CHECK enum status store_rotate_keys(struct db *db, struct arena *arena, int64_t ttl_s,
                                         struct error *err);

/* Rows into structs, shared by the files above. */
void store_read_authorization(struct sql_rows rows, int row, struct arena *arena,
                              struct authorization *authorization_out);
void store_read_account(struct sql_rows rows, int row, struct arena *arena,
                        struct account *account_out);
struct authorization_change *store_read_changes(struct sql_rows rows, struct arena *arena);

#endif
