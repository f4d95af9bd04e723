/* Answers: what an item is told, and its JSON. */
#include "authorization/decide.h"

#include "base/arena.h"
#include "base/assert.h"
#include "domain/authorization_json.h"

void item_answer(struct item *item, const struct batch_authorization *authorization,
                 int64_t version, int http_status)
{
    item->answer = (struct answer){
        .kind = ANSWER_AUTHORIZATION,
        .http_status = http_status,
        .authorization_id = authorization->authorization.id,
        .decision_code = decision_code_name(authorization->authorization.decision.code),
        .view = {.authorization = &authorization->authorization,
                 .changes = authorization->changes,
                 .change_count = authorization->change_count,
                 .version = version,
                 .shows_reasons = item->trusted},
    };
}

void item_answer_opened(struct item *item)
{
    ASSERT(item->opened);
    item->answer =
        (struct answer){.kind = ANSWER_ACCOUNT, .http_status = 201, .account = &item->opened_as};
}

void item_refuse(struct item *item, enum problem_code code, const char *detail)
{
    item->answer = (struct answer){
        .kind = ANSWER_PROBLEM,
        .http_status = problem_status(code),
        .problem = {.code = code,
                    .detail = text_of(detail),
                    .request_id = item->request_id,
                    .trace_id = text_of(item->trace.trace_id)},
    };
}

void item_add_error(struct item *item, const char *pointer, const char *code, struct text detail)
{
    struct problem *problem = &item->answer.problem;
    ASSERT(problem->error_count == 0); /* one field at a time is checked here */
    struct problem_error *error = ARENA_NEW(item->arena, struct problem_error);
    *error = (struct problem_error){text_of(pointer), code, detail};
    problem->errors = error;
    problem->error_count = 1;
}

static enum money_result to_minor(const struct asked_amount *asked, int exponent, int64_t *out)
{
    return decimal_to_minor(asked->decimal, asked->is_minor ? 0 : exponent, out);
}

bool asked_amount_minor(struct item *item, const struct asked_amount *asked,
                        const struct currency *currency, const char *pointer, int64_t *minor_out)
{
    struct text detail = TEXT_NONE;
    switch (to_minor(asked, currency->exponent, minor_out)) {
    case MONEY_OK:
        return true;
    case MONEY_PRECISION:
        detail = text_format(item->arena, "%s has %d decimal places; the amount has more",
                             currency->code, currency->exponent);
        item_refuse(item, PROBLEM_AMOUNT_PRECISION, detail.data);
        item_add_error(item, pointer, "amount_precision", detail);
        return false;
    case MONEY_OUT_OF_RANGE:
        detail = text_format(item->arena, "at most %lld minor units", (long long)AMOUNT_MINOR_MAX);
        item_refuse(item, PROBLEM_AMOUNT_OUT_OF_RANGE, detail.data);
        item_add_error(item, pointer, "amount_out_of_range", detail);
        return false;
    }
    UNREACHABLE();
}

void item_render(struct item *item)
{
    struct answer *answer = &item->answer;
    if (answer->kind == ANSWER_NONE || item->arena == NULL)
        return;
    if (answer->kind == ANSWER_PROBLEM) {
        answer->body = problem_write(item->arena, &answer->problem);
        return;
    }
    struct text_builder b;
    struct json_writer w;
    text_builder_init(&b, item->arena, 1536);
    json_writer_init(&w, &b);
    if (answer->kind == ANSWER_AUTHORIZATION)
        authorization_write(&w, NULL, &answer->view);
    else
        account_write(&w, NULL, answer->account);
    answer->body = text_builder_text(&b);
}
