#include "platform/http/http_server.h"

#include "base/assert.h"
#include "platform/clock.h"
#include "platform/http/http_loop.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 256 };

static const int SWEEP_MS = 50;
static const int LISTEN_BACKLOG = 1024;

/* -- listening --------------------------------------------------------------------------------- */

/* A listening socket, not blocking; accepted sockets inherit that nothing waits for full
 * packets. */
static int listen_on(const struct addrinfo *address)
{
    const int on = 1;
    const int listener =
        socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (listener < 0)
        return -1;
    const bool is_listening = setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                              setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
                              bind(listener, address->ai_addr, address->ai_addrlen) == 0 &&
                              listen(listener, LISTEN_BACKLOG) == 0;
    if (is_listening)
        return listener;
    const int reason = errno;
    close(listener);
    errno = reason;
    return -1;
}

static enum status open_listener(const struct http_server_config *config, int *listener_out,
                                 struct error *err)
{
    char port[16];
    struct addrinfo *found = NULL;
    const struct addrinfo wanted = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                    .ai_socktype = SOCK_STREAM};
    snprintf(port, sizeof port, "%d", config->port);
    const int reason = getaddrinfo(config->address, port, &wanted, &found);
    if (reason != 0)
        return error_set(err, ERR_INVALID, "cannot find the address '%s': %s", config->address,
                         gai_strerror(reason));
    const int listener = listen_on(found);
    const int why = errno;
    freeaddrinfo(found);
    if (listener < 0)
        return error_set(err, why == EADDRINUSE ? ERR_CONFLICT : ERR_BROKEN,
                         "cannot listen on '%s' port %d: %s", config->address, config->port,
                         strerror(why));
    *listener_out = listener;
    return OK;
}

static int port_of(int listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char port[16];
    ASSERT(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    ASSERT(getnameinfo((struct sockaddr *)&address, size, NULL, 0, port, sizeof port,
                       NI_NUMERICSERV) == 0);
    int64_t number = 0;
    ASSERT(text_to_i64(text_of(port), &number));
    return (int)number;
}

/* -- the loop ---------------------------------------------------------------------------------- */

/* Those above connections_max, or beyond the process's open files, wait in the kernel's queue. */
static void accept_all(struct http_server *server)
{
    server->accept_waits = false;
    while (server->listener >= 0) {
        if (server->connection_count >= server->config.connections_max) {
            server->accept_waits = true;
            return;
        }
        const int socket = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (socket >= 0) {
            http_connection_open(server, socket, clock_monotonic_us());
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR)
            continue;
        server->accept_waits = errno != EAGAIN && errno != EWOULDBLOCK;
        return;
    }
}

static struct http_exchange_list take_answers(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    const struct http_exchange_list answers = server->answers;
    server->answers = (struct http_exchange_list){0};
    pthread_mutex_unlock(&server->mutex);
    return answers;
}

static void send_answers(struct http_server *server)
{
    struct http_exchange_list answers = take_answers(server);
    struct http_exchange *exchange;
    while ((exchange = http_exchange_list_take(&answers)) != NULL)
        http_connection_on_answer(exchange);
}

static void sweep(struct http_server *server, int64_t now_us)
{
    struct http_connection *c = server->connections;
    while (c != NULL) {
        struct http_connection *next = c->next;
        http_connection_on_sweep(c, now_us);
        c = next;
    }
}

/* A handler may have answered at once, on this thread, without waking anybody. */
static int wait_ms(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    const bool has_answers = server->answers.first != NULL;
    pthread_mutex_unlock(&server->mutex);
    if (has_answers)
        return 0;
    return server->connections != NULL || server->accept_waits ? SWEEP_MS : -1;
}

/* Orders and answers wake the loop by `wake`; both are looked at in every round. */
static void on_event(struct http_server *server, const struct epoll_event *event)
{
    eventfd_t count;
    if (event->data.ptr == &server->wake)
        (void)eventfd_read(server->wake, &count);
    else if (event->data.ptr == &server->listener)
        server->accept_waits = true;
    else
        http_connection_on_event(event->data.ptr, event->events);
}

/* Whoever the kernel has connected already is still served, with a refusal. */
static void stop_listening(struct http_server *server)
{
    accept_all(server);
    close(server->listener);
    server->listener = -1;
}

static void stop_all(struct http_server *server)
{
    send_answers(server);
    while (server->connections != NULL)
        http_connection_on_stop(server->connections);
}

static void *run_loop(void *argument)
{
    struct http_server *server = argument;
    struct epoll_event events[EVENTS_MAX];
    int64_t swept_us = 0;
    server->loop = pthread_self();
    while (!atomic_load(&server->is_stopping)) {
        const int count = epoll_wait(server->epoll, events, EVENTS_MAX, wait_ms(server));
        for (int at = 0; at < count; at++)
            on_event(server, &events[at]);
        send_answers(server);
        if (server->accept_waits)
            accept_all(server);
        if (server->listener >= 0 && atomic_load(&server->is_draining))
            stop_listening(server);
        const int64_t now_us = clock_monotonic_us();
        if (now_us - swept_us < SWEEP_MS * 1000)
            continue;
        sweep(server, now_us);
        swept_us = now_us;
    }
    stop_all(server);
    return NULL;
}

/* -- life -------------------------------------------------------------------------------------- */

static void watch(struct http_server *server, int *descriptor)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = descriptor};
    ASSERT(epoll_ctl(server->epoll, EPOLL_CTL_ADD, *descriptor, &event) == 0);
}

