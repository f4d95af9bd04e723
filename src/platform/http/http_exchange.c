#include "platform/http/http_loop.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hex.h"
#include "platform/clock.h"
#include "platform/http/http_metrics.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>

/* Holds an ordinary request and its answer, so that the pool's memory is enough for them. */
static const size_t ARENA_SIZE_FIRST = 16 * 1024;
/* Far above the largest body, its copy as values, and its answer. */
static const size_t ARENA_SIZE_MAX = 64 * 1024 * 1024;

/* -- lists and the pool ------------------------------------------------------------------------ */

void http_exchange_list_add(struct http_exchange_list *list, struct http_exchange *exchange)
{
    exchange->next = NULL;
    if (list->last == NULL)
        list->first = exchange;
    else
        list->last->next = exchange;
    list->last = exchange;
}

struct http_exchange *http_exchange_list_take(struct http_exchange_list *list)
{
    struct http_exchange *exchange = list->first;
    if (exchange == NULL)
        return NULL;
    list->first = exchange->next;
    if (list->first == NULL)
        list->last = NULL;
    return exchange;
}

struct http_exchange *http_exchange_new(struct http_server *server)
{
    struct http_exchange *exchange = http_exchange_list_take(&server->pool);
    if (exchange == NULL) {
        exchange = malloc(sizeof *exchange);
        ASSERT(exchange != NULL);
        *exchange = (struct http_exchange){0};
        exchange->request.arena = arena_new_sized(ARENA_SIZE_FIRST, ARENA_SIZE_MAX);
    }
    struct arena *arena = exchange->request.arena;
    *exchange = (struct http_exchange){.server = server, .request.arena = arena};
    exchange->request.exchange = exchange;
    return exchange;
}

void http_exchange_recycle(struct http_exchange *exchange)
{
    arena_reset(exchange->request.arena);
    http_exchange_list_add(&exchange->server->pool, exchange);
}

void http_exchange_free_all(struct http_exchange_list *list)
{
    struct http_exchange *exchange;
    while ((exchange = http_exchange_list_take(list)) != NULL) {
        arena_free(exchange->request.arena);
        free(exchange);
    }
}

/* -- the request ------------------------------------------------------------------------------- */

static struct text text_at(const char *data, struct http_span span)
{
    return (struct text){data + span.at, span.size};
}

void http_exchange_fill(struct http_exchange *exchange, const struct http_framing *f,
                        const char *data)
{
    struct http_request *request = &exchange->request;
    const size_t size = f->body.at + f->body.size;
    char *copy = arena_alloc(request->arena, size);
    memcpy(copy, data, size);
    request->method = text_at(copy, f->method);
    request->body = text_at(copy, f->body);
    http_target_split(text_at(copy, f->target), &request->path, &request->query);

    const size_t count = (size_t)f->field_count;
    exchange->fields = arena_alloc(request->arena, count * sizeof *exchange->fields);
    exchange->field_count = f->field_count;
    for (size_t at = 0; at < count; at++)
        exchange->fields[at] = (struct http_request_field){text_at(copy, f->fields[at].name),
                                                           text_at(copy, f->fields[at].value)};
}

struct text http_request_header(const struct http_request *request, const char *name)
{
    const struct http_exchange *exchange = request->exchange;
    for (int at = 0; at < exchange->field_count; at++)
        if (http_name_equals(exchange->fields[at].name, name))
            return exchange->fields[at].value;
    return TEXT_NONE;
}

struct text http_request_header_list(const struct http_request *request, const char *name)
{
    const struct http_exchange *exchange = request->exchange;
    struct text_builder list;
    if (http_request_header_count(request, name) < 2)
        return http_request_header(request, name);
    text_builder_init(&list, request->arena, 256);
    for (int at = 0; at < exchange->field_count; at++) {
        if (!http_name_equals(exchange->fields[at].name, name))
            continue;
        text_builder_add_c(&list, list.size > 0 ? "," : "");
        text_builder_add_text(&list, exchange->fields[at].value);
    }
    return text_builder_text(&list);
}

int http_request_header_count(const struct http_request *request, const char *name)
{
    const struct http_exchange *exchange = request->exchange;
    int count = 0;
    for (int at = 0; at < exchange->field_count; at++)
        count += http_name_equals(exchange->fields[at].name, name);
    return count;
}

struct text http_percent_decode(struct arena *arena, struct text t)
{
    char *decoded = arena_alloc(arena, t.size);
    size_t size = 0;
    for (size_t at = 0; at < t.size; at++) {
        uint8_t byte = 0;
        const bool is_escape = t.data[at] == '%' && t.size - at > 2 &&
                               hex_parse((struct text){t.data + at + 1, 2}, &byte, 1);
        decoded[size++] = is_escape ? (char)byte : t.data[at];
        at += is_escape ? 2 : 0;
    }
    return (struct text){decoded, size};
}

