#include "platform/keystore/dynamodb_ask.h"

#include "base/arena.h"
#include "base/json.h"
#include "platform/aws/aws_client.h"

/* ---- calls --------------------------------------------------------------------------------- */

static void run(struct dynamodb_asking *asking, struct aws_call *calls, size_t count)
{
    struct error err;
    struct aws_call **list = ARENA_NEW_ARRAY(asking->arena, struct aws_call *, count);
    for (size_t at = 0; at < count; at++)
        list[at] = &calls[at];
    const struct aws_batch batch = {list, count, asking->deadline_us};
    if (aws_client_run(asking->client, asking->arena, &batch, &err) != OK)
        calls[0].message = text_copy(asking->arena, text_of(err.message)); /* the first is logged */
}

static void note_trouble(struct dynamodb_asking *asking, const struct aws_call *call)
{
    if (asking->trouble == NULL)
        asking->trouble = call;
}

/* ---- singly -------------------------------------------------------------------------------- */

static const char *action_of(enum dynamodb_verb verb)
{
    static const char *const ACTIONS[] = {
        [DYNAMODB_CLAIM] = "PutItem",
        [DYNAMODB_COMPLETE] = "UpdateItem",
        [DYNAMODB_RELEASE] = "DeleteItem",
    };
    return ACTIONS[verb];
}

static void read_single(struct dynamodb_asking *asking, struct dynamodb_request *request,
                        const struct aws_call *call)
{
    request->reply = call->reply;
    request->may_be_done |= call->may_be_done;
    if (call->outcome == AWS_DONE)
        request->answer = DYNAMODB_YES;
    else if (text_equals_c(call->code, "ConditionalCheckFailedException"))
        request->answer = DYNAMODB_NO;
    else
        note_trouble(asking, call);
}

static void ask_singly(struct dynamodb_asking *asking, struct dynamodb_request *const *requests,
                       size_t count)
{
    if (count == 0)
        return;
    struct aws_call *calls = ARENA_NEW_ARRAY(asking->arena, struct aws_call, count);
    for (size_t at = 0; at < count; at++)
        calls[at] = (struct aws_call){
            .action = action_of(requests[at]->verb),
            .body = dynamodb_write_call(asking->arena, asking->claimant, requests[at]->verb,
                                        requests[at]->claim),
        };
    run(asking, calls, count);
    for (size_t at = 0; at < count; at++)
        read_single(asking, requests[at], &calls[at]);
}

/* ---- as statements ------------------------------------------------------------------------- */

static struct text write_statements(const struct dynamodb_asking *asking,
                                    const struct dynamodb_request *requests, size_t count)
{
    struct text_builder out;
    struct json_writer w;
    text_builder_init(&out, asking->arena, 16 * 1024);
    json_writer_init(&w, &out);
    json_begin_object(&w, NULL);
    json_begin_array(&w, "Statements");
    for (size_t at = 0; at < count; at++)
        dynamodb_write_statement(&w, asking->arena, asking->claimant, requests[at].verb,
                                 requests[at].claim);
    json_end_array(&w);
    json_end_object(&w);
    return text_builder_text(&out);
}

/* {"Responses": [{}, {"Error": {..}}, ..]}; NULL: not one for each. */
static const struct json_value *read_responses(const struct dynamodb_asking *asking,
                                               const struct aws_call *call, size_t count)
{
    struct json_value *whole = ARENA_NEW(asking->arena, struct json_value);
    if (call->outcome != AWS_DONE || json_parse(asking->arena, call->reply, whole, NULL) != OK)
        return NULL;
    const struct json_value *list = json_get(whole, "Responses");
    return list != NULL && list->type == JSON_ARRAY && list->count == count ? list : NULL;
}

/* Where the call had an answer, what a statement did not do is open: it is asked singly. Where it
 * had none, there is nothing more to ask. */
static size_t read_statements(struct dynamodb_asking *asking, struct dynamodb_request *requests,
                              size_t count, const struct aws_call *call,
                              struct dynamodb_request **open_out)
{
    size_t open = 0;
    const struct json_value *responses = read_responses(asking, call, count);
    if (responses == NULL)
        note_trouble(asking, call);
    for (size_t at = 0; at < count; at++) {
        requests[at].may_be_done = responses == NULL && call->may_be_done;
        if (responses == NULL)
            continue;
        if (json_get(&responses->items[at], "Error") == NULL)
            requests[at].answer = DYNAMODB_YES;
        else
            open_out[open++] = &requests[at];
    }
    return open;
}

static size_t size_of_part(size_t count, size_t part)
{
    const size_t left = count - part * DYNAMODB_STATEMENTS_MAX;
    return left < DYNAMODB_STATEMENTS_MAX ? left : DYNAMODB_STATEMENTS_MAX;
}

/* Says how many requests are open afterwards. */
static size_t ask_as_statements(struct dynamodb_asking *asking, struct dynamodb_request *requests,
                                size_t count, struct dynamodb_request **open_out)
{
    const size_t parts = (count + DYNAMODB_STATEMENTS_MAX - 1) / DYNAMODB_STATEMENTS_MAX;
    struct aws_call *calls = ARENA_NEW_ARRAY(asking->arena, struct aws_call, parts);
    size_t open = 0;
    for (size_t part = 0; part < parts; part++)
        calls[part] = (struct aws_call){
            .action = "BatchExecuteStatement",
            .body = write_statements(asking, &requests[part * DYNAMODB_STATEMENTS_MAX],
                                     size_of_part(count, part)),
        };
    run(asking, calls, parts);
    for (size_t part = 0; part < parts; part++)
        open += read_statements(asking, &requests[part * DYNAMODB_STATEMENTS_MAX],
                                size_of_part(count, part), &calls[part], open_out + open);
    return open;
}

void dynamodb_ask(struct dynamodb_asking *asking, struct dynamodb_request *requests, size_t count)
{
    struct dynamodb_request **open =
        ARENA_NEW_ARRAY(asking->arena, struct dynamodb_request *, count);
    size_t open_count = count;
    asking->trouble = NULL;
    for (size_t at = 0; at < count; at++) {
        requests[at].answer = DYNAMODB_SILENCE;
        requests[at].reply = TEXT_NONE;
        requests[at].may_be_done = false;
        open[at] = &requests[at];
    }
    if (count > DYNAMODB_SINGLES_MAX)
        open_count = ask_as_statements(asking, requests, count, open);
    ask_singly(asking, open, open_count);
}
