#include "gateway/accounts.h"

#include "base/arena.h"
#include "domain/identifier.h"
#include "domain/lane.h"
#include "gateway/account_request.h"
#include "gateway/forward.h"
#include "gateway/gateway.h"
#include "gateway/hop.h"
#include "gateway/intake.h"
#include "gateway/path.h"
#include "gateway/query.h"
#include "platform/log/log.h"

static bool check_user_id(struct visit *visit)
{
    if (identifier_check(visit->variable) == IDENTIFIER_OK)
        return true;
    visit_refuse(visit, PROBLEM_PARAMETER_INVALID,
                 "a user id has 1 to 128 characters, none of them a control character");
    return false;
}

/* ---- PUT --------------------------------------------------------------------------------------
 */

static const struct account_request *read_request(struct visit *visit,
                                                  const struct json_value *body)
{
    struct arena *arena = visit->request->arena;
    struct account_request *request = ARENA_NEW(arena, struct account_request);
    struct field_errors *fields = ARENA_NEW(arena, struct field_errors);
    fields->arena = arena;
    if (!account_request_read(body, request, fields)) {
        visit_refuse_fields(visit, fields);
        return NULL;
    }
    request->user_id = visit->variable;
    return request;
}

void accounts_put(struct visit *visit)
{
    struct hop_item *item = ARENA_NEW(visit->request->arena, struct hop_item);
    struct json_value body;
    *item = (struct hop_item){.visit = visit, .op = HOP_PUT_ACCOUNT};
    if (!check_user_id(visit) || !intake_body(visit, &body))
        return;
    item->account = read_request(visit, &body);
    if (item->account == NULL)
        return;
    const struct uuid account_id = account_id_of(TENANT, visit->variable);
    item->lane = lane_of(&account_id);
    item->deadline_us = intake_deadline_us(visit);
    log_info(&visit->trace, "request.received", "request received",
             kv_uuid("request_id", &visit->request_id), kv_uuid("account_id", &account_id));
    if (!hop_submit(visit->gateway->hop, item))
        visit_refuse(visit, PROBLEM_BACKPRESSURE, NULL);
}

/* ---- GET --------------------------------------------------------------------------------------
 */

/* http://authorization/internal/accounts/<user id><tail> */
static const char *account_url(struct visit *visit, const char *tail)
{
    struct arena *arena = visit->request->arena;
    const struct text user_id = path_encode(arena, visit->variable);
    const struct text path =
        text_format(arena, "/internal/accounts/%.*s%s", TEXT_ARGS(user_id), tail);
    return url_join(arena, visit->gateway->config->authorization_url, path.data);
}

static void get(struct visit *visit, const char *tail)
{
    if (check_user_id(visit))
        forward_ask(visit, &(struct question){.url = account_url(visit, tail)});
}

void accounts_get(struct visit *visit)
{
    get(visit, "");
}

void accounts_get_balance(struct visit *visit)
{
    get(visit, "/balance");
}

/* The ledger opens an account with its first hold, so an account it does not know may exist. */
void accounts_get_entries(struct visit *visit)
{
    static const char *const NAMES[] = {"cursor", "limit", NULL};
    struct arena *arena = visit->request->arena;
    if (!check_user_id(visit))
        return;
    const struct uuid account_id = account_id_of(TENANT, visit->variable);
    const struct text id = uuid_to_text(arena, &account_id);
    const struct text path = text_format(arena, "/internal/accounts/%.*s/entries", TEXT_ARGS(id));
    const char *url = query_pass_on(visit, visit->gateway->config->ledger_url, path.data, NAMES);
    if (url == NULL)
        return;
    forward_ask(visit, &(struct question){
                           .url = url,
                           .exists_url = account_url(visit, ""),
                           .nothing = TEXT("{\"items\":[],\"next_cursor\":null}"),
                       });
}
