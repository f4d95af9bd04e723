/* What takes long: slow peers, kept requests, deadlines, draining and stopping. */
#include "http_door.h"
#include "raw_http.h"

#include <sys/resource.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

enum { SHORT_MS = 200, PATIENT_MS = 800, MANY = 600 };

static int64_t elapsed_ms(int64_t since_us)
{
    return (clock_monotonic_us() - since_us) / 1000;
}

static void ask(struct raw_peer *peer, const char *input, struct raw_answer *answer)
{
    raw_send(peer, input);
    raw_read_answer(peer, false, answer);
}

/* A byte every 20 ms would never be idle for SHORT_MS, but the whole may not take longer. */
static void test_http_server__slow_drip(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *first;
        char drip;
    } CASES[] = {
        {"a slow request line", "GET /", 'x'},
        {"a slow header", "GET / HTTP/1.1\r\nX: ", 'x'},
        {"a slow body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n", 'x'},
        {"slow chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n",
         'x'},
        {"nothing at all", "", '\0'},
    };
    struct http_server_config config = DOOR_CONFIG;
    config.receive_ms = SHORT_MS;
    struct door *door = door_open(config);
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct raw_peer *peer = raw_open(door->port);
        const int64_t start_us = clock_monotonic_us();
        struct pollfd closed = {.fd = peer->socket, .events = POLLIN};
        raw_send(peer, CASES[at].first);
        while (poll(&closed, 1, 20) == 0 && elapsed_ms(start_us) < RAW_WAIT_MS)
            if (CASES[at].drip != '\0')
                raw_send_bytes(peer, &CASES[at].drip, 1);
        CHECK(CASES[at].given, elapsed_ms(start_us) >= SHORT_MS - 1);
        CHECK(CASES[at].given, elapsed_ms(start_us) < RAW_WAIT_MS);
        CHECK(CASES[at].given, raw_is_closed(peer));
        raw_close(peer);
    }
    door_close(door);
}

static void test_http_server__kept_past_its_deadline(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct http_server_config config = DOOR_CONFIG;
    config.respond_ms = PATIENT_MS; /* an answer from another thread needs some of it */
    struct door *door = door_open(config);
    struct raw_peer *peer = raw_open(door->port);
    const int64_t start_us = clock_monotonic_us();
    ask(peer, GET("/kept"), &answer);
    CHECK_EQ("no answer in time", answer.status, 504);
    CHECK_TEXT("no answer in time", answer.body, "4");
    CHECK("not before the deadline", elapsed_ms(start_us) >= PATIENT_MS - 1);
    door_wait_open_requests(door, 0);
    ask(peer, GET("/now"), &answer);
    CHECK_EQ("the next on the same connection", answer.status, 200);
    door_answer_kept(door);
    ask(peer, GET("/late"), &answer);
    CHECK_EQ("after the late answer", answer.status, 200);
    CHECK_EQ("after the late answer nothing else comes", peer->size, 0);
    raw_close(peer);
    door_close(door);
}

/* The same request over and over, so that a late answer could meet the next one's exchange. */
static void test_http_server__many_late_answers(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct http_server_config config = DOOR_CONFIG;
    config.respond_ms = 20;
    struct door *door = door_open(config);
    struct raw_peer *peer = raw_open(door->port);
    for (int round = 0; round < 10; round++) {
        ask(peer, GET("/kept"), &answer);
        CHECK_EQ("kept", answer.status, 504);
        door_answer_kept(door);
        ask(peer, GET("/now"), &answer);
        CHECK_TEXT("the next gets its own answer", answer.body, "GET ");
    }
    raw_close(peer);
    door_close(door);
}

/* Hundreds of resting connections hide no ready one, and each is answered once. */
static void test_http_server__hundreds_kept(void **state)
{
    (void)state;
    static struct raw_answer answer;
    static struct raw_peer *peers[MANY];
    struct door *door = door_open(DOOR_CONFIG);
    for (int at = 0; at < MANY; at++) {
        peers[at] = raw_open(door->port);
        raw_send(peers[at], GET("/kept") GET("/late"));
    }
    door_wait_kept(door, MANY);
    CHECK_EQ("all are out", http_server_open_requests(door->server), MANY);
    for (int at = 0; at < 100; at++) {
        struct raw_peer *other = raw_open(door->port);
        const int64_t start_us = clock_monotonic_us();
        ask(other, GET("/now"), &answer);
        CHECK_EQ("a new connection", answer.status, 200);
        ask(other, GET("/late"), &answer);
        CHECK_EQ("a new connection, again", answer.status, 200);
        CHECK("at once", elapsed_ms(start_us) < RAW_WAIT_MS / 2);
        raw_close(other);
    }
    door_wait_open_requests(door, MANY);
    door_answer_kept(door);
    for (int at = 0; at < MANY; at++) {
        raw_read_answer(peers[at], false, &answer);
        CHECK_EQ("the kept one", answer.status, 200);
        raw_read_answer(peers[at], false, &answer);
        CHECK_EQ("the one behind it", answer.status, 200);
        CHECK_EQ("nothing else", recv(peers[at]->socket, answer.bytes, 1, MSG_DONTWAIT), -1);
        raw_close(peers[at]);
    }
    door_wait_open_requests(door, 0);
    door_close(door);
}