struct text http_request_query(const struct http_request *request, const char *name)
{
    struct text rest = request->query;
    while (rest.size > 0) {
        struct text value = text_cut(&rest, '&');
        const struct text key = text_cut(&value, '=');
        if (text_equals_c(key, name))
            return http_percent_decode(request->arena, text_is_none(value) ? TEXT("") : value);
    }
    return TEXT_NONE;
}

/* -- the answer -------------------------------------------------------------------------------- */

static const char *reason_of(int status)
{
    switch (status) {
#define HTTP_STATUS_CASE(code, reason)                                                             \
    case code:                                                                                     \
        return reason;
        HTTP_STATUSES(HTTP_STATUS_CASE)
#undef HTTP_STATUS_CASE
    default:
        return "Other";
    }
}

/* The header Date, which changes once a second, written once a second and thread. */
static const char *date_now(void)
{
    static _Thread_local time_t written_s;
    static _Thread_local char written[32];
    const time_t now_s = (time_t)(clock_realtime_us() / 1000000);
    if (now_s != written_s) {
        struct tm utc;
        gmtime_r(&now_s, &utc);
        strftime(written, sizeof written, "%a, %d %b %Y %H:%M:%S GMT", &utc);
        written_s = now_s;
    }
    return written;
}

/* A value may hold what a client sent: no byte of it may end the line. */
static void add_header(struct text_builder *b, const char *name, struct text value)
{
    text_builder_add_c(b, name);
    text_builder_add_c(b, ": ");
    const size_t from = b->size;
    text_builder_add_text(b, value);
    for (size_t at = from; at < b->size; at++)
        if ((unsigned char)b->data[at] < ' ' || b->data[at] == 0x7f)
            b->data[at] = ' ';
    text_builder_add_c(b, "\r\n");
}

static const char *connection_option(const struct http_exchange *exchange)
{
    if (!exchange->keeps_alive)
        return "Connection: close\r\n";
    return exchange->is_http_1_1 ? "" : "Connection: keep-alive\r\n";
}

/* What comes before the handler's headers. Without printf, which would parse its format twice for
 * each answer. */
static void add_status(struct text_builder *b, const struct http_exchange *exchange, int status)
{
    const char digits[] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
                           (char)('0' + status % 10), ' '};
    text_builder_add_c(b, "HTTP/1.1 ");
    text_builder_add(b, digits, sizeof digits);
    text_builder_add_c(b, reason_of(status));
    text_builder_add_c(b, "\r\nDate: ");
    text_builder_add_c(b, date_now());
    text_builder_add_c(b, "\r\n");
    text_builder_add_c(b, connection_option(exchange));
}

void http_exchange_render(struct http_exchange *exchange, const struct http_response *response)
{
    ASSERT(!exchange->is_answered);
    ASSERT(response->status >= 200 && response->status <= 599);
    const bool has_no_body = response->status == 204 || response->status == 304;
    if (atomic_load(&exchange->server->is_draining))
        exchange->keeps_alive = false;

    struct text_builder b;
    text_builder_init(&b, exchange->request.arena, 1024 + response->body.size);
    add_status(&b, exchange, response->status);
    if (response->content_type != NULL)
        add_header(&b, "Content-Type", text_of(response->content_type));
    for (int at = 0; at < HTTP_RESPONSE_HEADERS_MAX && response->headers[at].name != NULL; at++)
        add_header(&b, response->headers[at].name, response->headers[at].value);
    if (!has_no_body)
        text_builder_add_format(&b, "Content-Length: %zu\r\n", response->body.size);
    text_builder_add_c(&b, "\r\n");
    if (!has_no_body && !exchange->omits_body)
        text_builder_add_text(&b, response->body);
    exchange->answer = text_builder_text(&b);
    exchange->status = response->status;
    exchange->is_answered = true;
}

static void wake_loop(const struct http_server *server)
{
    ASSERT(eventfd_write(server->wake, 1) == 0);
}

void http_respond(struct http_request *request, const struct http_response *response)
{
    struct http_exchange *exchange = request->exchange;
    struct http_server *server = exchange->server;
    http_exchange_render(exchange, response);

    pthread_mutex_lock(&server->mutex);
    const bool is_first = server->answers.first == NULL;
    const bool is_late = server->is_stopped;
    http_exchange_list_add(&server->answers, exchange);
    server->out_count--;
    const bool is_last = is_late && server->out_count == 0;
    /* Inside the lock: a server that is being stopped is freed only after it. */
    if (is_first && !is_late && !pthread_equal(pthread_self(), server->loop))
        wake_loop(server);
    pthread_mutex_unlock(&server->mutex);
    if (is_last)
        http_server_free(server);
}
