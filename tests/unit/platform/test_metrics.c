#include "check.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/exemplar.h"
#include "platform/metrics.h"

#include <pthread.h>

enum { THREADS = 4, TIMES = 20000 };

#define COLORS(X) X(COLOR_RED, "red") X(COLOR_BLUE, "blue")
enum color { COLORS(METRIC_VALUE_ENUM) COLOR_COUNT };
#define SIZES(X) X(SIZE_SMALL, "small") X(SIZE_LARGE, "large") X(SIZE_HUGE, "huge")
enum size { SIZES(METRIC_VALUE_ENUM) SIZE_COUNT };

METRIC_VALUES(color_value, COLORS)
METRIC_VALUES(size_value, SIZES)

static const struct metric_label BOTH[] = {
    {"color", COLOR_COUNT, color_value}, {"size", SIZE_COUNT, size_value}, {NULL, 0, NULL}};
static const struct metric_label COLOR[] = {
    {"dye", 0, size_value}, {"color", COLOR_COUNT, color_value}, {NULL, 0, NULL}};

/* clang-format off */
#define TEST_METRIC_ROWS(X)                                                                        \
    X(COUNTER, MARBLES, "marbles_total", COLOR_COUNT * SIZE_COUNT, BOTH, "Marbles seen.")          \
    X(COUNTER, RACES, "races_total", 1, METRIC_NO_LABELS, "Races run.")                            \
    X(GAUGE, OPEN, "open", 1, METRIC_NO_LABELS, "Open now.")                                       \
    X(GAUGE, AGE, "age_seconds", 1, METRIC_NO_LABELS, "The oldest.")                               \
    X(HISTOGRAM, TOOK, "took_seconds", 1, METRIC_NO_LABELS, "How long it took.")                   \
    X(HISTOGRAM, ROLLED, "rolled_seconds", COLOR_COUNT, COLOR, "How long it rolled.")
METRICS_DECLARE(TEST_METRICS, TEST_METRIC_ROWS);
METRICS_DEFINE(TEST_METRICS, "test", TEST_METRIC_ROWS);
/* clang-format on */

static struct arena *arena;

static const char *exposition_as(enum metrics_form form)
{
    struct text_builder out;
    arena_reset(arena);
    text_builder_init(&out, arena, 256);
    text_builder_add_c(&out, "\n"); /* so that every line has one before it */
    metrics_write(&TEST_METRICS, form, &out);
    metrics_write_end(form, &out);
    return text_to_c(arena, text_builder_text(&out));
}

static const char *exposition(void)
{
    return exposition_as(METRICS_TEXT);
}

static void check_line_of(enum metrics_form form, const char *line)
{
    const char *const all = exposition_as(form);
    const char *const found = strstr(all, text_format(arena, "\n%s\n", line).data);
    if (found == NULL)
        fail_msg("the line '%s' is not in:\n%s", line, all);
}

static void check_line(const char *line)
{
    check_line_of(METRICS_TEXT, line);
}

static void test_metric_count__each_series(void **state)
{
    (void)state;
    metric_count(&METRIC_MARBLES, metric_series(&METRIC_MARBLES, COLOR_BLUE, SIZE_SMALL));
    metric_add(&METRIC_MARBLES, metric_series(&METRIC_MARBLES, COLOR_BLUE, SIZE_HUGE), 41);
    CHECK_EQ("a series", metric_read(&METRIC_MARBLES, COLOR_BLUE * SIZE_COUNT + SIZE_HUGE), 41);
    check_line("# HELP marbles_total Marbles seen.");
    check_line("# TYPE marbles_total counter");
    check_line("marbles_total{color=\"red\",size=\"small\"} 0");
    check_line("marbles_total{color=\"blue\",size=\"small\"} 1");
    check_line("marbles_total{color=\"blue\",size=\"huge\"} 41");
    check_line("races_total 0");
}

static void test_metric_set__decimals(void **state)
{
    (void)state;
    static const struct {
        int64_t value_us;
        const char *line;
    } CASES[] = {
        {0, "age_seconds 0"},
        {1, "age_seconds 0.000001"},
        {250, "age_seconds 0.00025"},
        {999999, "age_seconds 0.999999"},
        {1000000, "age_seconds 1"},
        {1250000, "age_seconds 1.25"},
        {100000000, "age_seconds 100"},
        {-1500000, "age_seconds -1.5"},
        {INT64_MAX, "age_seconds 9223372036854.775807"},
        {INT64_MIN, "age_seconds -9223372036854.775808"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        metric_set(&METRIC_AGE, 0, CASES[at].value_us);
        check_line(CASES[at].line);
    }
    metric_set(&METRIC_OPEN, 0, 7);
    metric_add(&METRIC_OPEN, 0, -2);
    check_line("open 5");
}

static void test_metric_observe__buckets(void **state)
{
    (void)state;
    static const int64_t TOOK_US[] = {-5, 0, 250, 251, 1000, 1001, 2000000, 1800000001};
    for (size_t at = 0; at < COUNT(TOOK_US); at++)
        metric_observe(&METRIC_TOOK, 0, TOOK_US[at]);
    CHECK_EQ("all", metric_read(&METRIC_TOOK, 0), COUNT(TOOK_US));
    check_line("# TYPE took_seconds histogram");
    check_line("took_seconds_bucket{le=\"0.00025\"} 3");
    check_line("took_seconds_bucket{le=\"0.0005\"} 4");
    check_line("took_seconds_bucket{le=\"0.001\"} 5");
    check_line("took_seconds_bucket{le=\"0.002\"} 6");
    check_line("took_seconds_bucket{le=\"1\"} 6");
    check_line("took_seconds_bucket{le=\"2\"} 7");
    check_line("took_seconds_bucket{le=\"1800\"} 7");
    check_line("took_seconds_bucket{le=\"+Inf\"} 8");
    check_line("took_seconds_sum 1802.002503");
    check_line("took_seconds_count 8");
}

static void test_metric_observe__series_appear(void **state)
{
    (void)state;
    assert_null(strstr(exposition(), "rolled_seconds_count"));
    metric_observe(&METRIC_ROLLED, COLOR_BLUE, 3000);
    check_line("rolled_seconds_bucket{dye=\"large\",color=\"blue\",le=\"0.002\"} 0");
    check_line("rolled_seconds_bucket{dye=\"large\",color=\"blue\",le=\"0.005\"} 1");
    check_line("rolled_seconds_sum{dye=\"large\",color=\"blue\"} 0.003");
    check_line("rolled_seconds_count{dye=\"large\",color=\"blue\"} 1");
    assert_null(strstr(exposition(), "color=\"red\",le"));
}

static void *race(void *unused)
{
    (void)unused;
    for (int at = 0; at < TIMES; at++) {
        metric_count(&METRIC_RACES, 0);
        metric_observe(&METRIC_ROLLED, COLOR_RED, at % 3000);
    }
    return NULL;
}

static void test_metric_count__from_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++)
        assert_int_equal(pthread_create(&threads[at], NULL, race, NULL), 0);
    for (int at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    CHECK_EQ("a counter", metric_read(&METRIC_RACES, 0), THREADS * TIMES);
    CHECK_EQ("a histogram", metric_read(&METRIC_ROLLED, COLOR_RED), THREADS * TIMES);
}

