/* platform/aws/aws_exchange.h - one signed request on the wire, and its answer.
 *
 * Purpose:   libcurl's part of the client: headers, signature, the bytes of the answer. An
 *            exchange is kept and carries one try after the other.
 * Units:     times in milliseconds.
 * Ownership: an exchange lives in its client's arena; the answer in the arena of its try.
 * Errors:    none; a try that fails leaves the call's status at 0.
 * Threads:   as its client. */
#ifndef PLATFORM_AWS_AWS_EXCHANGE_H
#define PLATFORM_AWS_AWS_EXCHANGE_H

#include "platform/aws/aws_client.h"
#include "platform/http/http_incoming.h"

struct aws_credentials;
struct aws_endpoint;

struct aws_exchange {
    struct aws_call *call; /* under way; NULL: idle */
    CURL *curl;
    enum aws_service service;
    struct curl_slist *headers;
    struct arena *arena; /* of the try */
    struct http_incoming incoming;
    char message[CURL_ERROR_SIZE];
};

struct aws_try {
    struct aws_call *call;
    struct arena *arena;
    const struct aws_credentials *credentials;
    int timeout_ms;
};

void aws_exchange_open(struct aws_exchange *exchange, enum aws_service service,
                       const struct aws_endpoint *endpoint);
void aws_exchange_close(struct aws_exchange *exchange);

/* The exchange that a finished handle belongs to. */
struct aws_exchange *aws_exchange_of(CURL *curl);

void aws_exchange_start(struct aws_exchange *exchange, CURLM *multi, const struct aws_try *try);
/* Writes status and reply to the call, or what became of it; the exchange is idle then. */
void aws_exchange_end(struct aws_exchange *exchange, CURLM *multi, CURLcode result);

#endif
