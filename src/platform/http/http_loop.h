/* platform/http/http_loop.h - what the files of the HTTP server share; nobody else includes it.
 *
 * Purpose:   one thread, the loop, owns every socket and connection. An exchange is a request on
 *            its way through a handler and back; it is the only thing that leaves the loop.
 *
 *              loop: read -> frame -> hand over          (http_connection.c, http_framing.c)
 *              any thread: http_respond -> list of answers               (http_exchange.c)
 *              loop: take the answers -> send -> next request          (http_connection.c)
 *
 *            A connection has at most one exchange out; bytes that come meanwhile wait in the
 *            kernel, which slows the peer down. An exchange that nobody waits for any more (its
 *            deadline has passed, its peer has gone) has no connection; its late answer is
 *            dropped.
 * Units:     times in microseconds of the monotonic clock, sizes in bytes.
 * Ownership: the server owns connections and exchanges. The memory of a stopped server lives on
 *            until the last exchange that is still out has come back.
 * Errors:    a peer's faults end its connection and nothing else.
 * Threads:   everything belongs to the loop but what stands under `mutex`. */
#ifndef PLATFORM_HTTP_HTTP_LOOP_H
#define PLATFORM_HTTP_HTTP_LOOP_H

#include "platform/http/http_framing.h"
#include "platform/http/http_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct http_connection;

struct http_request_field {
    struct text name;
    struct text value;
};

struct http_exchange {
    struct http_request request;
    struct http_server *server;
    struct http_connection *connection; /* the loop's; NULL when nobody waits any more  */
    struct http_exchange *next;         /* in the list it is in                         */
    struct http_request_field *fields;
    int field_count;
    bool keeps_alive; /* the connection outlives the answer                   */
    bool is_http_1_1;
    bool omits_body; /* it answers HEAD */
    bool is_answered;
    int status;
    struct text answer; /* the answer's bytes, in the request's arena           */
};

struct http_exchange_list {
    struct http_exchange *first;
    struct http_exchange *last;
};

enum http_connection_state {
    CONNECTION_RECEIVING, /* between requests, or in one                              */
    CONNECTION_KEPT,      /* its request is with the handler                          */
    CONNECTION_SENDING,   /* its answer is on the way                                 */
    CONNECTION_LINGERING, /* answered for the last time; what still comes is dropped,
                             for closing now could destroy the answer on its way      */
};

struct http_connection {
    struct http_server *server;
    struct http_connection *previous; /* in server->connections */
    struct http_connection *next;
    int socket;
    enum http_connection_state state;
    bool is_readable;    /* a read may bring something                           */
    bool is_half_closed; /* the peer sends no more                               */
    bool is_counted;     /* in server->open_requests                             */
    int64_t deadline_us; /* when this state has taken too long                   */

    char *in; /* bytes of the request that is being read, and what came after it */
    size_t in_size;
    size_t in_capacity;
    bool head_is_whole;
    bool keeps_alive; /* as its head asks */
    bool omits_body;
    int64_t first_byte_us; /* of the request that is being read; 0: none has come  */
    struct http_framing framing;

    struct http_exchange *exchange; /* KEPT: the handler's; SENDING: being sent */
    size_t sent_size;
};

struct http_server {
    struct http_server_config config;
    int port;
    int listener; /* -1: closed */
    int epoll;
    int wake;         /* eventfd: answers have come, or an order */
    pthread_t thread; /* for the one who joins it                        */
    pthread_t loop;   /* the same, known to the loop from its first step */
    struct http_connection *connections;
    int connection_count;
    bool accept_waits; /* somebody may wait in the listener's queue */
    struct http_exchange_list pool;

    atomic_bool is_draining;
    atomic_bool is_stopping;
    atomic_int open_requests;

    pthread_mutex_t mutex;
    struct http_exchange_list answers; /* answered, not yet taken by the loop            */
    int out_count;                     /* handed over, not yet answered                  */
    bool is_stopped;                   /* the loop has ended: the last answer frees all  */
};

/* -- http_exchange.c --------------------------------------------------------------------------- */

void http_exchange_list_add(struct http_exchange_list *list, struct http_exchange *exchange);
struct http_exchange *http_exchange_list_take(struct http_exchange_list *list);

/* An exchange out of the pool, its arena empty; and back. */
struct http_exchange *http_exchange_new(struct http_server *server);
void http_exchange_recycle(struct http_exchange *exchange);
/* Copies a whole request out of the connection's bytes. */
void http_exchange_fill(struct http_exchange *exchange, const struct http_framing *f,
                        const char *data);
/* Writes the bytes of the answer. */
void http_exchange_render(struct http_exchange *exchange, const struct http_response *response);
void http_exchange_free_all(struct http_exchange_list *list);

/* -- http_connection.c ------------------------------------------------------------------------- */

void http_connection_open(struct http_server *server, int socket, int64_t now_us);
void http_connection_close(struct http_connection *connection);
void http_connection_on_event(struct http_connection *connection, uint32_t events);
void http_connection_on_answer(struct http_exchange *exchange);
/* Closes or answers what has taken too long. */
void http_connection_on_sweep(struct http_connection *connection, int64_t now_us);
/* The server stops: answers what is kept, as far as one send goes, and closes. */
void http_connection_on_stop(struct http_connection *connection);

/* -- http_server.c ----------------------------------------------------------------------------- */

/* The end of a stopped server, once nothing of it is out any more. */
void http_server_free(struct http_server *server);

#endif
