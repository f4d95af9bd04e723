/* authorization/decide.h - what each kind of item leads to, within a loaded batch.
 *
 * Purpose:   one file per thing that can be asked: authorize.c, release.c (void, the saga's
 *            command, expiry), account.c. They apply the rules of domain/ to what was loaded and
 *            note what is to be saved; they do not touch the database.
 * Units:     as in authorization/batch.h.
 * Ownership: as in authorization/batch.h.
 * Errors:    none: an item that cannot be done is answered with a problem.
 * Threads:   as the batch. */
#ifndef AUTHORIZATION_DECIDE_H
#define AUTHORIZATION_DECIDE_H

#include "authorization/batch.h"

void decide_authorize(struct batch *b, struct item *item);
void decide_void(struct batch *b, struct item *item);
void decide_release(struct batch *b, struct item *item);
void decide_put_account(struct batch *b, struct item *item);
/* Put account: an earlier attempt has made the change, or may have; answers so and says true. */
bool decide_made(struct item *item);
void decide_expiry(struct batch *b, struct batch_authorization *due);

/* The item that opens this missing account, with what the account will be; NULL: nobody does. */
struct item *decide_opener(const struct batch *b, const struct uuid *account_id,
                           struct account *account_out);

/* A key that was answered before, here or earlier in this batch: answers the item from it (or
 * refuses a key that was used for something else) and says true. */
bool decide_repeat(struct batch *b, struct item *item);
/* Notes how the item's key was answered: to be saved, and for repeats later in this batch. */
void decide_note_key(struct batch *b, struct item *item, struct batch_authorization *authorization,
                     int64_t version);

/* ---- answers (answer.c) ---------------------------------------------------------------------- */

void item_answer(struct item *item, const struct batch_authorization *authorization,
                 int64_t version, int http_status);
/* The account as the item, which is to put it, has opened it. */
void item_answer_opened(struct item *item);
void item_refuse(struct item *item, enum problem_code code, const char *detail);
/* One field that the problem is about; `pointer` and `code` are literals. */
void item_add_error(struct item *item, const char *pointer, const char *code, struct text detail);
void item_render(struct item *item);

/* What was asked in the currency that is known now; false: answered with the problem. */
MUST_CHECK bool asked_amount_minor(struct item *item, const struct asked_amount *asked,
                                   const struct currency *currency, const char *pointer,
                                   int64_t *minor_out);

/* ---- events (events.c) ----------------------------------------------------------------------- */

struct event_cause {
    struct uuid event_id;
    struct trace_context trace;
    struct text traceparent; /* of the request that began it */
    struct uuid saga_id;     /* nil: none */
    struct uuid command_id;  /* nil: none */
};

void event_authorization(struct outbox *outbox, const struct authorization *authorization,
                         const char *from, const char *by, const struct event_cause *cause);
/* The answer to a release command that found nothing left to release. */
void event_already_released(struct outbox *outbox, const struct authorization *authorization,
                            const struct event_cause *cause);
void event_account(struct outbox *outbox, const struct account *account, const char *type,
                   const char *from, const struct event_cause *cause);

#endif