/* Signals are the main thread's. */
static void start_thread(struct http_server *server)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    ASSERT(pthread_create(&server->thread, NULL, run_loop, server) == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

enum status http_server_start(const struct http_server_config *config,
                              struct http_server **server_out, struct error *err)
{
    ASSERT(config->handle != NULL && config->refuse != NULL);
    ASSERT(config->header_size_max > 0 && config->connections_max > 0);
    ASSERT(config->body_size_max <= HTTP_BODY_SIZE_LARGEST);
    ASSERT(config->receive_ms > 0 && config->respond_ms > 0);
    int listener = -1;
    TRY(open_listener(config, &listener, err));

    struct http_server *server = calloc(1, sizeof *server);
    ASSERT(server != NULL);
    server->config = *config;
    server->config.address = NULL; /* the caller's */
    server->listener = listener;
    server->port = port_of(listener);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ASSERT(server->epoll >= 0 && server->wake >= 0);
    pthread_mutex_init(&server->mutex, NULL);
    watch(server, &server->listener);
    watch(server, &server->wake);
    start_thread(server);
    *server_out = server;
    return OK;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

int http_server_open_requests(const struct http_server *server)
{
    return atomic_load(&server->open_requests);
}

void http_server_drain(struct http_server *server)
{
    atomic_store(&server->is_draining, true);
    ASSERT(eventfd_write(server->wake, 1) == 0);
}

void http_server_free(struct http_server *server)
{
    http_exchange_free_all(&server->answers);
    http_exchange_free_all(&server->pool);
    pthread_mutex_destroy(&server->mutex);
    free(server);
}

void http_server_stop(struct http_server *server)
{
    if (server == NULL)
        return;
    http_server_drain(server);
    atomic_store(&server->is_stopping, true);
    ASSERT(eventfd_write(server->wake, 1) == 0);
    pthread_join(server->thread, NULL);

    pthread_mutex_lock(&server->mutex);
    server->is_stopped = true;
    const bool is_last = server->out_count == 0;
    if (server->listener >= 0)
        close(server->listener);
    close(server->wake);
    close(server->epoll);
    pthread_mutex_unlock(&server->mutex);
    if (is_last)
        http_server_free(server);
}
