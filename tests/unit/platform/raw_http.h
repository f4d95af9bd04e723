/* raw_http.h - a peer that sends exactly the bytes it is told, and reads answers one by one.
 *
 * Every wait ends after RAW_WAIT_MS, so that a failing test fails and does not hang. */
#ifndef TESTS_UNIT_PLATFORM_RAW_HTTP_H
#define TESTS_UNIT_PLATFORM_RAW_HTTP_H

#include "check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RAW_WAIT_MS = 5000, RAW_SIZE = 64 * 1024 };

struct raw_peer {
    int socket;
    size_t size;
    char in[RAW_SIZE];
};

/* What came back; status 0: the server has closed without an answer. */
struct raw_answer {
    int status;
    bool says_close;
    struct text head;
    struct text body;
    char bytes[RAW_SIZE];
};

static inline int raw_connect(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline struct raw_peer *raw_open(int port)
{
    struct raw_peer *peer = malloc(sizeof *peer);
    assert_non_null(peer);
    peer->socket = raw_connect(port);
    peer->size = 0;
    return peer;
}

static inline void raw_close(struct raw_peer *peer)
{
    close(peer->socket);
    free(peer);
}

static inline void raw_send_bytes(struct raw_peer *peer, const char *data, size_t size)
{
    while (size > 0) {
        const ssize_t sent = send(peer->socket, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* closed by the server, which the answer will tell */
        data += sent;
        size -= (size_t)sent;
    }
}

static inline void raw_send(struct raw_peer *peer, const char *text)
{
    raw_send_bytes(peer, text, strlen(text));
}

/* False: the server has closed. */
static inline bool raw_read_more(struct raw_peer *peer)
{
    struct pollfd wanted = {.fd = peer->socket, .events = POLLIN};
    assert_int_equal(poll(&wanted, 1, RAW_WAIT_MS), 1);
    assert_true(peer->size < RAW_SIZE);
    const ssize_t got = recv(peer->socket, peer->in + peer->size, RAW_SIZE - peer->size, 0);
    if (got <= 0)
        return false;
    peer->size += (size_t)got;
    return true;
}

static inline size_t raw_content_length(struct text head)
{
    const char *found = memmem(head.data, head.size, "Content-Length: ", 16);
    return found == NULL ? 0 : strtoul(found + 16, NULL, 10);
}

/* The next answer. `is_head`: it answers HEAD, so no body follows. */
static inline void raw_read_answer(struct raw_peer *peer, bool is_head, struct raw_answer *answer)
{
    const char *end;
    *answer = (struct raw_answer){0};
    while ((end = memmem(peer->in, peer->size, "\r\n\r\n", 4)) == NULL)
        if (!raw_read_more(peer))
            return;
    const size_t head_size = (size_t)(end - peer->in) + 4;
    const struct text head = {peer->in, head_size};
    const size_t size = head_size + (is_head ? 0 : raw_content_length(head));
    while (peer->size < size)
        assert_true(raw_read_more(peer));
    memcpy(answer->bytes, peer->in, size);
    memmove(peer->in, peer->in + size, peer->size - size);
    peer->size -= size;
    answer->head = (struct text){answer->bytes, head_size};
    answer->body = (struct text){answer->bytes + head_size, size - head_size};
    answer->status = (int)strtoul(answer->bytes + sizeof "HTTP/1.1", NULL, 10);
    answer->says_close = memmem(answer->bytes, head_size, "Connection: close", 17) != NULL;
}

/* Nothing more comes, and the server closes. */
static inline bool raw_is_closed(struct raw_peer *peer)
{
    return peer->size == 0 && !raw_read_more(peer);
}

#endif
