#include "authorization/spans.h"

#include "base/assert.h"

static const char *word_of(enum item_op op)
{
    switch (op) {
    case ITEM_AUTHORIZE:
        return "authorize";
    case ITEM_VOID:
        return "void";
    case ITEM_PUT_ACCOUNT:
        return "put_account";
    case ITEM_RELEASE:
    case ITEM_EXPIRE:
        break;
    }
    UNREACHABLE(); /* the door brings the first three alone */
}

static const char *problem_of(const struct answer *answer)
{
    return answer->kind == ANSWER_PROBLEM ? problem_name(answer->problem.code) : NULL;
}

static const char *decision_of(const char *code)
{
    if (code == NULL)
        return NULL;
    return strcmp(code, "approved") == 0 ? "approved" : "declined";
}

void item_span_record(const struct item *item, int64_t brought_us, size_t batch_size)
{
    if (!tracing_wants(&item->trace))
        return;
    const struct answer *answer = &item->answer;
    const char *const problem = problem_of(answer);
    const char *const code = item->op == ITEM_AUTHORIZE ? answer->decision_code : NULL;
    struct span span = {
        .type = SPAN_DECIDE,
        .context = item->trace,
        .word = word_of(item->op),
        .begun_us = brought_us,
        .error = answer->http_status >= 500 ? problem : NULL,
        .attributes = SPAN_ATTRIBUTE_LIST(
            span_uuid(ATTRIBUTE_AUTHORIZATION_ID, &answer->authorization_id),
            span_str(ATTRIBUTE_DECISION, decision_of(code)),
            span_str(ATTRIBUTE_DECISION_REASON, code), span_str(ATTRIBUTE_PROBLEM_CODE, problem),
            answer->replayed ? span_bool(ATTRIBUTE_REPLAYED, true)
                             : span_str(ATTRIBUTE_REPLAYED, NULL),
            span_i64(ATTRIBUTE_BATCH_SIZE, (int64_t)batch_size)),
    };
    memcpy(span.parent_id, item->parent_span, sizeof span.parent_id);
    tracing_record(&span);
}

void expiry_span_record(const struct batch_authorization *expired, int64_t begun_us)
{
    tracing_record(&(struct span){
        .type = SPAN_EXPIRE,
        .context = expired->trace,
        .begun_us = begun_us,
        .attributes =
            SPAN_ATTRIBUTE_LIST(span_uuid(ATTRIBUTE_AUTHORIZATION_ID, &expired->authorization.id)),
    });
}
