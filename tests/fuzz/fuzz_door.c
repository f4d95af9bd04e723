/* The whole request path: a real gateway on a thread of this process, its door asked by a real
 * socket; behind it the other services, in processes of their own, and PostgreSQL. The environment
 * says where they are (run.py makes them).
 *
 * The first byte of an input says in what pieces the others are sent: '0' whole, '7' by seven.
 * Whatever comes, every answer is well-formed, none is a 5xx, and what is refused is a problem of
 * the catalogue. */
#include "base/json.h"
#include "base/problem.h"
#include "base/trace_context.h"
#include "gateway/service.h"
#include "oracle.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    READY_TRIES = 600,
    READY_WAIT_MS = 100,
    ANSWER_TIMEOUT_S = 120,
    ANSWERS_SIZE_MAX = 8 * 1024 * 1024,
};

/* ---- the gateway ----------------------------------------------------------------------------- */

static void *run_gateway(void *unused)
{
    static char name[] = "gateway";
    char *argv[] = {name, NULL};
    (void)unused;
    const int code = gateway_main(1, argv);
    fprintf(stderr, "the gateway has ended with %d\n", code);
    _exit(1);
}

static struct sockaddr_in door(void)
{
    int64_t port = 0;
    HOLDS(text_to_i64(text_of(getenv("TALLYSTICK_GATEWAY_PORT")), &port));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* -1: nobody listens. */
static int connect_to_door(void)
{
    const struct sockaddr_in address = door();
    const struct timeval patience = {.tv_sec = ANSWER_TIMEOUT_S};
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    HOLDS(client >= 0);
    if (connect(client, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(client);
        return -1;
    }
    HOLDS(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    return client;
}

static void send_all(int client, struct text bytes, size_t piece)
{
    while (bytes.size > 0) {
        const size_t size = bytes.size < piece ? bytes.size : piece;
        const ssize_t sent = send(client, bytes.data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return; /* refused, and closed: the answer is there to be read */
        bytes = text_skip(bytes, (size_t)sent);
    }
}

/* libFuzzer's own clock, which rings once in a minute, ends a recv that has a time limit. */
static ssize_t receive(int client, char *buffer, size_t size)
{
    ssize_t got = 0;
    do
        got = recv(client, buffer, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Everything that the door answers to these bytes, up to its end. */
static struct text ask(struct text bytes, size_t piece)
{
    static char answers[ANSWERS_SIZE_MAX];
    const int client = connect_to_door();
    HOLDS(client >= 0);
    send_all(client, bytes, piece);
    (void)shutdown(client, SHUT_WR);
    size_t size = 0;
    ssize_t got = 0;
    while ((got = receive(client, answers + size, sizeof answers - size)) > 0)
        size += (size_t)got;
    HOLDS(got == 0 || errno == ECONNRESET); /* anything else: it neither answers nor closes */
    close(client);
    HOLDS(size < sizeof answers);
    return (struct text){answers, size};
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char READY[] = "GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const struct timespec wait = {.tv_nsec = READY_WAIT_MS * 1000000L};
    pthread_t gateway;
    (void)argc, (void)argv;
    HOLDS(pthread_create(&gateway, NULL, run_gateway, NULL) == 0);
    for (int tries = 0; tries < READY_TRIES; tries++) {
        const int client = connect_to_door();
        if (client >= 0) {
            close(client);
            if (text_starts_with(ask(TEXT(READY), SIZE_MAX), "HTTP/1.1 200 "))
                return 0;
        }
        nanosleep(&wait, NULL);
    }
    fprintf(stderr, "the gateway does not become ready\n");
    exit(1);
}

/* ---- what it answers ------------------------------------------------------------------------- */

struct reply {
    int status;
    struct text type;
    int64_t length;
    struct trace_context trace;
    int traces;
    int lengths;
};

static void read_field(struct reply *reply, struct text line)
{
    struct text value = line;
    const struct text name = text_cut(&value, ':');
    HOLDS(!text_is_none(value) && name.size > 0);
    for (size_t at = 0; at < line.size; at++)
        HOLDS((unsigned char)line.data[at] >= ' ' && line.data[at] != 0x7f);
    value = text_trim(value);
    if (text_equals_c(name, "Content-Type"))
        reply->type = value;
    if (text_equals_c(name, "Content-Length")) {
        HOLDS(text_to_i64(value, &reply->length));
        reply->lengths++;
    }
    if (text_equals_c(name, "traceparent")) {
        HOLDS(trace_context_parse(value, &reply->trace));
        reply->traces++;
    }
}

static struct text take_line(struct text *rest)
{
    const char *end = memmem(rest->data, rest->size, "\r\n", 2);
    HOLDS(end != NULL);
    const struct text line = {rest->data, (size_t)(end - rest->data)};
    *rest = text_skip(*rest, line.size + 2);
    return line;
}

static void read_head(struct text *rest, struct reply *reply)
{
    struct text line = take_line(rest);
    int64_t status = 0;
    HOLDS(text_starts_with(line, "HTTP/1.1 ") && line.size > 12 && line.data[12] == ' ');
    HOLDS(text_to_i64((struct text){line.data + 9, 3}, &status));
    reply->status = (int)status;
    for (;;) {
        line = take_line(rest);
        if (line.size == 0)
            return;
        read_field(reply, line);
    }
}

static void check_problem(const struct reply *reply, const struct json_value *body)
{
    int64_t status = 0;
    const enum problem_code code = problem_find(json_get_text(body, "code"));
    HOLDS(text_equals_c(reply->type, "application/problem+json") && reply->traces == 1);
    HOLDS(json_get_i64(body, "status", &status) && status == reply->status);
    HOLDS(code != PROBLEM_NONE && problem_status(code) == reply->status);
    HOLDS(text_equals_c(json_get_text(body, "trace_id"), reply->trace.trace_id));
}

static void check_body(const struct reply *reply, struct text body)
{
    const bool is_problem = text_equals_c(reply->type, "application/problem+json");
    struct json_value value;
    if (!is_problem && !text_equals_c(reply->type, "application/json"))
        return; /* a page */
    HOLDS(json_parse(fuzz_arena(), body, &value, NULL) == OK);
    if (reply->status >= 400)
        check_problem(reply, &value);
}

/* One answer off the front. Without a body: it answers HEAD, or is about to be followed. */
static void check_reply(struct text *rest)
{
    struct reply reply = {.length = 0};
    read_head(rest, &reply);
    if (reply.status == 100)
        return;
    HOLDS(reply.status >= 200 && reply.status < 500);
    HOLDS(reply.lengths == 1 && reply.traces <= 1); /* health has no trace */
    if (rest->size == 0 || text_starts_with(*rest, "HTTP/1.1 "))
        return;
    HOLDS((size_t)reply.length <= rest->size);
    check_body(&reply, (struct text){rest->data, (size_t)reply.length});
    *rest = text_skip(*rest, (size_t)reply.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text input = fuzz_text(data, size);
    const char first = fuzz_take_byte(&input);
    const bool is_cut = first >= '1' && first <= '9';
    struct text answers = ask(input, is_cut ? (size_t)(first - '0') : SIZE_MAX);
    while (answers.size > 0)
        check_reply(&answers);
    return 0;
}