/* Waves over all connections: whoever is ready in a wave is answered in that wave. */
static void test_http_server__hundreds_in_waves(void **state)
{
    (void)state;
    static struct raw_answer answer;
    static struct raw_peer *peers[MANY];
    struct door *door = door_open(DOOR_CONFIG);
    for (int at = 0; at < MANY; at++)
        peers[at] = raw_open(door->port);
    for (int wave = 0; wave < 5; wave++) {
        for (int at = 0; at < MANY; at++)
            raw_send(peers[at], at % 3 == wave % 3 ? GET("/kept") : GET("/now"));
        door_wait_kept(door, MANY / 3);
        door_answer_kept(door);
        for (int at = 0; at < MANY; at++) {
            raw_read_answer(peers[at], false, &answer);
            CHECK_EQ("each in its wave", answer.status, 200);
        }
    }
    for (int at = 0; at < MANY; at++)
        raw_close(peers[at]);
    door_close(door);
}

static void test_http_server__drain(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct door *door = door_open(DOOR_CONFIG);
    struct raw_peer *kept = raw_open(door->port);
    struct raw_peer *idle = raw_open(door->port);
    ask(idle, GET("/now"), &answer);
    raw_send(kept, GET("/kept"));
    door_wait_kept(door, 1);
    http_server_drain(door->server);

    ask(idle, GET("/now"), &answer);
    CHECK_EQ("a new request", answer.status, 503);
    CHECK_TEXT("a new request", answer.body, "5");
    CHECK("a new request", answer.says_close && raw_is_closed(idle));
    CHECK_EQ("the kept one counts", http_server_open_requests(door->server), 1);
    door_answer_kept(door);
    raw_read_answer(kept, false, &answer);
    CHECK_EQ("the kept one", answer.status, 200);
    CHECK("the kept one", answer.says_close && raw_is_closed(kept));
    door_wait_open_requests(door, 0);

    door_wait_refuses(door);
    raw_close(idle);
    raw_close(kept);
    door_close(door);
}

