#include "ledger/routes.h"

#include "base/arena.h"
#include "base/assert.h"
#include "ledger/metrics.h"
#include "ledger/read.h"
#include "ledger/store.h"
#include "platform/http/http_problem.h"
#include "platform/log/log.h"
#include "platform/worker.h"

enum {
    HEADER_SIZE_MAX = 16 * 1024,
    CONNECTIONS_MAX = 256,
    TIME_MS = 5000,
    QUEUE_MAX = 1024,
    BATCH_MAX = 16,
    READER_ARENA_SIZE_MAX = 16 * 1024 * 1024,
    RETRY_AFTER_MS = 1000,
};

struct ledger_door {
    const struct ledger_config *config;
    struct worker_pool *readers;
    struct http_server *server;
};

static void refuse(struct http_request *request, enum problem_code code, const char *detail)
{
    const struct problem problem = {
        .code = code,
        .detail = text_of(detail),
        .retry_after_ms = problem_is_retryable(code) ? RETRY_AFTER_MS : 0,
    };
    respond_problem(request, &problem);
}

static void refuse_method(struct http_request *request)
{
    const struct problem problem = {.code = PROBLEM_METHOD_NOT_ALLOWED};
    struct http_response response = problem_to_response(request->arena, &problem);
    size_t at = 0;
    while (response.headers[at].name != NULL)
        at++;
    ASSERT(at < HTTP_RESPONSE_HEADERS_MAX);
    response.headers[at] = (struct http_header){"Allow", TEXT("GET")};
    http_respond(request, &response);
}

/* ---- on the server's thread: what is asked? ---------------------------------------------------
 */

/* /internal/accounts/{account_id}/entries */
static bool parse_path(struct text path, struct ledger_question *question)
{
    static const char PREFIX[] = "/internal/accounts/";
    if (!text_starts_with(path, PREFIX))
        return false;
    struct text rest = text_skip(path, sizeof PREFIX - 1);
    if (!uuid_parse(text_cut(&rest, '/'), &question->account_id))
        return false;
    question->asks_entries = text_equals_c(rest, "entries");
    return question->asks_entries || text_equals_c(rest, "balance");
}

static void handle(void *context, struct http_request *request)
{
    const struct ledger_door *door = context;
    if (!service_authenticate(&door->config->service, request))
        return;
    struct ledger_question *question = ARENA_NEW(request->arena, struct ledger_question);
    const char *why = NULL;
    if (!parse_path(request->path, question)) {
        refuse(request, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (!text_equals_c(request->method, "GET")) {
        refuse_method(request);
        return;
    }
    request->route = question->asks_entries ? ROUTE_ENTRIES : ROUTE_BALANCE;
    if (question->asks_entries && !ledger_question_read_page(request, question, &why))
        refuse(request, PROBLEM_PARAMETER_INVALID, why);
    else {
        request->context = question;
        if (!worker_pool_submit(door->readers, (unsigned)lane_of(&question->account_id), request))
            refuse(request, PROBLEM_BACKPRESSURE, NULL);
    }
}

/* ---- on a reader's thread: the answer ---------------------------------------------------------
 */

static void open_reader(struct worker *worker)
{
    const struct ledger_door *door = worker->shared;
    struct db_config config = service_db_config(&door->config->service, "ledger");
    config.statements[0] = ledger_store_statements;
    config.timeout_ms = TIME_MS;
    worker->context = db_new(&config);
}

static void close_reader(struct worker *worker)
{
    db_free(worker->context);
}

static enum problem_code problem_of(enum status status)
{
    if (status == ERR_NOT_FOUND)
        return PROBLEM_NOT_FOUND;
    if (status == ERR_TIMEOUT)
        return PROBLEM_DEADLINE_EXCEEDED;
    if (status == ERR_DOWN || status == ERR_UNKNOWN || status == ERR_CONFLICT)
        return PROBLEM_DEPENDENCY_DOWN;
    return PROBLEM_INTERNAL;
}

static void answer(struct worker *worker, struct http_request *request)
{
    struct error err;
    struct text body;
    const enum status status =
        ledger_question_answer(worker->context, worker->arena, request->context, &body, &err);
    if (status == OK) {
        respond_json(request, 200, body);
        return;
    }
    const enum problem_code code = problem_of(status);
    if (code != PROBLEM_NOT_FOUND)
        log_error(NULL, "ledger.read_failed", "a question could not be answered",
                  kv_str("status", status_name(status)), kv_str("error", err.message));
    refuse(request, code, NULL);
}

static void run_reader(struct worker *worker, void **items, size_t count)
{
    for (size_t at = 0; at < count; at++)
        answer(worker, items[at]);
}

/* ---- start and stop ---------------------------------------------------------------------------
 */

static enum status start_server(struct ledger_door *door, struct error *err)
{
    const struct http_server_config config = {
        .address = door->config->service.listen_address,
        .port = (int)door->config->port,
        .header_size_max = HEADER_SIZE_MAX,
        .body_size_max = 0,
        .connections_max = CONNECTIONS_MAX,
        .receive_ms = TIME_MS,
        .respond_ms = TIME_MS,
        .context = door,
        .traces = true,
        .duration = &METRIC_LEDGER_HTTP,
        .handle = handle,
        .refuse = refuse_by_problem,
    };
    return http_server_start(&config, &door->server, err);
}

enum status ledger_door_start(const struct ledger_config *config, struct arena *arena,
                              struct ledger_door **door_out, struct error *err)
{
    struct ledger_door *door = ARENA_NEW(arena, struct ledger_door);
    door->config = config;
    const struct worker_pool_config readers = {
        .name = "reader",
        .workers = (int)config->readers,
        .queue_max = QUEUE_MAX,
        .batch_max = BATCH_MAX,
        .arena_size_max = READER_ARENA_SIZE_MAX,
        .shared = door,
        .open = open_reader,
        .run = run_reader,
        .close = close_reader,
    };
    door->readers = worker_pool_start(&readers);
    const enum status status = start_server(door, err);
    if (status != OK) {
        ledger_door_stop(door);
        return status;
    }
    *door_out = door;
    return OK;
}

void ledger_door_drain(struct ledger_door *door)
{
    http_server_drain(door->server);
}

int ledger_door_open_requests(const struct ledger_door *door)
{
    return http_server_open_requests(door->server);
}

/* The server first, so that nothing is submitted to a pool that is gone; late answers are allowed.
 */
void ledger_door_stop(struct ledger_door *door)
{
    if (door == NULL)
        return;
    http_server_stop(door->server);
    worker_pool_stop(door->readers);
}
