#include "authorization/routes.h"

#include "authorization/metrics.h"
#include "base/arena.h"
#include "base/assert.h"

enum {
    HEADER_SIZE_MAX = 8 * 1024,
    BODY_SIZE_MAX = 4 * 1024 * 1024, /* a hop of a thousand items */
    CONNECTIONS_MAX = 256,
    RECEIVE_MS = 10000,
    RESPOND_MS = 65000, /* items carry their own, shorter deadlines */
    READERS = 2,
};

static const size_t ARENA_SIZE_MAX = 256u * 1024 * 1024;

static void refuse_path(struct http_request *request, bool known, const char *methods)
{
    const struct problem problem = {.code = known ? PROBLEM_METHOD_NOT_ALLOWED : PROBLEM_NOT_FOUND,
                                    .detail = text_of(methods)};
    respond_problem(request, &problem);
}

/* The lane of a hop's first item: it only picks the worker, so a wrong one costs no more than
 * waiting for each other's locks. */
static unsigned lane_of_hop(const struct http_request *request)
{
    int64_t lane = 0;
    const bool said = text_to_i64(http_request_header(request, "Tallystick-Lane"), &lane);
    return said ? (unsigned)(lane % 64) : 0;
}

static void submit(const struct door *door, struct http_request *request, struct worker_pool *pool,
                   unsigned lane)
{
    if (worker_pool_submit(pool, lane, request))
        return;
    if (pool == door->writers)
        metric_count(&METRIC_AUTHORIZATION_SHED, SHED_QUEUE_FULL);
    const struct problem problem = {.code = PROBLEM_BACKPRESSURE, .retry_after_ms = 1000};
    respond_problem(request, &problem);
}

static enum authorization_route route_of(const struct http_request *request)
{
    if (text_equals(request->path, TEXT("/internal/authorizations")) &&
        text_equals(request->method, TEXT("POST")))
        return ROUTE_HOP;
    if (!text_equals(request->method, TEXT("GET")) || !door_reads(request->path))
        return ROUTE_NONE;
    return text_starts_with(request->path, "/internal/accounts") ? ROUTE_READ_ACCOUNTS
                                                                 : ROUTE_READ_AUTHORIZATIONS;
}

static void handle(void *context, struct http_request *request)
{
    struct door *door = context;
    request->route = route_of(request);
    if (!service_authenticate(&door->config->service, request))
        return;
    const bool is_hop = text_equals(request->path, TEXT("/internal/authorizations"));
    if (request->route == ROUTE_HOP)
        submit(door, request, door->writers, lane_of_hop(request));
    else if (request->route != ROUTE_NONE)
        submit(door, request, door->readers, door->next_reader++);
    else
        refuse_path(request, is_hop || door_reads(request->path), "use GET, or POST for a hop");
}

static struct worker_pool *start_writers(struct door *door)
{
    const struct worker_pool_config config = {.name = "decide",
                                              .workers = (int)door->config->workers,
                                              .queue_max = (size_t)door->config->queue_size,
                                              .batch_max = HOPS_PER_RUN,
                                              .arena_size_max = ARENA_SIZE_MAX,
                                              .shared = door,
                                              .open = door_open_writer,
                                              .run = door_run_writes,
                                              .close = door_close_writer};
    return worker_pool_start(&config);
}

static struct worker_pool *start_readers(struct door *door)
{
    const struct worker_pool_config config = {.name = "read",
                                              .workers = READERS,
                                              .queue_max = (size_t)door->config->queue_size,
                                              .batch_max = 1,
                                              .arena_size_max = ARENA_SIZE_MAX,
                                              .shared = door,
                                              .open = door_open_reader,
                                              .run = door_run_reads,
                                              .close = door_close_reader};
    return worker_pool_start(&config);
}

enum status door_start(struct door *door, struct error *err)
{
    const struct http_server_config config = {.address = door->config->service.listen_address,
                                              .port = (int)door->config->port,
                                              .header_size_max = HEADER_SIZE_MAX,
                                              .body_size_max = BODY_SIZE_MAX,
                                              .connections_max = CONNECTIONS_MAX,
                                              .receive_ms = RECEIVE_MS,
                                              .respond_ms = RESPOND_MS,
                                              .context = door,
                                              .traces = true,
                                              .duration = &METRIC_AUTHORIZATION_HTTP,
                                              .handle = handle,
                                              .refuse = refuse_by_problem};
    door->writers = start_writers(door);
    door->readers = start_readers(door);
    return http_server_start(&config, &door->server, err);
}

void door_drain(struct door *door)
{
    http_server_drain(door->server);
}

int door_busy(const struct door *door)
{
    return http_server_open_requests(door->server);
}

/* The server first, so that nothing is submitted to pools that are gone; late answers are allowed.
 */
void door_stop(struct door *door)
{
    http_server_stop(door->server);
    worker_pool_stop(door->writers);
    worker_pool_stop(door->readers);
}
