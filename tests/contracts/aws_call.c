/* aws_call SERVICE CONNECTIONS DEADLINE_MS - makes calls as the services do, for test_aws.py.
 *
 * Each line of the input is a call: the action, a tab, the body. All of them go out in one run; for
 * each there is a line of output: {"outcome", "status", "code", "message", "reply", "tries",
 * "may_be_done"}. What stops the run is one line {"error"}. */
#include "base/arena.h"
#include "base/json.h"
#include "platform/aws/aws_client.h"
#include "platform/clock.h"
#include "platform/http/http_client.h"

#include <stdio.h>
#include <stdlib.h>

enum { CALLS_MAX = 1000 };
enum { SERVICE = 1, CONNECTIONS, DEADLINE_MS, ARGUMENTS };

static const size_t ARENA_SIZE_MAX = 256 * 1024 * 1024;

static size_t read_calls(struct arena *arena, struct aws_call **calls)
{
    char *line = NULL;
    size_t capacity = 0;
    size_t count = 0;
    for (ssize_t size; count < CALLS_MAX && (size = getline(&line, &capacity, stdin)) > 0;) {
        struct text rest = text_copy(arena, (struct text){line, (size_t)size - 1});
        calls[count] = ARENA_NEW(arena, struct aws_call);
        calls[count]->action = text_to_c(arena, text_cut(&rest, '\t'));
        calls[count++]->body = rest;
    }
    free(line);
    return count;
}

static void print(const struct text_builder *line)
{
    const struct text text = text_builder_text(line);
    printf("%.*s\n", TEXT_ARGS(text));
}

static void print_call(struct arena *arena, const struct aws_call *call)
{
    static const char *const OUTCOMES[] = {"done", "refused", "throttled", "failed"};
    struct text_builder line;
    struct json_writer w;
    text_builder_init(&line, arena, 512);
    json_writer_init(&w, &line);
    json_begin_object(&w, NULL);
    json_write_text(&w, "outcome", text_of(OUTCOMES[call->outcome]));
    json_write_i64(&w, "status", call->status);
    json_write_text(&w, "code", call->code);
    json_write_text(&w, "message", call->message);
    json_write_text(&w, "reply", call->reply);
    json_write_i64(&w, "tries", call->tries);
    json_write_bool(&w, "may_be_done", call->may_be_done);
    json_end_object(&w);
    print(&line);
}

static int complain(struct arena *arena, const struct error *err)
{
    struct text_builder line;
    struct json_writer w;
    text_builder_init(&line, arena, 512);
    json_writer_init(&w, &line);
    json_begin_object(&w, NULL);
    json_write_text(&w, "error", text_of(err->message));
    json_end_object(&w);
    print(&line);
    return 0;
}

static int run(struct arena *arena, struct aws_client *client, int deadline_ms)
{
    struct aws_call *calls[CALLS_MAX];
    struct error err;
    const struct aws_batch batch = {calls, read_calls(arena, calls),
                                    clock_monotonic_us() + deadline_ms * INT64_C(1000)};
    if (aws_client_run(client, arena, &batch, &err) != OK)
        return complain(arena, &err);
    for (size_t at = 0; at < batch.count; at++)
        print_call(arena, calls[at]);
    return 0;
}

static bool find_service(const char *name, enum aws_service *service_out)
{
    static const char *const NAMES[] = {"dynamodb", "sns", "sqs"};
    for (size_t at = 0; at < sizeof NAMES / sizeof NAMES[0]; at++)
        if (strcmp(NAMES[at], name) == 0) {
            *service_out = (enum aws_service)at;
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    struct aws_client_config config = {0};
    struct aws_client *client = NULL;
    struct error err;
    if (argc != ARGUMENTS || !find_service(argv[SERVICE], &config.service))
        return 2;
    http_client_init_all();
    struct arena *arena = arena_new(ARENA_SIZE_MAX);
    config.connections_max = (int)strtol(argv[CONNECTIONS], NULL, 10);
    int code = 0;
    if (aws_client_new(&config, &client, &err) != OK)
        code = complain(arena, &err);
    else
        code = run(arena, client, (int)strtol(argv[DEADLINE_MS], NULL, 10));
    aws_client_free(client);
    arena_free(arena);
    return code;
}
