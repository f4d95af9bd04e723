#include "check.h"

#include "base/arena.h"
#include "platform/http/http_framing.h"

enum { HEADER_SIZE_MAX = 512, BODY_SIZE_MAX = 64 };

struct outcome {
    enum http_verdict verdict;
    struct http_framing framing;
    char bytes[4096];
};

/* Lets the framing see the bytes as they would come, `step` at a time. */
static void feed(const char *input, size_t input_size, size_t step, struct outcome *outcome)
{
    struct http_framing *f = &outcome->framing;
    enum http_verdict verdict = HTTP_MORE;
    bool has_head = false;
    size_t size = 0;
    http_framing_init(f, HEADER_SIZE_MAX);
    for (size_t at = 0; at < input_size && verdict == HTTP_MORE; at += step) {
        const size_t come = input_size - at < step ? input_size - at : step;
        memcpy(outcome->bytes + size, input + at, come);
        size += come;
        if (!has_head) {
            verdict = http_head_read(f, outcome->bytes, size);
            has_head = verdict == HTTP_WHOLE;
            f->body_size_max = BODY_SIZE_MAX;
        }
        if (has_head)
            verdict = http_body_read(f, outcome->bytes, size);
        size = http_framing_compact(f, outcome->bytes, size);
    }
    outcome->verdict = verdict;
}

#define HOST       "Host: a\r\n"
#define POST       "POST / HTTP/1.1\r\n" HOST
#define CASE(g, i) .given = (g), .input = (i), .input_size = sizeof(i) - 1
#define MALFORMED(g, i)                                                                            \
    {                                                                                              \
        CASE(g, i), .then = HTTP_REFUSED, .refusal = HTTP_REFUSAL_MALFORMED                        \
    }
#define ACCEPTED(g, i, b)                                                                          \
    {                                                                                              \
        CASE(g, i), .then = HTTP_WHOLE, .body = (b)                                                \
    }
#define X64  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X512 X64 X64 X64 X64 X64 X64 X64 X64

