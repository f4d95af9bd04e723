/* authorization/batch.h - the machine: a batch of items, loaded, decided, saved in one commit.
 *
 * Purpose:   trip 1 locks the accounts in ascending order, then looks up keys, transaction ids and
 *            authorizations, then reads the clock; the items are decided in order, each seeing the
 *            ones before it; trip 2 saves everything and commits. docs/adr/0006 says why so.
 * Units:     business time in microseconds since 1970, from the database.
 * Ownership: everything of an attempt lives in the batch's arena and ends with the next attempt;
 *            answers are rendered into their items' arenas after the commit.
 * Errors:    those of platform/postgres/postgres.h; nothing of an attempt that fails is done.
 * Threads:   a batch belongs to one worker. */
#ifndef AUTHORIZATION_BATCH_H
#define AUTHORIZATION_BATCH_H

#include "authorization/busy.h"
#include "authorization/item.h"
#include "base/uuid_map.h"
#include "platform/messaging/outbox.h"
#include "platform/postgres/postgres.h"
#include "platform/tracing/tracing.h"

struct delivery;

/* What the operator configured. */
struct authorization_policy {
    const struct currency *default_currency;
    int64_t hold_expires_in_s;
    int64_t key_ttl_s;
    bool auto_open;
    struct decimal auto_open_limit;
    bool has_amount_limit;
    struct decimal amount_limit; /* per authorization */
};

/* An account of the batch. */
struct batch_account {
    struct account account;
    bool exists;
    bool dirty;      /* to be saved */
    bool is_doubted; /* asked for without waiting */
    bool is_busy;    /* it was not to be had: somebody else keeps it locked; exists says nothing */
};

/* An authorization the batch knows: loaded, or decided in it. */
struct batch_authorization {
    struct authorization authorization;
    struct batch_account *account; /* NULL where the account was not locked: it cannot change */
    struct authorization_change *changes;
    size_t change_count;
    size_t changes_new; /* the last so many of them are this batch's: to be saved */
    bool is_new;
    bool is_due;
    bool is_expired;            /* given back by this batch because its time was over */
    struct trace_context trace; /* in which it was decided or changed by this batch */
};

/* An answered key: loaded, or answered in this batch. */
struct batch_key {
    struct sha256 fingerprint;
    struct batch_authorization *authorization;
    int64_t version;
    int http_status;
    bool shows_reasons;
    const struct item *new_for; /* NULL: loaded */
};

struct batch {
    struct db *db;
    struct arena *arena; /* of the attempt */
    const struct authorization_policy *policy;
    struct item **items;
    size_t count;
    struct span_group cause;            /* for whom the trips are made */
    struct delivery *const *deliveries; /* items[i] is asked by deliveries[i]; NULL: by the door */
    struct busy_accounts *busy;         /* what the worker remembers; NULL: nothing */
    bool never_waits;                   /* not even once: nobody waits for an answer */
    bool has_collided;                  /* an attempt ended at a unique key: maybe an expired one */

    int64_t begun_us;               /* the attempt, on the monotonic clock */
    bool is_doubting;               /* no account is waited for */
    bool has_waited;                /* in vain, for an account that somebody else keeps locked */
    int64_t now_us;                 /* read after the accounts were locked */
    bool is_more_due;               /* not every hold whose time is over was loaded */
    struct batch_account *accounts; /* ascending (lane, id) */
    size_t account_count;
    struct uuid_map *accounts_by_id;
    struct uuid_map *authorizations_by_id; /* struct batch_authorization */
    struct uuid_map *authorizations_by_transaction;
    struct uuid_map *keys_by_hash;               /* struct batch_key, by the hash's first half */
    struct batch_authorization **authorizations; /* in the order they came in */
    size_t authorization_count;
    size_t authorization_capacity;
    struct batch_key **keys_new;
    size_t key_count;
    struct outbox outbox;
};

/* One attempt: load, decide, save, commit, render. May be called again after an error. Items of an
 * account that somebody else keeps locked are refused (backpressure) or, with deliveries, marked to
 * be parked; the others are saved without them. */
MUST_CHECK enum status batch_attempt(struct batch *b, struct error *err);

/* Makes a batch know an authorization, once; loading and deciding share it. */
struct batch_authorization *batch_add_authorization(struct batch *b,
                                                    const struct authorization *authorization);
struct batch_account *batch_find_account(const struct batch *b, const struct uuid *id);

#endif