/* A handler called after its service has stopped would be a disaster. */
static void test_http_server__drain_counts_a_body_on_its_way(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct door *door = door_open(DOOR_CONFIG);
    struct raw_peer *peer = raw_open(door->port);
    raw_send(peer, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
    door_wait_open_requests(door, 1);
    http_server_drain(door->server);
    door_wait_refuses(door);
    CHECK_EQ("its body is to come", http_server_open_requests(door->server), 1);
    raw_send(peer, "ab");
    raw_read_answer(peer, false, &answer);
    CHECK_EQ("it is served", answer.status, 200);
    CHECK("it is served", answer.says_close && raw_is_closed(peer));
    door_wait_open_requests(door, 0);
    raw_close(peer);
    door_close(door);
}

static void test_http_server__peer_goes(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct door *door = door_open(DOOR_CONFIG);
    for (int round = 0; round < 20; round++) {
        struct raw_peer *peer = raw_open(door->port);
        raw_send(peer, GET("/kept"));
        door_wait_kept(door, round % 4 + 1);
        const struct linger at_once = {.l_onoff = round % 2, .l_linger = 0};
        setsockopt(peer->socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        raw_close(peer);
        if (round % 4 == 3)
            door_answer_kept(door);
    }
    struct raw_peer *other = raw_open(door->port);
    ask(other, GET("/late"), &answer);
    CHECK_EQ("another peer", answer.status, 200);
    door_wait_open_requests(door, 0);
    raw_close(other);
    door_close(door);
}

/* Who has said all it will say may still listen. */
static void test_http_server__half_closed_peer(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct door *door = door_open(DOOR_CONFIG);
    struct raw_peer *peer = raw_open(door->port);
    raw_send(peer, GET("/late") GET("/now"));
    shutdown(peer->socket, SHUT_WR);
    raw_read_answer(peer, false, &answer);
    CHECK_EQ("the first", answer.status, 200);
    raw_read_answer(peer, false, &answer);
    CHECK_EQ("the second", answer.status, 200);
    CHECK("then", raw_is_closed(peer));
    raw_close(peer);
    door_close(door);
}

static void test_http_server_stop__kept_requests(void **state)
{
    (void)state;
    static struct raw_answer answer;
    static struct raw_peer *peers[50];
    struct door *door = door_open(DOOR_CONFIG);
    for (size_t at = 0; at < COUNT(peers); at++) {
        peers[at] = raw_open(door->port);
        raw_send(peers[at], GET("/kept"));
    }
    door_wait_kept(door, (int)COUNT(peers));
    door_close(door); /* answers them after the stop */
    for (size_t at = 0; at < COUNT(peers); at++) {
        raw_read_answer(peers[at], false, &answer);
        CHECK_EQ("kept over the stop", answer.status, 503);
        CHECK("kept over the stop", raw_is_closed(peers[at]));
        raw_close(peers[at]);
    }
}

/* Answers race with the stop: some get out, none does harm. */
static void test_http_server_stop__while_answers_come(void **state)
{
    (void)state;
    static struct raw_peer *peers[50];
    for (int round = 0; round < 5; round++) {
        struct door *door = door_open(DOOR_CONFIG);
        for (size_t at = 0; at < COUNT(peers); at++) {
            peers[at] = raw_open(door->port);
            raw_send(peers[at], GET("/late") GET("/late") GET("/late"));
        }
        door_sleep_ms(round * 5);
        door_close(door);
        for (size_t at = 0; at < COUNT(peers); at++)
            raw_close(peers[at]);
    }
}

/* More connections than there may be wait for their turn. */
static void test_http_server__connections_max(void **state)
{
    (void)state;
    static struct raw_answer answer;
    struct raw_peer *peers[6];
    struct http_server_config config = DOOR_CONFIG;
    config.connections_max = 2;
    struct door *door = door_open(config);
    for (size_t at = 0; at < COUNT(peers); at++) {
        peers[at] = raw_open(door->port);
        raw_send(peers[at], GET("/late"));
    }
    for (size_t at = 0; at < COUNT(peers); at++) {
        raw_read_answer(peers[at], false, &answer);
        CHECK_EQ("in turn", answer.status, 200);
        raw_close(peers[at]);
    }
    door_close(door);
}

/* A peer that reads nothing costs its answer and its connection, nothing else. */
static void test_http_server__peer_does_not_read(void **state)
{
    (void)state;
    static struct raw_answer answer;
    static char body[1000000];
    struct http_server_config config = DOOR_CONFIG;
    config.body_size_max = sizeof body;
    config.receive_ms = PATIENT_MS; /* the other peer needs some of it */
    struct door *door = door_open(config);
    struct raw_peer *deaf = raw_open(door->port);
    for (int round = 0; round < 10; round++) {
        raw_send(deaf, "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
        const ssize_t sent = send(deaf->socket, body, sizeof body, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < (ssize_t)sizeof body)
            break;
    }
    struct raw_peer *other = raw_open(door->port);
    ask(other, GET("/late"), &answer);
    CHECK_EQ("another peer", answer.status, 200);
    door_wait_open_requests(door, 0);
    raw_close(other);
    raw_close(deaf);
    door_close(door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_server__slow_drip),
        cmocka_unit_test(test_http_server__kept_past_its_deadline),
        cmocka_unit_test(test_http_server__many_late_answers),
        cmocka_unit_test(test_http_server__hundreds_kept),
        cmocka_unit_test(test_http_server__hundreds_in_waves),
        cmocka_unit_test(test_http_server__drain),
        cmocka_unit_test(test_http_server__drain_counts_a_body_on_its_way),
        cmocka_unit_test(test_http_server__peer_goes),
        cmocka_unit_test(test_http_server__half_closed_peer),
        cmocka_unit_test(test_http_server_stop__kept_requests),
        cmocka_unit_test(test_http_server_stop__while_answers_come),
        cmocka_unit_test(test_http_server__connections_max),
        cmocka_unit_test(test_http_server__peer_does_not_read),
    };
    /* Both ends of every connection are in this process. */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &files);
    return cmocka_run_group_tests_name("platform/http_server_kept", tests, NULL, NULL);
}
