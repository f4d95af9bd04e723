/* authorization/item.h - one thing the authorization service is asked, and its answer.
 *
 * Purpose:   the door (HTTP), the bus (commands of the saga) and the sweeper all bring items; one
 *            machine (batch.h) takes them through load, decide, save.
 * Units:     amounts in minor units unless a struct decimal says what was asked.
 * Ownership: an item and what it borrows live in the arena of whoever made it, until answered.
 * Errors:    an item that cannot be decided is answered with a problem.
 * Threads:   an item belongs to one worker. */
#ifndef AUTHORIZATION_ITEM_H
#define AUTHORIZATION_ITEM_H

#include "base/problem.h"
#include "base/trace_context.h"
#include "domain/account.h"
#include "domain/authorization_json.h"
#include "domain/money.h"

enum item_op {
    ITEM_AUTHORIZE,
    ITEM_VOID,
    ITEM_PUT_ACCOUNT,
    ITEM_RELEASE, /* the saga's command: the ledger refused to book */
    ITEM_EXPIRE,  /* the sweeper's: give back what is due on this account */
};

enum answer_kind {
    ANSWER_NONE,          /* not decided yet, or nobody waits for a body */
    ANSWER_AUTHORIZATION, /* `view` */
    ANSWER_ACCOUNT,       /* `account` */
    ANSWER_PROBLEM,       /* `problem` */
};

/* Decided within an attempt; rendered into `body` once the attempt has been committed. */
struct answer {
    enum answer_kind kind;
    int http_status;
    bool replayed; /* the answer of an earlier request */
    struct authorization_view view;
    struct uuid authorization_id;
    const char *decision_code; /* of that one: approved, or why not */
    const struct account *account;
    struct problem problem;
    struct text body; /* JSON, in the item's arena */
};

/* An amount as asked, in major units or minor ones. The account's currency, known later, says what
 * it is worth. */
struct asked_amount {
    bool given;
    bool is_minor;
    struct decimal decimal;
};

struct item {
    enum item_op op;
    struct arena *arena; /* where the answer's body goes */

    /* who and what; ids are made before the first attempt, so that another try is the same */
    struct text user_id;
    struct uuid account_id; /* void, release: nil until found by the authorization's id */
    int lane;
    struct uuid authorization_id;       /* authorize: of the new one; void, release: which */
    struct uuid event_id;               /* of what it causes; an approval's is its saga's id */
    struct trace_context trace;         /* the span this service works in */
    char parent_span[SPAN_ID_SIZE + 1]; /* whose span that one is below; empty: none */
    struct text traceparent;            /* of the request that began it */
    struct uuid request_id;             /* nil: none */
    int64_t deadline_us;                /* monotonic clock */
    bool in_doubt;                      /* an attempt may have saved it, and nobody knows */

    /* authorize, void */
    bool has_key;
    struct sha256 key_hash;
    struct sha256 fingerprint;
    bool trusted;   /* may see all reasons */
    bool has_ended; /* void: an attempt has released the hold and noted the key, maybe for good */
    struct text transaction_id;
    struct uuid transaction_key; /* the first half of SHA-256(tenant, transaction id) */
    struct asked_amount amount;
    const struct currency *currency; /* NULL: not said */
    int64_t expires_in_s;            /* 0: not said */

    /* put account; its currency is the one above */
    struct asked_amount limit;
    bool has_status;
    enum account_status status;
    bool opened; /* the account was opened by this item, for good: */
    struct account opened_as;

    /* release */
    struct text reason;
    struct uuid saga_id;
    struct uuid command_id;

    struct answer answer;
};

extern const struct text TENANT; /* the one tenant, until tenants come */

#endif
