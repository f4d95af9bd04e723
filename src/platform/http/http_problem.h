/* platform/http/http_problem.h - problems and JSON as whole answers over HTTP.
 *
 * Purpose:   the one place where a problem of base/problem.h becomes an answer with its status and
 *            headers: Content-Type, Request-Id, Retry-After where it is set.
 * Units:     Retry-After in whole seconds, rounded up.
 * Ownership: the answer is copied before the call returns.
 * Errors:    none.
 * Threads:   as http_respond. */
#ifndef PLATFORM_HTTP_HTTP_PROBLEM_H
#define PLATFORM_HTTP_HTTP_PROBLEM_H

#include "base/problem.h"
#include "platform/http/http_server.h"

/* Where a problem has no request_id, one is made. */
void respond_problem(struct http_request *request, const struct problem *problem);

/* The same for who wants to add headers (Allow, Link) and then calls http_respond. */
struct http_response problem_to_response(struct arena *arena, const struct problem *problem);

/* What a refusal of http_server is; `detail` is borrowed. */
struct problem problem_of_refusal(enum http_refusal why, const char *detail);
/* A `refuse` callback of http_server: each refusal of the server as its problem. */
void refuse_by_problem(void *context, enum http_refusal why, const char *detail,
                       struct arena *arena, struct http_response *response_out);

/* Any other answer whose body is JSON. */
void respond_json(struct http_request *request, int status, struct text body);

#endif