static void test_metrics_write_reference__rows(void **state)
{
    (void)state;
    struct text_builder out;
    text_builder_init(&out, arena, 256);
    metrics_write_reference(&TEST_METRICS, &out);
    const char *const all = text_to_c(arena, text_builder_text(&out));
    assert_non_null(strstr(all, "## test\n"));
    assert_non_null(strstr(all, "| `marbles_total` | counter | Marbles seen. | "
                                "`color`: red, blue; `size`: small, large, huge |\n"));
    assert_non_null(strstr(all, "| `rolled_seconds` | histogram | How long it rolled. | "
                                "`dye` `color`: small red, large blue |\n"));
    assert_non_null(strstr(all, "| `races_total` | counter | Races run. | |\n"));
}

static void test_metrics_write__open(void **state)
{
    (void)state;
    check_line_of(METRICS_OPEN, "# TYPE marbles counter");
    check_line_of(METRICS_OPEN, "marbles_total{color=\"red\",size=\"small\"} 0");
    check_line_of(METRICS_OPEN, "# TYPE took_seconds histogram");
    CHECK("the end", strstr(exposition_as(METRICS_OPEN), "\n# EOF\n") != NULL);
    CHECK("no end", strstr(exposition(), "# EOF") == NULL);
}

static void test_metrics_write__exemplar(void **state)
{
    static const char FAST[] = "0af7651916cd43dd8448eb211c80319c";
    static const char SLOW[] = "4bf92f3577b34da6a3ce929d0e0e4736";
    const size_t blue = COLOR_BLUE;
    (void)state;
    metric_observe(&METRIC_ROLLED, blue, 1500000);
    exemplar_note(&METRIC_ROLLED, blue, EXEMPLAR_US_MIN - 1, FAST);
    CHECK("too fast", strstr(exposition_as(METRICS_OPEN), FAST) == NULL);
    exemplar_note(&METRIC_ROLLED, blue, 1500000, "");
    exemplar_note(&METRIC_ROLLED, blue, 1500000, NULL);
    exemplar_note(&METRIC_ROLLED, blue, 1500000, SLOW);
    exemplar_note(&METRIC_ROLLED, blue, EXEMPLAR_US_MIN, FAST); /* less slow, and soon after */
    const char *const all = exposition_as(METRICS_OPEN);
    CHECK("in its bucket", strstr(all, "color=\"blue\",le=\"2.0\"} 2 # {trace_id=\""
                                       "4bf92f3577b34da6a3ce929d0e0e4736\"} 1.5 ") != NULL);
    CHECK("once", strstr(strstr(all, SLOW) + 1, "trace_id") == NULL);
    CHECK("not in the old form", strstr(exposition(), "trace_id") == NULL);
}

static void test_metrics_form_accepted__cases(void **state)
{
    static const struct {
        const char *accept;
        enum metrics_form then;
    } CASES[] = {
        {"", METRICS_TEXT},
        {"*/*", METRICS_TEXT},
        {"text/plain;version=0.0.4", METRICS_TEXT},
        {"application/openmetrics-tex", METRICS_TEXT},
        {"application/openmetrics-text", METRICS_OPEN},
        {"text/plain;q=0.5, application/openmetrics-text; version=1.0.0;q=0.9", METRICS_OPEN},
    };
    (void)state;
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_EQ(CASES[at].accept, metrics_form_accepted(text_of(CASES[at].accept)),
                 CASES[at].then);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric_count__each_series),
        cmocka_unit_test(test_metric_set__decimals),
        cmocka_unit_test(test_metric_observe__buckets),
        cmocka_unit_test(test_metric_observe__series_appear),
        cmocka_unit_test(test_metric_count__from_threads),
        cmocka_unit_test(test_metrics_write__open),
        cmocka_unit_test(test_metrics_write__exemplar),
        cmocka_unit_test(test_metrics_form_accepted__cases),
        cmocka_unit_test(test_metrics_write_reference__rows),
    };
    arena = arena_new(1024 * 1024);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
