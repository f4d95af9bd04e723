#include "http_door.h"
#include "raw_http.h"

#include "base/arena.h"
#include "platform/http/http_client.h"

enum { TIMEOUT_MS = 1000, REPLY_SIZE_MAX = 1000 };

/* The other side: takes connections one after the other; on each it reads a request, sends its
 * script for it, and closes where the script is over. */
struct far_side {
    int listener;
    int port;
    pthread_t thread;
    const char *const *scripts; /* one per connection; NULL ends */
    const char *repeated;       /* sent once more on the same connection, after another request */
    int pause_ms;               /* before each answer */
    char seen[4096];            /* the last request */
};

static void read_request(struct far_side *far, int fd)
{
    size_t size = 0;
    const char *end = NULL;
    while (size < sizeof far->seen - 1) {
        const ssize_t got = recv(fd, far->seen + size, sizeof far->seen - 1 - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
        end = memmem(far->seen, size, "\r\n\r\n", 4);
        if (end != NULL && size >= (size_t)(end - far->seen) + 4 +
                                       raw_content_length((struct text){far->seen, size}))
            break;
    }
    far->seen[size] = '\0';
}

static void *run_far_side(void *argument)
{
    struct far_side *far = argument;
    for (int at = 0; far->scripts[at] != NULL; at++) {
        const int fd = accept(far->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        read_request(far, fd);
        door_sleep_ms(far->pause_ms);
        (void)!write(fd, far->scripts[at], strlen(far->scripts[at]));
        if (far->repeated != NULL) {
            read_request(far, fd);
            (void)!write(fd, far->repeated, strlen(far->repeated));
        }
        close(fd);
    }
    return NULL;
}

static void far_open(struct far_side *far, const char *const *scripts, int pause_ms,
                     const char *repeated)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    *far = (struct far_side){.scripts = scripts, .pause_ms = pause_ms, .repeated = repeated};
    far->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(far->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(far->listener, 8), 0);
    assert_int_equal(getsockname(far->listener, (struct sockaddr *)&address, &size), 0);
    far->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&far->thread, NULL, run_far_side, far), 0);
}

static void far_close(struct far_side *far)
{
    shutdown(far->listener, SHUT_RDWR);
    pthread_join(far->thread, NULL);
    close(far->listener);
}

static struct http_call call_to(struct arena *arena, int port, const char *method)
{
    return (struct http_call){
        .method = method,
        .url = text_to_c(arena, text_format(arena, "http://127.0.0.1:%d/now", port)),
        .timeout_ms = TIMEOUT_MS,
        .reply_size_max = REPLY_SIZE_MAX,
    };
}

