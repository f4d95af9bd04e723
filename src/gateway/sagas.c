#include "gateway/sagas.h"

#include "base/arena.h"
#include "base/assert.h"
#include "gateway/forward.h"
#include "gateway/gateway.h"
#include "gateway/path.h"
#include "gateway/query.h"

static const char *const STATES[] = {
    "started", "running", "completed", "compensating", "compensated", "stuck", "abandoned",
};

void sagas_get(struct visit *visit)
{
    struct arena *arena = visit->request->arena;
    struct uuid id;
    if (!uuid_parse(visit->variable, &id)) {
        visit_refuse(visit, PROBLEM_NOT_FOUND, "a saga's id is a UUID");
        return;
    }
    const struct text id_text = uuid_to_text(arena, &id);
    const struct text path = text_format(arena, "/internal/sagas/%.*s", TEXT_ARGS(id_text));
    forward_ask(visit, &(struct question){
                           .url = url_join(arena, visit->gateway->config->saga_url, path.data),
                       });
}

static bool is_state(struct text state)
{
    for (size_t at = 0; at < COUNT(STATES); at++)
        if (text_equals_c(state, STATES[at]))
            return true;
    return false;
}

void sagas_find(struct visit *visit)
{
    static const char *const NAMES[] = {"state", "cursor", "limit", NULL};
    const struct text state = http_request_query(visit->request, "state");
    if (!is_state(state)) {
        visit_refuse(visit, PROBLEM_PARAMETER_INVALID,
                     "state must be one of started, running, completed, compensating, compensated, "
                     "stuck, abandoned");
        return;
    }
    const char *url =
        query_pass_on(visit, visit->gateway->config->saga_url, "/internal/sagas", NAMES);
    if (url != NULL)
        forward_ask(visit, &(struct question){.url = url});
}
