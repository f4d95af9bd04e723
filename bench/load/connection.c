#include "load/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void listen_for(struct connection *connection, uint32_t events, int poll, int how)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(poll, how, connection->socket, &event);
}

void connection_open(struct connection *connection, const struct options *options, int poll)
{
    const int on = 1;
    connection->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->socket < 0)
        die("no socket: %s", strerror(errno));
    setsockopt(connection->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(connection->socket, (const struct sockaddr *)&options->address,
                sizeof options->address) < 0)
        die("cannot connect to port %d: %s", options->port, strerror(errno));
    fcntl(connection->socket, F_SETFL, O_NONBLOCK);
    listen_for(connection, EPOLLIN, poll, EPOLL_CTL_ADD);
}

void connection_reopen(struct connection *connection, const struct options *options, int poll)
{
    close(connection->socket);
    connection->is_busy = false;
    connection_open(connection, options, poll);
}

/* ---- sending -------------------------------------------------------------------------------- */

static bool send_more(struct connection *connection)
{
    const ssize_t size = write(connection->socket, connection->out.data + connection->sent,
                               connection->out.size - connection->sent);
    if (size > 0)
        connection->sent += (size_t)size;
    return connection->sent == connection->out.size;
}

void connection_start(struct connection *connection, int poll)
{
    connection->sent = 0;
    connection->head_size = 0;
    connection->is_busy = true;
    buffer_clear(&connection->in);
    if (!send_more(connection))
        listen_for(connection, EPOLLIN | EPOLLOUT, poll, EPOLL_CTL_MOD);
}

/* ---- receiving ------------------------------------------------------------------------------ */

static bool line_is(const char *line, const char *start)
{
    return strncasecmp(line, start, strlen(start)) == 0;
}

static void read_head(struct connection *connection)
{
    const char *const begin = connection->in.data;
    const char *const end = memmem(begin, connection->in.size, "\r\n\r\n", 4);
    if (end == NULL)
        return;
    connection->head_size = (size_t)(end - begin) + 4;
    connection->status = end - begin > 12 ? (int)strtol(begin + 9, NULL, 10) : 0;
    if (connection->status < 0 || connection->status >= STATUS_MAX)
        connection->status = 0;
    connection->body_size = 0;
    connection->is_chunked = false;
    connection->closes = line_is(begin, "HTTP/1.0");
    for (const char *line = strstr(begin, "\r\n"); line < end; line = strstr(line + 2, "\r\n")) {
        if (line_is(line + 2, "content-length:"))
            connection->body_size = strtoul(line + 2 + strlen("content-length:"), NULL, 10);
        else if (line_is(line + 2, "transfer-encoding: chunked"))
            connection->is_chunked = true;
        else if (line_is(line + 2, "connection: close"))
            connection->closes = true;
    }
}

static bool is_complete(const struct connection *connection)
{
    static const char LAST_CHUNK[] = "0\r\n\r\n";
    const struct buffer *in = &connection->in;
    const size_t size = strlen(LAST_CHUNK);
    if (connection->head_size == 0)
        return false;
    if (!connection->is_chunked)
        return in->size >= connection->head_size + connection->body_size;
    return in->size >= connection->head_size + size &&
           memcmp(in->data + in->size - size, LAST_CHUNK, size) == 0;
}

static enum progress receive_more(struct connection *connection)
{
    static char part[65536];
    const ssize_t size = read(connection->socket, part, sizeof part);
    if (size < 0 && errno == EAGAIN)
        return PROGRESS_WAIT;
    if (size <= 0)
        return PROGRESS_BROKEN;
    buffer_add(&connection->in, part, (size_t)size);
    if (connection->head_size == 0)
        read_head(connection);
    return connection->is_busy && is_complete(connection) ? PROGRESS_ANSWERED : PROGRESS_WAIT;
}

enum progress connection_continue(struct connection *connection, uint32_t events, int poll)
{
    const bool may_send = (events & EPOLLOUT) != 0 && connection->is_busy;
    if (may_send && send_more(connection))
        listen_for(connection, EPOLLIN, poll, EPOLL_CTL_MOD);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
        return PROGRESS_WAIT;
    return receive_more(connection);
}

const char *connection_body(const struct connection *connection)
{
    return connection->in.data + connection->head_size;
}

size_t connection_body_size(const struct connection *connection)
{
    return connection->in.size - connection->head_size;
}