static void test_http_client_call__failures(void **state)
{
    (void)state;
#define OK_HEAD "HTTP/1.1 200 OK\r\n"
    static const struct {
        const char *given;
        const char *script[2];
        int pause_ms;
        enum status then;
        const char *body;
    } CASES[] = {
        {"a reply", {OK_HEAD "Content-Length: 2\r\n\r\nab"}, 0, OK, "ab"},
        {"an empty reply", {"HTTP/1.1 204 No Content\r\n\r\n"}, 0, OK, ""},
        {"chunks",
         {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"},
         0,
         OK,
         "ab"},
        {"a problem", {"HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\nx"}, 0, OK, "x"},
        {"a redirect is not followed",
         {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"},
         0,
         OK,
         ""},
        {"nothing in time",
         {OK_HEAD "Content-Length: 2\r\n\r\nab"},
         2 * TIMEOUT_MS,
         ERR_TIMEOUT,
         NULL},
        {"closed before the reply", {""}, 0, ERR_UNKNOWN, NULL},
        {"closed in the head", {"HTTP/1.1 200 OK\r\nContent-"}, 0, ERR_UNKNOWN, NULL},
        {"closed in the body", {OK_HEAD "Content-Length: 9\r\n\r\nab"}, 0, ERR_UNKNOWN, NULL},
        {"closed in a chunk",
         {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n9\r\nab"},
         0,
         ERR_UNKNOWN,
         NULL},
        {"no HTTP", {"SMTP hello\r\n\r\n"}, 0, ERR_UNKNOWN, NULL},
        {"an announced size too large",
         {OK_HEAD "Content-Length: 1001\r\n\r\nab"},
         0,
         ERR_FULL,
         NULL},
        {"a chunk too large",
         {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n3e8\r\n"
                  "................................................................\r\n"},
         0,
         ERR_UNKNOWN,
         NULL},
    };
    struct arena *arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct far_side far;
        struct error err = {0};
        struct http_reply reply = {0};
        struct http_client *client = http_client_new(NULL);
        far_open(&far, CASES[at].script, CASES[at].pause_ms, NULL);
        const struct http_call call = call_to(arena, far.port, "GET");
        CHECK_EQ(CASES[at].given, http_client_call(client, &call, arena, &reply, &err),
                 CASES[at].then);
        if (CASES[at].then == OK)
            CHECK_TEXT(CASES[at].given, reply.body, CASES[at].body);
        else
            CHECK(CASES[at].given, strstr(err.message, call.url) != NULL);
        http_client_free(client);
        far_close(&far);
    }
    arena_free(arena);
}

static void test_http_client_call__too_large_without_a_size(void **state)
{
    (void)state;
    static char script[REPLY_SIZE_MAX + 200] = OK_HEAD "Connection: close\r\n\r\n";
    const char *const scripts[] = {script, NULL};
    const size_t head_size = strlen(script);
    struct arena *arena = arena_new(1024 * 1024);
    struct error err;
    for (size_t over = 0; over < 2; over++) {
        struct far_side far;
        struct http_reply reply = {0};
        struct http_client *client = http_client_new(NULL);
        memset(script + head_size, 'x', REPLY_SIZE_MAX + over);
        far_open(&far, scripts, 0, NULL);
        const struct http_call call = call_to(arena, far.port, "GET");
        CHECK_EQ(over == 0 ? "the largest" : "one byte more",
                 http_client_call(client, &call, arena, &reply, &err), over == 0 ? OK : ERR_FULL);
        http_client_free(client);
        far_close(&far);
    }
    arena_free(arena);
}

static void test_http_client_call__nobody_there(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024 * 1024);
    struct http_client *client = http_client_new("secret");
    struct http_reply reply = {0};
    struct error err;
    struct http_call call = call_to(arena, 1, "POST");
    CHECK_EQ("refused", http_client_call(client, &call, arena, &reply, &err), ERR_DOWN);
    char url[400] = "http://";
    memset(url + strlen(url), 'x', sizeof url - strlen(url) - 1);
    call.url = url; /* no resolver is asked for such a long name */
    CHECK_EQ("no such name", http_client_call(client, &call, arena, &reply, &err), ERR_DOWN);
    call.url = "ftp://127.0.0.1/";
    CHECK_EQ("another protocol", http_client_call(client, &call, arena, &reply, &err), ERR_INVALID);
    call.url = "http://[/";
    CHECK_EQ("no address", http_client_call(client, &call, arena, &reply, &err), ERR_INVALID);
    http_client_free(client);
    arena_free(arena);
}

/* A kept connection dies under the second call, and nobody listens any more: libcurl tries again
 * by itself and is refused, yet the first try may have been read. */
static void test_http_client_call__kept_connection_dies(void **state)
{
    (void)state;
    static const char *const SCRIPTS[] = {OK_HEAD "Content-Length: 2\r\n\r\nab", NULL};
    struct arena *arena = arena_new(1024 * 1024);
    struct http_client *client = http_client_new(NULL);
    struct far_side far;
    struct http_reply reply = {0};
    struct error err;
    far_open(&far, SCRIPTS, 0, "");
    struct http_call call = call_to(arena, far.port, "POST");
    call.body = TEXT("{}");
    CHECK_EQ("the first", http_client_call(client, &call, arena, &reply, &err), OK);
    close(far.listener);
    CHECK_EQ("the second", http_client_call(client, &call, arena, &reply, &err), ERR_UNKNOWN);
    pthread_join(far.thread, NULL);
    CHECK_EQ("the third", http_client_call(client, &call, arena, &reply, &err), ERR_DOWN);
    http_client_free(client);
    arena_free(arena);
}

static void test_http_client_call__what_is_sent(void **state)
{
    (void)state;
    static const char *const SCRIPTS[] = {OK_HEAD "Content-Length: 0\r\n\r\n", NULL};
    static const struct {
        const char *given;
        const char *method;
        struct text body;
        const char *first_line;
        const char *last;
    } CASES[] = {
        {"GET", "GET", {NULL, 0}, "GET /now HTTP/1.1\r\n", "\r\n\r\n"},
        {"POST", "POST", {"{}", 2}, "POST /now HTTP/1.1\r\n", "\r\n\r\n{}"},
        {"POST with an empty body", "POST", {"", 0}, "POST /now HTTP/1.1\r\n", "\r\n\r\n"},
        {"PUT", "PUT", {"{}", 2}, "PUT /now HTTP/1.1\r\n", "\r\n\r\n{}"},
    };
    struct arena *arena = arena_new(1024 * 1024);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct far_side far;
        struct http_reply reply = {0};
        struct error err;
        struct http_client *client = http_client_new("s3cret");
        far_open(&far, SCRIPTS, 0, NULL);
        struct http_call call = call_to(arena, far.port, CASES[at].method);
        call.body = CASES[at].body;
        call.headers[0] = (struct http_header){"Tallystick-Lane", TEXT("7")};
        CHECK_EQ(CASES[at].given, http_client_call(client, &call, arena, &reply, &err), OK);
        http_client_free(client);
        far_close(&far);
        CHECK(CASES[at].given, text_starts_with(text_of(far.seen), CASES[at].first_line));
        CHECK(CASES[at].given, strstr(far.seen, "\r\nAuthorization: Bearer s3cret\r\n") != NULL);
        CHECK(CASES[at].given, strstr(far.seen, "\r\nTallystick-Lane: 7\r\n") != NULL);
        CHECK(CASES[at].given, strstr(far.seen, "Expect") == NULL);
        CHECK_EQ(CASES[at].given, strstr(far.seen, "Content-Type: application/json") != NULL,
                 CASES[at].body.data != NULL);
        CHECK(CASES[at].given, strstr(far.seen, CASES[at].last) != NULL);
    }
    arena_free(arena);
}

