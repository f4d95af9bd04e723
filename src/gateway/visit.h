/* gateway/visit.h - one request at the door, from its arrival to its answer.
 *
 * Purpose:   what the door knows of a request (who, which route, whose trace), and the one way
 *            out: every answer and every refusal leaves by visit_answer, which adds the headers
 *            that all have and writes the log line.
 * Units:     times in microseconds of the monotonic clock.
 * Ownership: a visit lives in its request's arena, which belongs to whoever holds the visit.
 * Errors:    none.
 * Threads:   one holder at a time; where several workers hold items of one visit, `lock` guards
 *            the arena. visit_answer from any thread, exactly once; it ends the visit. */
#ifndef GATEWAY_VISIT_H
#define GATEWAY_VISIT_H

#include "base/problem.h"
#include "base/trace_context.h"
#include "base/uuid.h"
#include "gateway/keyring.h"
#include "platform/http/http_server.h"

#include <pthread.h>
#include <stdatomic.h>

struct field_errors;
struct gateway;
struct hop_item;
struct route;

/* What the client is to get. */
struct answer {
    int status;
    const char *content_type; /* NULL: application/json, application/problem+json from 400 on */
    struct text body;
    struct text location; /* TEXT_NONE: none */
    const char *booking;  /* completed | reversed | pending; NULL: nobody waited for it */
    const char *allow;    /* of a 405 */
    struct text
        decision_code;     /* of what was authorized: approved, or why not; TEXT_NONE: nothing */
    int64_t retry_after_s; /* 0: none */
    bool is_replayed;
    enum problem_code problem; /* PROBLEM_NONE, or why it was refused */
};

struct visit {
    struct gateway *gateway;
    struct http_request *request;
    const struct route *route; /* NULL: there is none for this path */
    struct text variable;      /* what stands for {...} in the route's path, decoded */
    struct uuid request_id;
    struct trace_context trace;         /* the span of this request */
    char caller_span[SPAN_ID_SIZE + 1]; /* the caller's, which is above it; empty: none */
    struct principal principal;
    bool was_dispatched; /* has waited for the keyring */
    int wait_s;          /* Prefer: wait=N; 0: no wait */
    struct visit *next;  /* in a list of visits that wait */

    struct hop_item *items; /* what authorization is asked; a single request has one */
    size_t item_count;
    bool is_batch;
    atomic_size_t open_items; /* not yet answered; who answers the last answers the visit */
    pthread_mutex_t lock;     /* guards the arena while items of a batch are answered */

    struct answer answer; /* kept while the visit waits for the booking */
    struct uuid authorization_id;
    int64_t wait_until_us;
};

/* A visit for a request that has just come in. */
struct visit *visit_new(struct gateway *gateway, struct http_request *request);

void visit_answer(struct visit *visit, const struct answer *answer);
/* Refuses the whole request. `detail` is copied; NULL: none. */
void visit_refuse(struct visit *visit, enum problem_code code, const char *detail);
/* Its key has sent too many: 429, with the time until it may come again. */
void visit_refuse_limited(struct visit *visit, int64_t wait_us);
void visit_refuse_fields(struct visit *visit, const struct field_errors *fields);

/* A refusal as an answer, for those who answer later. `detail` is copied; NULL: none. */
struct answer answer_problem(const struct visit *visit, struct arena *arena, enum problem_code code,
                             const char *detail);
/* The same with more to say: `code`, `detail`, `errors` and `state` are the caller's. */
struct answer answer_of_problem(const struct visit *visit, struct arena *arena,
                                const struct problem *problem);

/* Visits that wait for something, in order of arrival. */
struct visit_list {
    struct visit *first;
    struct visit *last;
    size_t count;
};

void visit_list_add(struct visit_list *list, struct visit *visit);
struct visit *visit_list_take(struct visit_list *list); /* all, linked by `next` */

#endif
