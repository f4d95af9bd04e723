#include "platform/http/http_client.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/http/http_incoming.h"

#include <stdlib.h>

static const long DNS_KEPT_S = 1, CONNECTION_KEPT_S = 30;

struct http_client {
    CURL *curl;                    /* keeps its connections from call to call */
    char *bearer;                  /* Authorization: Bearer ...; NULL: none   */
    struct http_incoming incoming; /* of the call under way */
    char message[CURL_ERROR_SIZE];
};

void http_client_init_all(void)
{
    ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

static char *bearer_of(const char *secret)
{
    char *header = NULL;
    if (secret != NULL)
        ASSERT(asprintf(&header, "Authorization: Bearer %s", secret) > 0);
    return header;
}

struct http_client *http_client_new(const char *secret)
{
    struct http_client *client = calloc(1, sizeof *client);
    ASSERT(client != NULL);
    client->curl = curl_easy_init();
    ASSERT(client->curl != NULL);
    client->bearer = bearer_of(secret);
    return client;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    free(client->bearer);
    free(client);
}

/* -- one call ---------------------------------------------------------------------------------- */

static struct curl_slist *add_header(struct curl_slist *list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(list, line);
    ASSERT(longer != NULL);
    return longer;
}

static struct curl_slist *headers_of(const struct http_client *client, const struct http_call *call,
                                     struct arena *arena)
{
    /* Without "Expect: 100-continue", which would cost a round trip. */
    struct curl_slist *list = add_header(NULL, "Expect:");
    if (!text_is_none(call->body))
        list = add_header(list, "Content-Type: application/json");
    if (client->bearer != NULL)
        list = add_header(list, client->bearer);
    for (int at = 0; at < HTTP_RESPONSE_HEADERS_MAX && call->headers[at].name != NULL; at++) {
        const struct http_header *header = &call->headers[at];
        const struct text line =
            text_format(arena, "%s: %.*s", header->name, TEXT_ARGS(header->value));
        list = add_header(list, text_to_c(arena, line));
    }
    return list;
}

/* Options that are the same in every call. */
static void set_manner(struct http_client *client)
{
    CURL *curl = client->curl;
    curl_easy_reset(curl); /* forgets options, keeps connections */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    /* A name may stand for several processes, and for others later: callers spread over them by
     * chance, and each looks again from time to time, at once when a connection is refused. */
    curl_easy_setopt(curl, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
    curl_easy_setopt(curl, CURLOPT_DNS_CACHE_TIMEOUT, DNS_KEPT_S);
    curl_easy_setopt(curl, CURLOPT_MAXLIFETIME_CONN, CONNECTION_KEPT_S);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* services call each other directly */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->message);
    http_incoming_attach(&client->incoming, curl);
    client->message[0] = '\0';
}

static void set_call(struct http_client *client, const struct http_call *call)
{
    CURL *curl = client->curl;
    curl_easy_setopt(curl, CURLOPT_URL, call->url);
    if (text_is_none(call->body)) {
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    } else {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.size);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body.data);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
}

static enum status status_of(CURLcode code, const struct http_incoming *incoming)
{
    if (incoming->is_too_large)
        return ERR_FULL;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return ERR_TIMEOUT;
    if (incoming->may_be_sent)
        return ERR_UNKNOWN;
    const bool is_bad_url = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
    return is_bad_url ? ERR_INVALID : ERR_DOWN;
}

static enum status error_of(const struct http_client *client, CURLcode code,
                            const struct http_call *call, struct error *err)
{
    const char *message = client->message;
    return error_set(err, status_of(code, &client->incoming), "call to '%s' failed: %s", call->url,
                     client->incoming.is_too_large ? "the reply is larger than allowed"
                     : message[0] == '\0'          ? curl_easy_strerror(code)
                                                   : message);
}

enum status http_client_call(struct http_client *client, const struct http_call *call,
                             struct arena *arena, struct http_reply *reply_out, struct error *err)
{
    ASSERT(call->timeout_ms > 0);
    ASSERT(call->reply_size_max > 0);
    struct curl_slist *headers = headers_of(client, call, arena);
    set_manner(client);
    set_call(client, call);
    http_incoming_begin(&client->incoming, arena, call->reply_size_max);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    const CURLcode code = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return error_of(client, code, call, err);
    if (!client->incoming.has_whole_head)
        return error_of(client, CURLE_PARTIAL_FILE, call, err);

    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    *reply_out = (struct http_reply){
        .status = (int)status,
        .body = http_incoming_body(&client->incoming),
    };
    return OK;
}