/* Our client at our door: one connection serves all calls. */
static void test_http_client_call__keeps_its_connection(void **state)
{
    (void)state;
    struct http_server_config config = DOOR_CONFIG;
    config.connections_max = 1; /* a second connection would wait until the timeout */
    struct door *door = door_open(config);
    struct arena *arena = arena_new(1024 * 1024);
    struct http_client *client = http_client_new(NULL);
    struct http_reply reply = {0};
    struct error err;
    for (int round = 0; round < 200; round++) {
        struct http_call call = call_to(arena, door->port, "POST");
        call.body = TEXT("{}");
        CHECK_EQ("call after call", http_client_call(client, &call, arena, &reply, &err), OK);
        CHECK_TEXT("call after call", reply.body, "POST {}");
        arena_reset(arena);
    }
    http_client_free(client);
    arena_free(arena);
    door_close(door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_client_call__failures),
        cmocka_unit_test(test_http_client_call__too_large_without_a_size),
        cmocka_unit_test(test_http_client_call__nobody_there),
        cmocka_unit_test(test_http_client_call__kept_connection_dies),
        cmocka_unit_test(test_http_client_call__what_is_sent),
        cmocka_unit_test(test_http_client_call__keeps_its_connection),
    };
    http_client_init_all();
    return cmocka_run_group_tests_name("platform/http_client", tests, NULL, NULL);
}
