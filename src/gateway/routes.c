#include "gateway/routes.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/sha256.h"
#include "gateway/accounts.h"
#include "gateway/authorizations.h"
#include "gateway/authorize.h"
#include "gateway/batch.h"
#include "gateway/gateway.h"
#include "gateway/pages.h"
#include "gateway/path.h"
#include "gateway/sagas.h"
#include "gateway/void.h"

#include <strings.h>

enum {
    BODY_SIZE_MAX = 64 * 1024,
    BATCH_BODY_SIZE_MAX = 1024 * 1024,
};

#define BATCH_PATH "/v1/authorizations/batch"

/* clang-format off */
static const struct route ROUTES[] = {
    {"POST", "/authorize",                        SCOPE_AUTH_WRITE,  authorize_handle},
    {"POST", "/v1/authorizations",                SCOPE_AUTH_WRITE,  authorize_handle},
    {"GET",  "/v1/authorizations",                SCOPE_AUTH_READ,   authorizations_find},
    {"POST", BATCH_PATH,                          SCOPE_AUTH_WRITE,  batch_handle},
    {"GET",  "/v1/authorizations/{id}",           SCOPE_AUTH_READ,   authorizations_get},
    {"POST", "/v1/authorizations/{id}/void",      SCOPE_AUTH_WRITE,  void_handle},
    {"PUT",  "/v1/accounts/{user_id}",            SCOPE_ADMIN,       accounts_put},
    {"GET",  "/v1/accounts/{user_id}",            SCOPE_AUTH_READ,   accounts_get},
    {"GET",  "/v1/accounts/{user_id}/balance",    SCOPE_AUTH_READ,   accounts_get_balance},
    {"GET",  "/v1/accounts/{user_id}/entries",    SCOPE_LEDGER_READ, accounts_get_entries},
    {"GET",  "/v1/sagas",                         SCOPE_AUTH_READ,   sagas_find},
    {"GET",  "/v1/sagas/{id}",                    SCOPE_AUTH_READ,   sagas_get},
    {"GET",  "/problems/{code}",                  SCOPE_NONE,        pages_problem},
    {"GET",  "/openapi.yaml",                     SCOPE_NONE,        pages_openapi},
    {"GET",  "/livez",                            SCOPE_NONE,        pages_health},
    {"GET",  "/readyz",                           SCOPE_NONE,        pages_health},
};
/* clang-format on */
_Static_assert(COUNT(ROUTES) + 1 == ROUTE_COUNT, "routes.h counts the rows");

const char *routes_method(size_t at)
{
    return at == 0 ? "" : ROUTES[at - 1].method;
}

const char *routes_path(size_t at)
{
    return at == 0 ? "" : ROUTES[at - 1].path;
}

size_t routes_body_size_max(struct text method, struct text path)
{
    const bool is_batch = text_equals_c(method, "POST") && text_equals_c(path, BATCH_PATH);
    return is_batch ? BATCH_BODY_SIZE_MAX : BODY_SIZE_MAX;
}

/* ---- which route ------------------------------------------------------------------------------
 */

/* The path of the first row that fits; NULL: none does. What is fixed stands above what a variable
 * would fit too, and then has the methods of its own rows alone. */
static const char *find_path(struct text path, struct text *variable_out)
{
    for (size_t at = 0; at < COUNT(ROUTES); at++)
        if (path_matches(ROUTES[at].path, path, variable_out))
            return ROUTES[at].path;
    return NULL;
}

static const struct route *find_route(const struct http_request *request, struct text *variable_out)
{
    const char *const path = find_path(request->path, variable_out);
    for (size_t at = 0; path != NULL && at < COUNT(ROUTES); at++)
        if (text_equals_c(request->method, ROUTES[at].method) && strcmp(ROUTES[at].path, path) == 0)
            return &ROUTES[at];
    return NULL;
}

