/* http_door.h - a server under test with a handler whose manner the path tells.
 *
 *   /now         answered at once, on the server's thread; the body is "<method> <body>"
 *   /late        answered by one of two other threads, a moment later and out of order
 *   /kept        answered when the test says door_answer_kept
 *   anything else as /now
 *
 * A refusal's body is "<number of the refusal>". */
#ifndef TESTS_UNIT_PLATFORM_HTTP_DOOR_H
#define TESTS_UNIT_PLATFORM_HTTP_DOOR_H

#include "check.h"

#include "platform/clock.h"
#include "platform/http/http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { DOOR_REQUESTS_MAX = 2048, DOOR_ANSWERERS = 2 };

struct door {
    struct http_server *server;
    int port;
    pthread_t answerers[DOOR_ANSWERERS];
    pthread_mutex_t mutex;
    struct http_request *late[DOOR_REQUESTS_MAX];
    int late_count;
    struct http_request *kept[DOOR_REQUESTS_MAX];
    int kept_count;
    bool ends;
};

/* The limits of a door unless a test says otherwise. */
#define DOOR_CONFIG                                                                                \
    ((struct http_server_config){.address = "127.0.0.1",                                           \
                                 .header_size_max = 1024,                                          \
                                 .body_size_max = 1000,                                            \
                                 .connections_max = 1024,                                          \
                                 .receive_ms = 5000,                                               \
                                 .respond_ms = 5000})

static inline void door_sleep_ms(int ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

static inline void door_answer(struct http_request *request)
{
    const struct text body = text_format(request->arena, "%.*s %.*s", TEXT_ARGS(request->method),
                                         TEXT_ARGS(request->body));
    http_respond(request, &(struct http_response){
                              .status = 200, .content_type = "text/plain", .body = body});
}

static inline void *door_run_answerer(void *argument)
{
    struct door *door = argument;
    for (;;) {
        door_sleep_ms(1);
        pthread_mutex_lock(&door->mutex);
        const bool ends = door->ends && door->late_count == 0;
        struct http_request *request =
            door->late_count == 0 ? NULL : door->late[--door->late_count];
        pthread_mutex_unlock(&door->mutex);
        if (request != NULL)
            door_answer(request);
        if (ends)
            return NULL;
    }
}

static inline void door_handle(void *context, struct http_request *request)
{
    struct door *door = context;
    const bool is_late = text_equals_c(request->path, "/late");
    const bool is_kept = text_equals_c(request->path, "/kept");
    pthread_mutex_lock(&door->mutex);
    ASSERT(door->late_count < DOOR_REQUESTS_MAX && door->kept_count < DOOR_REQUESTS_MAX);
    if (is_late)
        door->late[door->late_count++] = request;
    if (is_kept)
        door->kept[door->kept_count++] = request;
    pthread_mutex_unlock(&door->mutex);
    if (!is_late && !is_kept)
        door_answer(request);
}

static inline void door_refuse(void *context, enum http_refusal why, const char *detail,
                               struct arena *arena, struct http_response *response_out)
{
    (void)context;
    ASSERT(detail != NULL);
    static const int STATUS[] = {
        [HTTP_REFUSAL_MALFORMED] = 400,    [HTTP_REFUSAL_BODY_TOO_LARGE] = 413,
        [HTTP_REFUSAL_URI_TOO_LONG] = 414, [HTTP_REFUSAL_HEADER_TOO_LARGE] = 431,
        [HTTP_REFUSAL_TIMEOUT] = 504,      [HTTP_REFUSAL_DRAINING] = 503,
    };
    *response_out = (struct http_response){.status = STATUS[why],
                                           .content_type = "application/problem+json",
                                           .body = text_format(arena, "%d", (int)why)};
}

static inline struct door *door_open(struct http_server_config config)
{
    struct error err;
    struct door *door = calloc(1, sizeof *door);
    assert_non_null(door);
    pthread_mutex_init(&door->mutex, NULL);
    config.context = door;
    config.handle = door_handle;
    config.refuse = door_refuse;
    assert_int_equal(http_server_start(&config, &door->server, &err), OK);
    door->port = http_server_port(door->server);
    for (int at = 0; at < DOOR_ANSWERERS; at++)
        assert_int_equal(pthread_create(&door->answerers[at], NULL, door_run_answerer, door), 0);
    return door;
}

/* How many requests to /kept have come and wait. */
static inline int door_kept_count(struct door *door)
{
    pthread_mutex_lock(&door->mutex);
    const int count = door->kept_count;
    pthread_mutex_unlock(&door->mutex);
    return count;
}

static inline void door_wait_kept(struct door *door, int count)
{
    for (int waited_ms = 0; door_kept_count(door) < count; waited_ms++) {
        assert_true(waited_ms < 5000);
        door_sleep_ms(1);
    }
}

static inline bool door_takes_connections(struct door *door)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)door->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int peer = socket(AF_INET, SOCK_STREAM, 0);
    const bool is_taken = connect(peer, (const struct sockaddr *)&address, sizeof address) == 0;
    close(peer);
    return is_taken;
}

/* The server's thread closes its listener in its own time. */
static inline void door_wait_refuses(struct door *door)
{
    for (int waited_ms = 0; door_takes_connections(door); waited_ms++) {
        assert_true(waited_ms < 5000);
        door_sleep_ms(1);
    }
}

static inline void door_wait_open_requests(struct door *door, int count)
{
    for (int waited_ms = 0; http_server_open_requests(door->server) != count; waited_ms++) {
        assert_true(waited_ms < 5000);
        door_sleep_ms(1);
    }
}

/* Answers all that waits, the newest first. */
static inline void door_answer_kept(struct door *door)
{
    pthread_mutex_lock(&door->mutex);
    while (door->kept_count > 0)
        door_answer(door->kept[--door->kept_count]);
    pthread_mutex_unlock(&door->mutex);
}

/* What is still kept is answered after the server has stopped: late, and harmless. */
static inline void door_close(struct door *door)
{
    http_server_stop(door->server);
    pthread_mutex_lock(&door->mutex);
    door->ends = true;
    pthread_mutex_unlock(&door->mutex);
    for (int at = 0; at < DOOR_ANSWERERS; at++)
        pthread_join(door->answerers[at], NULL);
    door_answer_kept(door);
    pthread_mutex_destroy(&door->mutex);
    free(door);
}

#endif
