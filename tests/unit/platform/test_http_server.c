#include "http_door.h"
#include "raw_http.h"

#include "base/arena.h"

#define HOST "Host: a\r\n"

/* One connection, one text sent, one answer. */
static void ask(struct door *door, const char *input, size_t size, struct raw_answer *answer)
{
    struct raw_peer *peer = raw_open(door->port);
    raw_send_bytes(peer, input, size);
    raw_read_answer(peer, false, answer);
    if (answer->says_close)
        assert_true(raw_is_closed(peer));
    raw_close(peer);
}

static void test_http_server__refusals(void **state)
{
    (void)state;
#define X64                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256               X64 X64 X64 X64
#define X1K                X256 X256 X256 X256
#define CASE(given, input) (given), (input), sizeof(input) - 1
    static const struct {
        const char *given;
        const char *input;
        size_t size;
        int then;
        const char *body;
    } CASES[] = {
        {CASE("no HTTP", "GARBAGE\r\n\r\n"), 400, "0"},
        {CASE("a TLS greeting", "\x16\x03\x01\x02\x00\x01\n"), 400, "0"},
        {CASE("no Host", "GET / HTTP/1.1\r\n\r\n"), 400, "0"},
        {CASE("two Hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n"), 400, "0"},
        {CASE("two lengths",
              "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"),
         400, "0"},
        {CASE("a length and chunks",
              "POST / HTTP/1.1\r\n" HOST
              "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
         400, "0"},
        {CASE("a signed length", "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nabcde"), 400,
         "0"},
        {CASE("a NUL in a value", "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"), 400, "0"},
        {CASE("a long header", "GET / HTTP/1.1\r\n" HOST "X: " X1K "\r\n\r\n"), 431, "3"},
        {CASE("a long target", "GET /" X1K " HTTP/1.1\r\n" HOST "\r\n"), 414, "2"},
        {CASE("a large body, not sent", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\n"),
         413, "1"},
        {CASE("a large body, asked before",
              "POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n"),
         413, "1"},
        {CASE("a large body, half sent",
              "POST / HTTP/1.1\r\n" HOST "Content-Length: 4000\r\n\r\n" X1K),
         413, "1"},
        {CASE("a large chunk",
              "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3e9\r\n"),
         413, "1"},
    };
    static struct raw_answer answer;
    struct door *door = door_open(DOOR_CONFIG);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        ask(door, CASES[at].input, CASES[at].size, &answer);
        CHECK_EQ(CASES[at].given, answer.status, CASES[at].then);
        CHECK_TEXT(CASES[at].given, answer.body, CASES[at].body);
        CHECK(CASES[at].given, answer.says_close);
    }
    CHECK_EQ("refusals only", http_server_open_requests(door->server), 0);
    door_close(door);
}

static void test_http_server__accepted(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *input;
        const char *body;
        bool closes;
    } CASES[] = {
        {"no body", "GET / HTTP/1.1\r\n" HOST "\r\n", "GET ", false},
        {"a body", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", "PUT abc", false},
        {"chunks",
         "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
         "POST abc", false},
        {"close", "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "GET ", true},
        {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "GET ", true},
        {"HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET ", false},
        {"late", "POST /late HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", "POST x", false},
    };
    static struct raw_answer answer;
    struct door *door = door_open(DOOR_CONFIG);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        ask(door, CASES[at].input, strlen(CASES[at].input), &answer);
        CHECK_EQ(CASES[at].given, answer.status, 200);
        CHECK_TEXT(CASES[at].given, answer.body, CASES[at].body);
        CHECK_EQ(CASES[at].given, answer.says_close, CASES[at].closes);
    }
    door_close(door);
}

static void test_http_server__expect_continue(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct door *door = door_open(DOOR_CONFIG);
    struct raw_peer *peer = raw_open(door->port);
    raw_send(peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    raw_read_answer(peer, true, &answer);
    CHECK_EQ("before the body", answer.status, 100);
    raw_send(peer, "abc");
    raw_read_answer(peer, false, &answer);
    CHECK_EQ("after the body", answer.status, 200);
    CHECK_TEXT("after the body", answer.body, "POST abc");
    raw_close(peer);
    door_close(door);
}

static void test_http_server__head_has_no_body(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct door *door = door_open(DOOR_CONFIG);
    struct raw_peer *peer = raw_open(door->port);
    raw_send(peer, "HEAD / HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n");
    raw_read_answer(peer, true, &answer);
    CHECK_EQ("HEAD", raw_content_length(answer.head), strlen("HEAD "));
    raw_read_answer(peer, false, &answer);
    CHECK_TEXT("the next", answer.body, "GET ");
    raw_close(peer);
    door_close(door);
}

/* Twenty requests in one write, answered by two threads: in order all the same. */
static void test_http_server__pipelining(void **state)
{
    (void)state;
    static const char *const PATHS[] = {"/late", "/now"};
    static struct raw_answer answer;
    struct door *door = door_open(DOOR_CONFIG);
    struct arena *arena = arena_new(1024 * 1024);
    struct raw_peer *peer = raw_open(door->port);
    struct text_builder all;
    text_builder_init(&all, arena, 4096);
    for (int at = 0; at < 20; at++)
        text_builder_add_format(&all, "POST %s HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n%02d",
                                PATHS[at % 2], at);
    raw_send_bytes(peer, all.data, all.size);
    for (int at = 0; at < 20; at++) {
        raw_read_answer(peer, false, &answer);
        CHECK_TEXT("twenty at once", answer.body,
                   text_to_c(arena, text_format(arena, "POST %02d", at)));
    }
    raw_close(peer);
    arena_free(arena);
    door_close(door);
}

static void handle_headers(void *context, struct http_request *request)
{
    (void)context;
    const struct text body = text_format(
        request->arena, "%.*s|%d|%d|%.*s|%.*s|%.*s",
        TEXT_ARGS(http_request_header(request, "x-one")),
        http_request_header_count(request, "X-TWO"), http_request_header_count(request, "X-None"),
        TEXT_ARGS(request->path), TEXT_ARGS(http_request_query(request, "a")),
        TEXT_ARGS(http_request_query(request, "b")));
    struct http_response response = {.status = 201, .content_type = "text/plain", .body = body};
    response.headers[0] = (struct http_header){"Location", TEXT("/a\r\nX: y")};
    http_respond(request, &response);
}

static void test_http_server__headers_and_query(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct http_server_config config = DOOR_CONFIG;
    struct http_server *server;
    struct error err;
    config.handle = handle_headers;
    config.refuse = door_refuse;
    assert_int_equal(http_server_start(&config, &server, &err), OK);
    struct raw_peer *peer = raw_open(http_server_port(server));
    raw_send(peer, "GET /p%41?c&a=%41%zz+%3&b HTTP/1.1\r\n" HOST
                   "X-One: 1 \r\nX-Two: a\r\nx-two: b\r\n\r\n");
    raw_read_answer(peer, false, &answer);
    CHECK_EQ("a handler's status", answer.status, 201);
    CHECK_TEXT("headers and query", answer.body, "1|2|0|/p%41|A%zz+%3|");
    CHECK("a line break in a header's value",
          memmem(answer.bytes, answer.head.size, "Location: /a  X: y\r\n", 20) != NULL);
    CHECK("a date", memmem(answer.bytes, answer.head.size, " GMT\r\n", 6) != NULL);
    raw_close(peer);
    http_server_stop(server);
}

static size_t largest_on(void *context, struct text method, struct text path)
{
    (void)context;
    return text_equals_c(method, "POST") && text_equals_c(path, "/large") ? 500000 : 10;
}

static void test_http_server__limit_of_a_path(void **state)
{
    (void)state;
    static struct raw_answer answer;
    static char body[500001];
    struct http_server_config config = DOOR_CONFIG;
    config.body_size_max_for = largest_on;
    struct door *door = door_open(config);
    struct raw_peer *peer = raw_open(door->port);
    memset(body, 'x', sizeof body - 1);
    for (int round = 0; round < 3; round++) {
        raw_send(peer, "HEAD /small HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n0123456789");
        raw_read_answer(peer, true, &answer);
        CHECK_EQ("a small body", answer.status, 200);
    }
    raw_send(peer, "POST /large?x HTTP/1.1\r\n" HOST "Content-Length: 500000\r\n\r\n");
    raw_send(peer, body);
    while (peer->size < 1000)
        assert_true(raw_read_more(peer));
    CHECK("a large body", memmem(peer->in, 1000, "Content-Length: 500005\r\n", 24) != NULL);
    raw_close(peer);
    ask(door, "PUT /large HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n",
        sizeof("PUT /large HTTP/1.1\r\n" HOST "Content-Length: 11\r\n\r\n") - 1, &answer);
    CHECK_EQ("another method", answer.status, 413);
    door_close(door);
}

/* Trailers may be as large as a head, behind the largest head and the largest body. */
static void test_http_server__largest_trailer(void **state)
{
    (void)state;
    static const char CHUNKS[] = "Transfer-Encoding: chunked\r\n\r\n3e8\r\n";
    static struct raw_answer answer;
    static char part[10000];
    struct http_server_config config = DOOR_CONFIG;
    config.header_size_max = sizeof part + 1000;
    struct door *door = door_open(config);
    struct raw_peer *peer = raw_open(door->port);
    memset(part, 'x', sizeof part);
    raw_send(peer, "POST / HTTP/1.1\r\n" HOST "X: ");
    raw_send_bytes(peer, part, sizeof part);
    raw_send(peer, "\r\n");
    raw_send_bytes(peer, CHUNKS, sizeof CHUNKS - 1);
    raw_send_bytes(peer, part, 1000);
    raw_send(peer, "\r\n0\r\nX: ");
    raw_send_bytes(peer, part, sizeof part);
    raw_send(peer, "\r\n\r\n");
    raw_read_answer(peer, false, &answer);
    CHECK_EQ("everything as large as it may be", answer.status, 200);
    raw_close(peer);
    door_close(door);
}

/* The refusal reaches a peer that goes on sending a while, for the server reads and drops. */
static void test_http_server__refusal_reaches_a_sender(void **state)
{
    (void)state;
    static struct raw_answer answer;
    static char body[200000];
    struct door *door = door_open(DOOR_CONFIG);
    struct raw_peer *peer = raw_open(door->port);
    raw_send(peer, "POST / HTTP/1.1\r\n" HOST "Content-Length: 2000000\r\n\r\n");
    for (int round = 0; round < 10; round++) {
        raw_send_bytes(peer, body, sizeof body);
        door_sleep_ms(2);
    }
    raw_read_answer(peer, false, &answer);
    CHECK_EQ("2 MB sent all the same", answer.status, 413);
    raw_close(peer);
    door_close(door);
}

static void test_http_server_start__address_taken(void **state)
{
    (void)state;
    struct door *door = door_open(DOOR_CONFIG);
    struct http_server_config config = DOOR_CONFIG;
    struct http_server *server = NULL;
    struct error err;
    config.port = door->port;
    config.handle = door_handle;
    config.refuse = door_refuse;
    CHECK_EQ("a port in use", http_server_start(&config, &server, &err), ERR_CONFLICT);
    CHECK("the port is named", strstr(err.message, "port") != NULL);
    config.address = X256; /* no resolver is asked for such a long name */
    CHECK_EQ("no address", http_server_start(&config, &server, &err), ERR_INVALID);
    CHECK("no server", server == NULL);
    http_server_stop(server);
    door_close(door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_server__refusals),
        cmocka_unit_test(test_http_server__accepted),
        cmocka_unit_test(test_http_server__expect_continue),
        cmocka_unit_test(test_http_server__head_has_no_body),
        cmocka_unit_test(test_http_server__pipelining),
        cmocka_unit_test(test_http_server__headers_and_query),
        cmocka_unit_test(test_http_server__limit_of_a_path),
        cmocka_unit_test(test_http_server__largest_trailer),
        cmocka_unit_test(test_http_server__refusal_reaches_a_sender),
        cmocka_unit_test(test_http_server_start__address_taken),
    };
    return cmocka_run_group_tests_name("platform/http_server", tests, NULL, NULL);
}