/* The methods that the path has; empty where there is no such path. */
static struct text find_methods(struct arena *arena, struct text path)
{
    struct text_builder methods;
    struct text ignored;
    const char *const found = find_path(path, &ignored);
    text_builder_init(&methods, arena, 32);
    for (size_t at = 0; found != NULL && at < COUNT(ROUTES); at++)
        if (strcmp(ROUTES[at].path, found) == 0)
            text_builder_add_format(&methods, "%s%s", methods.size > 0 ? ", " : "",
                                    ROUTES[at].method);
    return text_builder_text(&methods);
}

static void refuse_unrouted(struct visit *visit)
{
    struct arena *arena = visit->request->arena;
    const struct text methods = find_methods(arena, visit->request->path);
    if (methods.size == 0) {
        visit_refuse(visit, PROBLEM_NOT_FOUND, "there is nothing at this path");
        return;
    }
    struct answer answer = answer_problem(visit, arena, PROBLEM_METHOD_NOT_ALLOWED, NULL);
    answer.allow = text_to_c(arena, methods);
    visit_answer(visit, &answer);
}

/* ---- whose request ----------------------------------------------------------------------------
 */

/* The key of `Authorization: Bearer <key>`; TEXT_NONE where it is anything else. */
static struct text bearer_key(const struct http_request *request)
{
    const struct text header = http_request_header(request, "Authorization");
    const size_t size = strlen("Bearer ");
    if (http_request_header_count(request, "Authorization") != 1 || header.size <= size ||
        strncasecmp(header.data, "Bearer ", size) != 0)
        return TEXT_NONE;
    return text_trim(text_skip(header, size));
}

/* The known keys may be a second old, so a key that is not among them is looked up once. */
static void look_up_again(struct visit *visit)
{
    if (visit->was_dispatched) {
        visit_refuse(visit, PROBLEM_UNAUTHENTICATED, "this API key is unknown or revoked");
        return;
    }
    visit->was_dispatched = true;
    if (!keyring_wait(visit->gateway->keyring, visit))
        visit_refuse(visit, PROBLEM_BACKPRESSURE, "too many unknown API keys are being looked up");
}

/* False: the visit has been answered, or waits for the keyring. */
static bool authenticate(struct visit *visit)
{
    const struct http_request *request = visit->request;
    if (visit->gateway->is_open && http_request_header_count(request, "Authorization") == 0) {
        visit->principal = (struct principal){.name = "anonymous", .scopes = SCOPE_ADMIN};
        return true;
    }
    const struct text key = bearer_key(request);
    if (text_is_none(key)) {
        visit_refuse(visit, PROBLEM_UNAUTHENTICATED, NULL);
        return false;
    }
    const struct sha256 hash = sha256_of(key);
    if (keyring_find(visit->gateway->keyring, &hash, &visit->principal))
        return true;
    look_up_again(visit);
    return false;
}

/* False: its key has sent too many, and the visit has been answered so. */
static bool admit(struct visit *visit)
{
    const int64_t wait_us = keyring_admit(visit->gateway->keyring, &visit->principal);
    if (wait_us > 0)
        visit_refuse_limited(visit, wait_us);
    return wait_us == 0;
}

void routes_dispatch(struct visit *visit)
{
    struct text variable;
    visit->route = find_route(visit->request, &variable);
    if (visit->route == NULL) {
        refuse_unrouted(visit);
        return;
    }
    visit->request->route = (size_t)(visit->route - ROUTES) + 1;
    const enum scope scope = visit->route->scope;
    if (scope != SCOPE_NONE && (!authenticate(visit) || !admit(visit)))
        return;
    if (!scope_allows(visit->principal.scopes, scope)) {
        const char *detail =
            text_format(visit->request->arena, "this needs the scope '%s'", scope_name(scope)).data;
        visit_refuse(visit, PROBLEM_SCOPE_MISSING, detail);
        return;
    }
    if (!text_is_none(variable) &&
        !path_decode(visit->request->arena, variable, &visit->variable)) {
        visit_refuse(visit, PROBLEM_PARAMETER_INVALID, "the path is not UTF-8, percent-encoded");
        return;
    }
    visit->route->handle(visit);
}