static const struct {
    const char *given;
    const char *input;
    size_t input_size;
    enum http_verdict then;
    enum http_refusal refusal;
    const char *body;
} CASES[] = {
    ACCEPTED("a plain request", "GET / HTTP/1.1\r\n" HOST "\r\n", ""),
    ACCEPTED("an empty line before it", "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", ""),
    ACCEPTED("HTTP/1.0 without a Host", "GET / HTTP/1.0\r\n\r\n", ""),
    ACCEPTED("an absolute target", "GET http://a/b?c HTTP/1.1\r\n" HOST "\r\n", ""),
    ACCEPTED("a tab and bytes above ASCII", "GET / HTTP/1.1\r\n" HOST "X: a\t\xc3\xa4\r\n\r\n", ""),
    ACCEPTED("an empty value", "GET / HTTP/1.1\r\n" HOST "X:\r\n\r\n", ""),
    ACCEPTED("a body", POST "Content-Length: 3\r\n\r\nabc", "abc"),
    ACCEPTED("blanks around a length", POST "Content-Length:  3 \t\r\n\r\nabc", "abc"),
    ACCEPTED("an empty body", POST "Content-Length: 0\r\n\r\n", ""),
    ACCEPTED("the largest body", POST "Content-Length: 64\r\n\r\n" X64, X64),
    ACCEPTED("chunks",
             POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
             "abcde"),
    ACCEPTED("chunks and a trailer",
             POST "Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n00\r\nT: u\r\n\r\n", "a"),
    ACCEPTED("blanks before a chunk's extension",
             POST "Transfer-Encoding: chunked\r\n\r\n1 \t;x\r\na\r\n0\r\n\r\n", "a"),
    ACCEPTED("no chunk", POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""),
    ACCEPTED("the largest body in chunks",
             POST "Transfer-Encoding: chunked\r\n\r\n40\r\n" X64 "\r\n0\r\n\r\n", X64),

    MALFORMED("no request line", "GARBAGE\r\n\r\n"),
    MALFORMED("two blanks", "GET  / HTTP/1.1\r\n" HOST "\r\n"),
    MALFORMED("a blank after the version", "GET / HTTP/1.1 \r\n" HOST "\r\n"),
    MALFORMED("a blank before the method", " GET / HTTP/1.1\r\n" HOST "\r\n"),
    MALFORMED("another version", "GET / HTTP/2.0\r\n" HOST "\r\n"),
    MALFORMED("an odd method", "G(T / HTTP/1.1\r\n" HOST "\r\n"),
    MALFORMED("a target that is no path", "GET a HTTP/1.1\r\n" HOST "\r\n"),
    MALFORMED("a byte above ASCII in the target", "GET /\xff HTTP/1.1\r\n" HOST "\r\n"),
    MALFORMED("a NUL in the target", "GET /\0 HTTP/1.1\r\n" HOST "\r\n"),
    MALFORMED("a fragment", "GET /#a HTTP/1.1\r\n" HOST "\r\n"),
    MALFORMED("no Host", "GET / HTTP/1.1\r\n\r\n"),
    MALFORMED("two Hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n"),
    MALFORMED("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n"),
    MALFORMED("two Hosts in one", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    MALFORMED("a path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    MALFORMED("bare line feeds", "GET / HTTP/1.1\nHost: a\n\n"),
    MALFORMED("one bare line feed", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n"),
    MALFORMED("a bare carriage return", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n"),
    MALFORMED("a folded value", "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n"),
    MALFORMED("a fold at once", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    MALFORMED("a fold of blanks", "GET / HTTP/1.1\r\n" HOST "X: a\r\n\t\r\n\r\n"),
    MALFORMED("a blank before the colon", POST "Content-Length : 1\r\n\r\na"),
    MALFORMED("a blank in a name", "GET / HTTP/1.1\r\n" HOST "X Y: a\r\n\r\n"),
    MALFORMED("no colon", "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n"),
    MALFORMED("no name", "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n"),
    MALFORMED("a NUL in a value", "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"),
    MALFORMED("a NUL in a name", "GET / HTTP/1.1\r\n" HOST "X\0Y: a\r\n\r\n"),
    MALFORMED("a delete in a value", "GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n"),
    MALFORMED("a length and chunks",
              POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    MALFORMED("chunks and a length",
              POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    MALFORMED("two equal lengths", POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"),
    MALFORMED("two lengths", POST "Content-Length: 1\r\ncontent-length: 2\r\n\r\nab"),
    MALFORMED("two lengths in one", POST "Content-Length: 1, 1\r\n\r\na"),
    MALFORMED("a length with a plus", POST "Content-Length: +1\r\n\r\na"),
    MALFORMED("a length below zero", POST "Content-Length: -1\r\n\r\n"),
    MALFORMED("a hexadecimal length", POST "Content-Length: 0x1\r\n\r\na"),
    MALFORMED("no length in the header", POST "Content-Length:\r\n\r\n"),
    MALFORMED("a length above 64 bits", POST "Content-Length: 18446744073709551617\r\n\r\na"),
    MALFORMED("an unknown coding", POST "Transfer-Encoding: xchunked\r\n\r\n"),
    MALFORMED("two codings", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    MALFORMED("chunked twice",
              POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    MALFORMED("chunks in HTTP/1.0",
              "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    MALFORMED("an unknown expectation", POST "Expect: wonders\r\n\r\n"),
    MALFORMED("a chunk without a size", POST "Transfer-Encoding: chunked\r\n\r\n\r\n\r\n"),
    MALFORMED("a chunk's size with a sign", POST "Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n"),
    MALFORMED("a chunk's size with 0x", POST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n"),
    MALFORMED("a chunk longer than its size", POST "Transfer-Encoding: chunked\r\n\r\n1\r\nabc"),
    MALFORMED("a line feed in chunks", POST "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"),
    MALFORMED("a blank before a chunk's size",
              POST "Transfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n"),
    MALFORMED("a blank behind a chunk's size",
              POST "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n"),
    MALFORMED("a trailer that is no field", POST "Transfer-Encoding: chunked\r\n\r\n0\r\n{\r\n"),
    MALFORMED("a folded trailer", POST "Transfer-Encoding: chunked\r\n\r\n0\r\nT: u\r\n v\r\n\r\n"),
    MALFORMED("a bare carriage return in a trailer",
              POST "Transfer-Encoding: chunked\r\n\r\n0\r\nT: u\rv\r\n\r\n"),
    MALFORMED("an endless chunk extension", POST "Transfer-Encoding: chunked\r\n\r\n1;" X512),

    {CASE("a body one byte too large", POST "Content-Length: 65\r\n\r\n"), .then = HTTP_REFUSED,
     .refusal = HTTP_REFUSAL_BODY_TOO_LARGE},
    {CASE("the largest length", POST "Content-Length: 9223372036854775807\r\n\r\n"),
     .then = HTTP_REFUSED, .refusal = HTTP_REFUSAL_BODY_TOO_LARGE},
    {CASE("one chunk too large", POST "Transfer-Encoding: chunked\r\n\r\n41\r\n"),
     .then = HTTP_REFUSED, .refusal = HTTP_REFUSAL_BODY_TOO_LARGE},
    {CASE("an endless chunk size", POST "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
     .then = HTTP_REFUSED, .refusal = HTTP_REFUSAL_BODY_TOO_LARGE},
    {CASE("two chunks too large", POST "Transfer-Encoding: chunked\r\n\r\n3f\r\n" X64 "\n2\r\n"),
     .then = HTTP_REFUSED, .refusal = HTTP_REFUSAL_MALFORMED},
    {CASE("a long target", "GET /" X512 " HTTP/1.1\r\n" HOST "\r\n"), .then = HTTP_REFUSED,
     .refusal = HTTP_REFUSAL_URI_TOO_LONG},
    {CASE("an endless target", "GET /" X512), .then = HTTP_REFUSED,
     .refusal = HTTP_REFUSAL_URI_TOO_LONG},
    {CASE("a long header", "GET / HTTP/1.1\r\n" HOST "X: " X512 "\r\n\r\n"), .then = HTTP_REFUSED,
     .refusal = HTTP_REFUSAL_HEADER_TOO_LARGE},
    {CASE("an endless header", "GET / HTTP/1.1\r\n" HOST "X: " X512), .then = HTTP_REFUSED,
     .refusal = HTTP_REFUSAL_HEADER_TOO_LARGE},
    {CASE("long trailers", POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " X512),
     .then = HTTP_REFUSED, .refusal = HTTP_REFUSAL_HEADER_TOO_LARGE},

    {CASE("half a request line", "GET / HTT"), .then = HTTP_MORE},
    {CASE("half a head", "GET / HTTP/1.1\r\n" HOST), .then = HTTP_MORE},
    {CASE("half a body", POST "Content-Length: 2\r\n\r\na"), .then = HTTP_MORE},
    {CASE("half a chunk", POST "Transfer-Encoding: chunked\r\n\r\n2\r\na"), .then = HTTP_MORE},
    {CASE("no end of chunks", POST "Transfer-Encoding: chunked\r\n\r\n0\r\n"), .then = HTTP_MORE},
};

/* However the bytes are cut up on their way, the verdict is the same. */
static void test_http_framing__every_case_in_every_step(void **state)
{
    (void)state;
    static struct outcome outcome;
    for (size_t at = 0; at < COUNT(CASES); at++) {
        for (size_t step = 1; step <= 64; step = step < 8 ? step + 1 : step * 2) {
            feed(CASES[at].input, CASES[at].input_size, step, &outcome);
            CHECK_EQ(CASES[at].given, outcome.verdict, CASES[at].then);
            if (CASES[at].then == HTTP_REFUSED)
                CHECK_EQ(CASES[at].given, outcome.framing.refusal, CASES[at].refusal);
            if (CASES[at].body == NULL)
                continue;
            const struct http_span body = outcome.framing.body;
            CHECK_TEXT(CASES[at].given, ((struct text){outcome.bytes + body.at, body.size}),
                       CASES[at].body);
        }
    }
}

static void test_http_framing__too_many_headers(void **state)
{
    (void)state;
    static struct outcome outcome;
    static const struct {
        const char *given;
        int count;
        enum http_verdict then;
    } COUNTS[] = {
        {"as many headers as there may be", HTTP_FIELDS_MAX, HTTP_WHOLE},
        {"one more", HTTP_FIELDS_MAX + 1, HTTP_REFUSED},
    };
    for (size_t at = 0; at < COUNT(COUNTS); at++) {
        struct arena *arena = arena_new(HEADER_SIZE_MAX * 4);
        struct text_builder input;
        text_builder_init(&input, arena, HEADER_SIZE_MAX);
        text_builder_add_c(&input, "GET / HTTP/1.1\r\nHost:\r\n");
        for (int count = 1; count < COUNTS[at].count; count++)
            text_builder_add_c(&input, "X:\r\n");
        text_builder_add_c(&input, "\r\n");
        feed(input.data, input.size, input.size, &outcome);
        arena_free(arena);
        CHECK_EQ(COUNTS[at].given, outcome.verdict, COUNTS[at].then);
    }
    CHECK_EQ("one more", outcome.framing.refusal, HTTP_REFUSAL_HEADER_TOO_LARGE);
}

/* Nothing random may read outside its bytes (the sanitizers watch) or run for ever. */
static void test_http_framing__random_bytes(void **state)
{
    (void)state;
    static struct outcome outcome;
    static const char BYTES[] = "GET / HTTP/1.1\r\n:;a0 \t\xff";
    uint32_t seed = 12345;
    for (int round = 0; round < 20000; round++) {
        const size_t from =
            round % 2 == 0 ? 0 : sizeof POST "Transfer-Encoding: chunked\r\n\r\n" - 1;
        char input[256] = POST "Transfer-Encoding: chunked\r\n\r\n";
        for (size_t at = from; at < sizeof input; at++) {
            seed = seed * 1664525 + 1013904223;
            input[at] = BYTES[(seed >> 16) % (sizeof BYTES)];
        }
        feed(input, sizeof input, (size_t)(round % 7) + 1, &outcome);
        CHECK("random bytes", outcome.framing.at <= sizeof outcome.bytes);
    }
}

static void test_http_framing_keeps_alive__versions(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *input;
        bool then;
    } HEADS[] = {
        {"1.1", "GET / HTTP/1.1\r\n" HOST "\r\n", true},
        {"1.1 and close", "GET / HTTP/1.1\r\n" HOST "Connection: Close\r\n\r\n", false},
        {"1.1 and close among others", "GET / HTTP/1.1\r\n" HOST "Connection: TE , close\r\n\r\n",
         false},
        {"1.0", "GET / HTTP/1.0\r\n\r\n", false},
        {"1.0 and keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    };
    static struct outcome outcome;
    for (size_t at = 0; at < COUNT(HEADS); at++) {
        feed(HEADS[at].input, strlen(HEADS[at].input), 1, &outcome);
        CHECK_EQ(HEADS[at].given, outcome.verdict, HTTP_WHOLE);
        CHECK_EQ(HEADS[at].given, http_framing_keeps_alive(&outcome.framing), HEADS[at].then);
    }
}

static void test_http_target_split__forms(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        const char *target;
        const char *path;
        const char *query;
    } TARGETS[] = {
        {"a path", "/a/b", "/a/b", ""},
        {"an empty query", "/a?", "/a", ""},
        {"a query", "/a?b=c&d?e", "/a", "b=c&d?e"},
        {"an absolute target", "http://h:80/a?b", "/a", "b"},
        {"an absolute target without a path", "https://h", "/", ""},
        {"a slash in the query of an absolute target", "http://h?a=/b", "/", "a=/b"},
        {"an absolute target without a host", "http://", "/", ""},
        {"everything", "*", "*", ""},
    };
    for (size_t at = 0; at < COUNT(TARGETS); at++) {
        struct text path;
        struct text query;
        http_target_split(text_of(TARGETS[at].target), &path, &query);
        CHECK_TEXT(TARGETS[at].given, path, TARGETS[at].path);
        CHECK_TEXT(TARGETS[at].given, query, TARGETS[at].query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_framing__every_case_in_every_step),
        cmocka_unit_test(test_http_framing__too_many_headers),
        cmocka_unit_test(test_http_framing__random_bytes),
        cmocka_unit_test(test_http_framing_keeps_alive__versions),
        cmocka_unit_test(test_http_target_split__forms),
    };
    return cmocka_run_group_tests_name("platform/http_framing", tests, NULL, NULL);
}
