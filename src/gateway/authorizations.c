#include "gateway/authorizations.h"

#include "base/arena.h"
#include "domain/identifier.h"
#include "gateway/forward.h"
#include "gateway/gateway.h"
#include "gateway/path.h"
#include "gateway/query.h"
#include "gateway/scope.h"

/* Why something was declined in every respect is told to trusted callers only. */
static bool is_trusted(const struct visit *visit)
{
    return scope_allows(visit->principal.scopes, SCOPE_ADMIN);
}

void authorizations_get(struct visit *visit)
{
    struct arena *arena = visit->request->arena;
    struct uuid id;
    if (!uuid_parse(visit->variable, &id)) {
        visit_refuse(visit, PROBLEM_NOT_FOUND, "an authorization's id is a UUID");
        return;
    }
    const struct text id_text = uuid_to_text(arena, &id);
    const struct text path = text_format(arena, "/internal/authorizations/%.*s%s",
                                         TEXT_ARGS(id_text), is_trusted(visit) ? "?trusted=1" : "");
    forward_ask(visit,
                &(struct question){
                    .url = url_join(arena, visit->gateway->config->authorization_url, path.data),
                });
}

void authorizations_find(struct visit *visit)
{
    static const char *const BY_TRANSACTION[] = {"transaction_id", NULL};
    static const char *const BY_USER[] = {"user_id", "cursor", "limit", NULL};
    const struct text transaction_id = http_request_query(visit->request, "transaction_id");
    const struct text user_id = http_request_query(visit->request, "user_id");
    const bool is_by_user = text_is_none(transaction_id);
    const struct text wanted = is_by_user ? user_id : transaction_id;
    if (text_is_none(wanted) || identifier_check(wanted) != IDENTIFIER_OK) {
        visit_refuse(visit, PROBLEM_PARAMETER_INVALID,
                     "ask for a transaction_id or a user_id: 1 to 128 characters, none of them a "
                     "control character");
        return;
    }
    const char *path =
        is_trusted(visit) ? "/internal/authorizations?trusted=1" : "/internal/authorizations";
    const char *url = query_pass_on(visit, visit->gateway->config->authorization_url, path,
                                    is_by_user ? BY_USER : BY_TRANSACTION);
    if (url != NULL)
        forward_ask(visit, &(struct question){.url = url});
}
