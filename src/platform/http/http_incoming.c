#include "platform/http/http_incoming.h"

#include "base/arena.h"

enum { CAPACITY_FIRST = 1024 };

/* A connection stands and the request is about to leave on it. Runs again when libcurl repeats a
 * request because a kept connection had been closed by the other side. */
static int on_connected(void *argument, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
    struct http_incoming *incoming = argument;
    (void)peer_ip, (void)own_ip, (void)peer_port, (void)own_port;
    incoming->may_be_sent = true;
    return CURL_PREREQFUNC_OK;
}

/* libcurl takes a head that the peer has broken off for a whole one, so its end is looked for. */
static size_t on_head_line(char *line, size_t size, size_t count, void *argument)
{
    struct http_incoming *incoming = argument;
    incoming->has_whole_head = size * count == 2 && memcmp(line, "\r\n", 2) == 0;
    return size * count;
}

static void begin_body(struct http_incoming *incoming)
{
    curl_off_t announced = 0;
    curl_easy_getinfo(incoming->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    incoming->is_too_large = announced > (curl_off_t)incoming->size_max;
    const bool is_usable = announced > 0 && !incoming->is_too_large;
    text_builder_init(&incoming->body, incoming->arena,
                      is_usable ? (size_t)announced : CAPACITY_FIRST);
    incoming->has_body = true;
}

static size_t on_body_bytes(char *data, size_t size, size_t count, void *argument)
{
    struct http_incoming *incoming = argument;
    const size_t come = size * count;
    if (!incoming->has_body)
        begin_body(incoming);
    incoming->is_too_large |= come > incoming->size_max - incoming->body.size;
    if (incoming->is_too_large)
        return CURL_WRITEFUNC_ERROR;
    text_builder_add(&incoming->body, data, come);
    return come;
}

void http_incoming_attach(struct http_incoming *incoming, CURL *curl)
{
    incoming->curl = curl;
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body_bytes);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head_line);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, incoming);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, incoming);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, incoming);
}

void http_incoming_begin(struct http_incoming *incoming, struct arena *arena, size_t size_max)
{
    *incoming =
        (struct http_incoming){.curl = incoming->curl, .arena = arena, .size_max = size_max};
}

struct text http_incoming_body(const struct http_incoming *incoming)
{
    return incoming->has_body ? text_builder_text(&incoming->body) : TEXT("");
}
