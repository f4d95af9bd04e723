#include "gateway/pages.h"

#include "gateway/gateway.h"
#include "gateway/openapi.h"

static void answer_text(struct visit *visit, const char *content_type, struct text body)
{
    visit_answer(visit,
                 &(struct answer){.status = 200, .content_type = content_type, .body = body});
}

/* Asked every second by whoever watches: no log line. */
void pages_health(struct visit *visit)
{
    if (!service_answer_health(visit->request))
        visit_refuse(visit, PROBLEM_NOT_FOUND, NULL);
}

void pages_problem(struct visit *visit)
{
    const enum problem_code code = problem_find(visit->variable);
    if (code == PROBLEM_NONE)
        visit_refuse(visit, PROBLEM_NOT_FOUND, "no problem has this code");
    else
        answer_text(visit, "text/plain; charset=utf-8", problem_page(code));
}

void pages_openapi(struct visit *visit)
{
    answer_text(visit, "application/yaml", OPENAPI_TEXT);
}
