#include "platform/aws/aws_exchange.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/aws/aws_credentials.h"
#include "platform/aws/aws_endpoint.h"

#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_MS = 2000 };

static const size_t REPLY_SIZE_MAX = 16 * 1024 * 1024;

/* How a service is spoken to. */
static const struct {
    const char *content_type;
    const char *target; /* what stands before the action's name; NULL: the form says the action */
} DIALECTS[] = {
    [AWS_DYNAMODB] = {"application/x-amz-json-1.0", "DynamoDB_20120810"},
    [AWS_SNS] = {"application/x-www-form-urlencoded; charset=utf-8", NULL},
    [AWS_SQS] = {"application/x-amz-json-1.0", "AmazonSQS"},
};

/* -- start and end of an exchange -------------------------------------------------------------- */

static void set_signing(CURL *curl, enum aws_service service, const char *region)
{
    char scope[160];
    snprintf(scope, sizeof scope, "aws:amz:%s:%s", region, aws_service_name(service));
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, scope);
}

static void set_trust(CURL *curl, const char *url)
{
    const char *bundle = getenv("AWS_CA_BUNDLE");
    if (bundle != NULL && bundle[0] != '\0')
        curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
    if (strncmp(url, "http://", strlen("http://")) == 0)
        curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* a stand-in on this machine or next to it */
}

void aws_exchange_open(struct aws_exchange *exchange, enum aws_service service,
                       const struct aws_endpoint *endpoint)
{
    CURL *curl = curl_easy_init();
    ASSERT(curl != NULL);
    *exchange = (struct aws_exchange){.curl = curl, .service = service};
    curl_easy_setopt(curl, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(curl, CURLOPT_URL, endpoint->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tallystick/" TALLYSTICK_VERSION);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->message);
    http_incoming_attach(&exchange->incoming, curl);
    set_signing(curl, service, endpoint->region);
    set_trust(curl, endpoint->url);
}

void aws_exchange_close(struct aws_exchange *exchange)
{
    curl_easy_cleanup(exchange->curl);
    curl_slist_free_all(exchange->headers);
}

struct aws_exchange *aws_exchange_of(CURL *curl)
{
    struct aws_exchange *exchange = NULL;
    curl_easy_getinfo(curl, CURLINFO_PRIVATE, &exchange);
    return exchange;
}

/* -- one try ----------------------------------------------------------------------------------- */

static void add_header(struct aws_exchange *exchange, const char *name, struct text value)
{
    const struct text line = text_format(exchange->arena, "%s: %.*s", name, TEXT_ARGS(value));
    struct curl_slist *longer =
        curl_slist_append(exchange->headers, text_to_c(exchange->arena, line));
    ASSERT(longer != NULL);
    exchange->headers = longer;
}

/* All of these are signed, so none is empty: libcurl would sign it and leave it out. */
static void set_headers(struct aws_exchange *exchange, const struct aws_try *try)
{
    const char *target = DIALECTS[exchange->service].target;
    curl_slist_free_all(exchange->headers);
    exchange->headers = NULL;
    add_header(exchange, "Content-Type", text_of(DIALECTS[exchange->service].content_type));
    if (target != NULL)
        add_header(exchange, "X-Amz-Target",
                   text_format(exchange->arena, "%s.%s", target, try->call->action));
    if (!text_is_none(try->credentials->session_token))
        add_header(exchange, "X-Amz-Security-Token", try->credentials->session_token);
    curl_easy_setopt(exchange->curl, CURLOPT_HTTPHEADER, exchange->headers);
}

static void set_credentials(struct aws_exchange *exchange, const struct aws_try *try)
{
    const struct aws_credentials *credentials = try->credentials;
    curl_easy_setopt(exchange->curl, CURLOPT_USERNAME,
                     text_to_c(exchange->arena, credentials->access_key_id));
    curl_easy_setopt(exchange->curl, CURLOPT_PASSWORD,
                     text_to_c(exchange->arena, credentials->secret_access_key));
}

void aws_exchange_start(struct aws_exchange *exchange, CURLM *multi, const struct aws_try *try)
{
    exchange->call = try->call;
    exchange->arena = try->arena;
    exchange->message[0] = '\0';
    http_incoming_begin(&exchange->incoming, try->arena, REPLY_SIZE_MAX);
    set_headers(exchange, try);
    set_credentials(exchange, try);
    curl_easy_setopt(exchange->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)try->call->body.size);
    curl_easy_setopt(exchange->curl, CURLOPT_POSTFIELDS, try->call->body.data);
    curl_easy_setopt(exchange->curl, CURLOPT_TIMEOUT_MS, (long)try->timeout_ms);
    ASSERT(curl_multi_add_handle(multi, exchange->curl) == CURLM_OK);
}

/* Why no answer came, in libcurl's words. */
static struct text why_none(const struct aws_exchange *exchange, CURLcode result)
{
    if (exchange->incoming.is_too_large)
        return TEXT("the reply is larger than allowed");
    if (exchange->message[0] != '\0')
        return text_copy(exchange->arena, text_of(exchange->message));
    return text_of(curl_easy_strerror(result));
}

void aws_exchange_end(struct aws_exchange *exchange, CURLM *multi, CURLcode result)
{
    struct aws_call *call = exchange->call;
    long status = 0;
    if (result == CURLE_OK && exchange->incoming.has_whole_head)
        curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(multi, exchange->curl);
    call->status = (int)status;
    call->outcome = AWS_FAILED;
    call->reply = http_incoming_body(&exchange->incoming);
    call->code = TEXT_NONE;
    call->message = TEXT_NONE;
    if (status == 0) {
        call->reply = TEXT_NONE;
        call->message = why_none(exchange, result);
        call->may_be_done |= exchange->incoming.may_be_sent;
    }
    exchange->call = NULL;
}
