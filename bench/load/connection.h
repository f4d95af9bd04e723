/* load/connection.h - one HTTP/1.1 connection that is kept: one request, one answer, again.
 *
 * Units:     times are nanoseconds of the monotonic clock.
 * Ownership: a connection owns its socket and its bytes.
 * Errors:    a peer that cannot be reached ends the program; one that goes away is told by status.
 * Threads:   the driver has one. */
#ifndef LOAD_CONNECTION_H
#define LOAD_CONNECTION_H

#include "load/buffer.h"
#include "load/options.h"

enum progress { PROGRESS_WAIT, PROGRESS_ANSWERED, PROGRESS_BROKEN };

struct connection {
    int socket;
    bool is_busy;      /* sent, not answered */
    bool is_repeating; /* what goes out is what went out before */
    uint64_t since_ns; /* when the request was due */
    struct buffer out, in, answer_before;
    size_t sent;
    size_t head_size; /* of the answer; 0: not all of it is there */
    size_t body_size;
    bool is_chunked, closes;
    int status;
};

void connection_open(struct connection *connection, const struct options *options, int poll);
void connection_reopen(struct connection *connection, const struct options *options, int poll);

/* Sends what is in `out`. */
void connection_start(struct connection *connection, int poll);

/* What the events of epoll say has become possible. */
enum progress connection_continue(struct connection *connection, uint32_t events, int poll);

const char *connection_body(const struct connection *connection);
size_t connection_body_size(const struct connection *connection);

#endif
