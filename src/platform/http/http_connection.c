#include "platform/http/http_loop.h"

#include "base/assert.h"
#include "platform/clock.h"
#include "platform/http/http_metrics.h"
#include "platform/http/http_span.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a quiet connection costs; an ordinary request fits. */
static const size_t IN_SIZE_FIRST = 4096;
/* Lines and gaps between chunks, beside the largest head, body and trailers. */
static const size_t IN_SIZE_EXTRA = 4096;
/* How long, and how much per visit, is read and dropped after the last answer. */
static const int64_t LINGER_US = 1000000;
static const int LINGER_READS_MAX = 16;

static bool advance(struct http_connection *c);

/* -- life -------------------------------------------------------------------------------------- */

static void rest_from(struct http_connection *c, int64_t now_us)
{
    c->state = CONNECTION_RECEIVING;
    c->head_is_whole = false;
    c->omits_body = false;
    c->first_byte_us = c->in_size > 0 ? now_us : 0;
    c->deadline_us = now_us + (int64_t)c->server->config.receive_ms * 1000;
    http_framing_init(&c->framing, c->server->config.header_size_max);
}

void http_connection_open(struct http_server *server, int socket, int64_t now_us)
{
    struct http_connection *c = calloc(1, sizeof *c);
    ASSERT(c != NULL);
    c->server = server;
    c->socket = socket;
    c->in = malloc(IN_SIZE_FIRST);
    ASSERT(c->in != NULL);
    c->in_capacity = IN_SIZE_FIRST;
    rest_from(c, now_us);

    c->next = server->connections;
    if (c->next != NULL)
        c->next->previous = c;
    server->connections = c;
    server->connection_count++;

    /* Edges, for both ways at once: nothing is asked of epoll again until the socket closes. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    ASSERT(epoll_ctl(server->epoll, EPOLL_CTL_ADD, socket, &event) == 0);
}

/* Counted from its whole head on, and before anybody looks whether the server drains: who drains
 * and then finds nothing open knows that no handler will be called again. */
static void begin_request(struct http_connection *c)
{
    c->is_counted = true;
    atomic_fetch_add(&c->server->open_requests, 1);
}

static void end_request(struct http_connection *c)
{
    if (c->is_counted)
        atomic_fetch_sub(&c->server->open_requests, 1);
    c->is_counted = false;
}

/* The exchange is still the handler's; its answer will find nobody. */
static void abandon_exchange(struct http_connection *c)
{
    c->exchange->connection = NULL;
    c->exchange = NULL;
}

void http_connection_close(struct http_connection *c)
{
    struct http_server *server = c->server;
    if (c->state == CONNECTION_KEPT)
        abandon_exchange(c);
    if (c->exchange != NULL)
        http_exchange_recycle(c->exchange);
    end_request(c);

    if (c->previous == NULL)
        server->connections = c->next;
    else
        c->previous->next = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    server->connection_count--;

    close(c->socket);
    free(c->in);
    free(c);
}

static bool close_now(struct http_connection *c)
{
    http_connection_close(c);
    return false;
}

/* -- bytes in ---------------------------------------------------------------------------------- */

/* Room for more of a request: by closing gaps first, then by doubling, never above what the
 * request may be. False: there is none, which the framing has no way to bring about. */
static bool make_room(struct http_connection *c)
{
    c->in_size = http_framing_compact(&c->framing, c->in, c->in_size);
    if (c->in_size < c->in_capacity)
        return true;
    const size_t header_size_max = c->framing.header_size_max; /* of trailers likewise */
    const size_t largest = header_size_max +
                           (c->head_is_whole ? c->framing.body_size_max + header_size_max : 0) +
                           IN_SIZE_EXTRA;
    if (c->in_capacity >= largest)
        return false;
    const size_t doubled = c->in_capacity * 2;
    const size_t capacity = doubled < largest ? doubled : largest;
    char *bigger = realloc(c->in, capacity);
    ASSERT(bigger != NULL);
    c->in = bigger;
    c->in_capacity = capacity;
    return true;
}

/* Reads once. True: something came. */
static bool read_more(struct http_connection *c)
{
    if (!make_room(c))
        return close_now(c);
    const size_t room = c->in_capacity - c->in_size;
    const ssize_t got = recv(c->socket, c->in + c->in_size, room, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        c->is_readable = false;
        return false;
    }
    if (got <= 0)
        return close_now(c);
    /* A short read has emptied the socket, so the next byte brings a new edge; an end that has
     * been announced already does not. */
    c->is_readable = (size_t)got == room || c->is_half_closed;
    c->in_size += (size_t)got;
    if (c->first_byte_us == 0) {
        c->first_byte_us = clock_monotonic_us();
        c->deadline_us = c->first_byte_us + (int64_t)c->server->config.receive_ms * 1000;
    }
    return true;
}

/* Takes the whole request away from the front; what was pipelined behind it moves up. */
static void drop_request_bytes(struct http_connection *c)
{
    c->in_size -= c->framing.at;
    memmove(c->in, c->in + c->framing.at, c->in_size);
    if (c->in_capacity == IN_SIZE_FIRST || c->in_size > IN_SIZE_FIRST)
        return;
    char *smaller = realloc(c->in, IN_SIZE_FIRST);
    ASSERT(smaller != NULL);
    c->in = smaller;
    c->in_capacity = IN_SIZE_FIRST;
}

/* -- requests ---------------------------------------------------------------------------------- */

static void send_from_start(struct http_connection *c, struct http_exchange *exchange)
{
    c->exchange = exchange;
    c->state = CONNECTION_SENDING;
    c->sent_size = 0;
    c->deadline_us = clock_monotonic_us() + (int64_t)c->server->config.receive_ms * 1000;
}

/* Answers in place of the handler. */
static void refuse(struct http_connection *c, enum http_refusal why, const char *detail,
                   bool keeps_alive)
{
    const struct http_server_config *config = &c->server->config;
    struct http_exchange *exchange = http_exchange_new(c->server);
    struct http_response response = {0};
    end_request(c); /* no handler has it any more */
    exchange->keeps_alive = keeps_alive;
    exchange->is_http_1_1 = c->framing.is_http_1_1;
    exchange->omits_body = c->omits_body;
    config->refuse(config->context, why, detail, exchange->request.arena, &response);
    http_exchange_render(exchange, &response);
    send_from_start(c, exchange);
}

static struct text text_at(const struct http_connection *c, struct http_span span)
{
    return (struct text){c->in + span.at, span.size};
}

static size_t body_size_max(const struct http_connection *c)
{
    const struct http_server_config *config = &c->server->config;
    struct text path;
    struct text query;
    if (config->body_size_max_for == NULL)
        return config->body_size_max;
    http_target_split(text_at(c, c->framing.target), &path, &query);
    const size_t size_max =
        config->body_size_max_for(config->context, text_at(c, c->framing.method), path);
    ASSERT(size_max <= HTTP_BODY_SIZE_LARGEST);
    return size_max;
}

/* The head is whole: decides whether the body may come. */
static enum http_verdict begin_body(struct http_connection *c)
{
    struct http_framing *f = &c->framing;
    begin_request(c);
    c->head_is_whole = true;
    c->keeps_alive = http_framing_keeps_alive(f);
    c->omits_body = text_equals_c(text_at(c, f->method), "HEAD");
    f->body_size_max = body_size_max(c);
    if (atomic_load(&c->server->is_draining)) {
        f->refusal = HTTP_REFUSAL_DRAINING;
        f->detail = "the service is stopping";
        return HTTP_REFUSED;
    }
    const enum http_verdict verdict = http_body_read(f, c->in, c->in_size);
    static const char GO_ON[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (verdict == HTTP_MORE && f->expects_continue && f->is_http_1_1)
        send(c->socket, GO_ON, sizeof GO_ON - 1, MSG_NOSIGNAL);
    return verdict;
}

static enum http_verdict frame(struct http_connection *c)
{
    if (c->in_size == 0)
        return HTTP_MORE;
    if (c->head_is_whole)
        return http_body_read(&c->framing, c->in, c->in_size);
    const enum http_verdict verdict = http_head_read(&c->framing, c->in, c->in_size);
    return verdict == HTTP_WHOLE ? begin_body(c) : verdict;
}

static void hand_over(struct http_connection *c)
{
    struct http_server *server = c->server;
    struct http_exchange *exchange = http_exchange_new(server);
    const int64_t now_us = clock_monotonic_us();
    http_exchange_fill(exchange, &c->framing, c->in);
    exchange->connection = c;
    exchange->keeps_alive = c->keeps_alive;
    exchange->is_http_1_1 = c->framing.is_http_1_1;
    exchange->omits_body = c->omits_body;
    exchange->request.received_us = c->first_byte_us;
    exchange->request.deadline_us = now_us + (int64_t)server->config.respond_ms * 1000;
    if (server->config.traces)
        http_span_begin(&exchange->request);
    drop_request_bytes(c);

    c->exchange = exchange;
    c->state = CONNECTION_KEPT;
    c->deadline_us = exchange->request.deadline_us;
    pthread_mutex_lock(&server->mutex);
    server->out_count++;
    pthread_mutex_unlock(&server->mutex);
    server->config.handle(server->config.context, &exchange->request);
}

static bool receive(struct http_connection *c)
{
    switch (frame(c)) {
    case HTTP_MORE:
        return c->is_readable && read_more(c);
    case HTTP_WHOLE:
        hand_over(c);
        return true;
    case HTTP_REFUSED:
        refuse(c, c->framing.refusal, c->framing.detail, false);
        return true;
    }
    UNREACHABLE();
}

/* -- bytes out --------------------------------------------------------------------------------- */

static ssize_t send_rest(struct http_connection *c)
{
    const struct text rest = text_skip(c->exchange->answer, c->sent_size);
    return send(c->socket, rest.data, rest.size, MSG_NOSIGNAL);
}

static void measure(const struct http_connection *c, int64_t now_us)
{
    const struct metric *duration = c->server->config.duration;
    const struct http_request *request = &c->exchange->request;
    if (duration != NULL)
        http_metric_observe(
            duration, request->route, c->exchange->status, now_us - c->first_byte_us,
            request->trace_id != NULL ? request->trace_id : request->trace.trace_id);
    http_span_record(request, duration, c->exchange->status, now_us);
}

static bool send_answer(struct http_connection *c)
{
    const ssize_t sent = send_rest(c);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (sent < 0)
        return close_now(c);
    c->sent_size += (size_t)sent;
    if (c->sent_size < c->exchange->answer.size)
        return true;

    const bool keeps_alive = c->exchange->keeps_alive;
    const int64_t now_us = clock_monotonic_us();
    measure(c, now_us);
    http_exchange_recycle(c->exchange);
    c->exchange = NULL;
    end_request(c);
    if (keeps_alive) {
        rest_from(c, now_us);
        return true;
    }
    shutdown(c->socket, SHUT_WR);
    c->state = CONNECTION_LINGERING;
    c->is_readable = true;
    c->deadline_us = now_us + LINGER_US;
    return true;
}

/* What a fast peer still sends is left in the kernel, which slows it down; the next sweep visits
 * again. */
static bool linger(struct http_connection *c)
{
    static char dropped[16 * 1024];
    for (int count = 0; count < LINGER_READS_MAX; count++) {
        const ssize_t got = recv(c->socket, dropped, sizeof dropped, 0);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return false;
        if (got <= 0)
            return close_now(c);
    }
    return false;
}

/* -- what happens ------------------------------------------------------------------------------ */

/* One step. False: nothing can be done until something happens, or the connection is no more. */
static bool advance(struct http_connection *c)
{
    switch (c->state) {
    case CONNECTION_RECEIVING:
        return receive(c);
    case CONNECTION_KEPT:
        return false;
    case CONNECTION_SENDING:
        return send_answer(c);
    case CONNECTION_LINGERING:
        return linger(c);
    }
    UNREACHABLE();
}

static void advance_all(struct http_connection *c)
{
    while (advance(c))
        continue;
}

void http_connection_on_event(struct http_connection *c, uint32_t events)
{
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        http_connection_close(c);
        return;
    }
    c->is_readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
    c->is_half_closed |= (events & EPOLLRDHUP) != 0;
    advance_all(c);
}

void http_connection_on_answer(struct http_exchange *exchange)
{
    struct http_connection *c = exchange->connection;
    if (c == NULL) {
        http_exchange_recycle(exchange);
        return;
    }
    ASSERT(c->state == CONNECTION_KEPT && c->exchange == exchange);
    send_from_start(c, exchange);
    advance_all(c);
}

static void answer_in_place(struct http_connection *c, enum http_refusal why, const char *detail)
{
    abandon_exchange(c);
    refuse(c, why, detail, c->keeps_alive);
    advance_all(c);
}

void http_connection_on_sweep(struct http_connection *c, int64_t now_us)
{
    if (c->state == CONNECTION_LINGERING && now_us < c->deadline_us)
        advance_all(c);
    else if (now_us < c->deadline_us)
        return;
    else if (c->state == CONNECTION_KEPT)
        answer_in_place(c, HTTP_REFUSAL_TIMEOUT, "no answer in time; the outcome is unknown");
    else
        http_connection_close(c);
}

void http_connection_on_stop(struct http_connection *c)
{
    if (c->state == CONNECTION_KEPT) {
        abandon_exchange(c);
        refuse(c, HTTP_REFUSAL_DRAINING, "the service is stopping", false);
    }
    if (c->state == CONNECTION_SENDING)
        (void)send_rest(c);
    http_connection_close(c);
}
