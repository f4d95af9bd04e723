#include "check.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/tracing/tracing_settings.h"

#include <stdlib.h>

static struct arena *arena;

/* ---- lists of pairs ------------------------------------------------------------------------- */

static void test_otel_pairs_parse__forms(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool accepted;
        const char *pairs; /* name=value; of each, decoded */
    } CASES[] = {
        {"", true, ""},
        {"api-key=secret", true, "api-key=secret;"},
        {"a=1,b=2", true, "a=1;b=2;"},
        {" a = 1 , b=2 ", true, "a=1;b=2;"},
        {"a=1,,b=2,", true, "a=1;b=2;"},
        {"Authorization=Basic%20dXNlcjpwYXNz%3D", true, "Authorization=Basic dXNlcjpwYXNz=;"},
        {"a=b=c", true, "a=b=c;"},
        {"a=", true, "a=;"},
        {"a=1,a=2", true, "a=1;"},
        {"city=K%C3%B6ln", true, "city=K\xc3\xb6ln;"},
        {"a%2Fb=1", true, "a/b=1;"},
        {"a", false, ""},
        {"=1", false, ""},
        {"a=1,b", false, ""},
        {"a=%", false, ""},
        {"a=%4", false, ""},
        {"a=%4g", false, ""},
        {"a=x%0d%0aHost:%20evil", false, ""},
        {"a=%ff", false, ""},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct otel_pair pairs[OTEL_PAIRS_MAX];
        struct text_builder got;
        size_t count = 0;
        text_builder_init(&got, arena, 64);
        CHECK_EQ(CASES[at].list, otel_pairs_parse(arena, text_of(CASES[at].list), pairs, &count),
                 CASES[at].accepted);
        for (size_t pair = 0; pair < count; pair++)
            text_builder_add_format(&got, "%s=%s;", pairs[pair].name, pairs[pair].value);
        CHECK_TEXT(CASES[at].list, text_builder_text(&got), CASES[at].pairs);
    }
}

/* ---- the environment ------------------------------------------------------------------------ */

static void forget_all(void)
{
    for (size_t at = 0; at < OTEL_VARIABLE_COUNT; at++)
        unsetenv(OTEL_VARIABLES[at].name);
    unsetenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS");
    unsetenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT");
}

static const struct tracing_settings *read_settings(void)
{
    struct tracing_settings *settings = ARENA_NEW(arena, struct tracing_settings);
    tracing_settings_read(arena, "ledger", settings);
    return settings;
}

static void test_tracing_settings_read__where(void **state)
{
    (void)state;
    static const struct {
        const char *given, *endpoint, *traces_endpoint, *disabled, *exporter, *url;
    } CASES[] = {
        {"nothing", NULL, NULL, NULL, NULL, NULL},
        {"empty", "", "", NULL, NULL, NULL},
        {"a base", "http://c:4318", NULL, NULL, NULL, "http://c:4318/v1/traces"},
        {"a base with a slash", "http://c:4318/", NULL, NULL, NULL, "http://c:4318/v1/traces"},
        {"a base with a path", "https://c/otlp", NULL, NULL, NULL, "https://c/otlp/v1/traces"},
        {"both", "http://c:4318", "http://d/x", NULL, NULL, "http://d/x"},
        {"disabled", "http://c:4318", NULL, "true", NULL, NULL},
        {"disabled in capitals", "http://c:4318", NULL, "TRUE", NULL, NULL},
        {"not disabled", "http://c:4318", NULL, "false", NULL, "http://c:4318/v1/traces"},
        {"no exporter", "http://c:4318", NULL, NULL, "none", NULL},
        {"no URL", "c:4318", NULL, NULL, NULL, NULL},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const char *const values[] = {CASES[at].endpoint, CASES[at].traces_endpoint,
                                      CASES[at].disabled, CASES[at].exporter};
        static const char *const NAMES[] = {"OTEL_EXPORTER_OTLP_ENDPOINT",
                                            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                                            "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"};
        forget_all();
        for (size_t name = 0; name < COUNT(NAMES); name++)
            if (values[name] != NULL)
                setenv(NAMES[name], values[name], 1);
        const struct tracing_settings *got = read_settings();
        CHECK_TEXT(CASES[at].given, text_of(got->url), CASES[at].url == NULL ? "" : CASES[at].url);
    }
    forget_all();
}

static const char *resource_of(const struct tracing_settings *settings, const char *name)
{
    for (size_t at = 0; at < settings->resource_count; at++)
        if (strcmp(settings->resource[at].name, name) == 0)
            return settings->resource[at].value;
    return "";
}

static void test_tracing_settings_read__who(void **state)
{
    (void)state;
    forget_all();
    CHECK_TEXT("nothing", text_of(resource_of(read_settings(), "service.name")),
               "tallystick-ledger");
    setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=books,deployment.environment.name=a%20b", 1);
    const struct tracing_settings *said = read_settings();
    CHECK_TEXT("attributes", text_of(resource_of(said, "service.name")), "books");
    CHECK_TEXT("attributes", text_of(resource_of(said, "deployment.environment.name")), "a b");
    CHECK_TEXT("attributes", text_of(resource_of(said, "service.version")), TALLYSTICK_VERSION);
    setenv("OTEL_SERVICE_NAME", "mine", 1);
    CHECK_TEXT("the stronger name", text_of(resource_of(read_settings(), "service.name")), "mine");
    forget_all();
}

/* What means nothing is told and its default taken; the rest is as asked. */
static void test_tracing_settings_read__ignored(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        size_t ignored;
    } CASES[] = {
        {"OTEL_BSP_MAX_QUEUE_SIZE", "100", 0},
        {"OTEL_BSP_MAX_QUEUE_SIZE", "many", 1},
        {"OTEL_BSP_MAX_QUEUE_SIZE", "0", 1},
        {"OTEL_BSP_SCHEDULE_DELAY", "-1", 1},
        {"OTEL_EXPORTER_OTLP_TIMEOUT", "999999999", 1},
        {"OTEL_EXPORTER_OTLP_COMPRESSION", "none", 0},
        {"OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", 1},
        {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", 0},
        {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", 1},
        {"OTEL_TRACES_SAMPLER", "always_off", 0},
        {"OTEL_TRACES_SAMPLER", "sometimes", 1},
        {"OTEL_EXPORTER_OTLP_HEADERS", "a", 1},
        {"OTEL_RESOURCE_ATTRIBUTES", "a=%", 1},
        {"OTEL_SDK_DISABLED", "maybe", 1},
        {"OTEL_TRACES_EXPORTER", "zipkin", 1},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        forget_all();
        setenv(CASES[at].name, CASES[at].value, 1);
        const struct tracing_settings *got = read_settings();
        CHECK_EQ(CASES[at].name, got->ignored_count, CASES[at].ignored);
        if (got->ignored_count > 0)
            CHECK_TEXT(CASES[at].name, text_of(got->ignored[0].variable), CASES[at].name);
        CHECK("a bound", got->queue_size_max > 0);
        CHECK("a bound", got->timeout_ms > 0);
    }
    forget_all();
    setenv("OTEL_TRACES_SAMPLER", "traceidratio", 1);
    setenv("OTEL_TRACES_SAMPLER_ARG", "a tenth", 1);
    const struct tracing_settings *got = read_settings();
    CHECK_EQ("a ratio that is none", got->ignored_count, 1);
    CHECK_EQ("a ratio that is none", got->sampler.billionths, SAMPLER_BILLIONTHS);
    setenv("OTEL_TRACES_SAMPLER_ARG", "0.5", 1);
    setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1000", 1);
    setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2000", 1);
    got = read_settings();
    CHECK_EQ("a ratio", got->sampler.billionths, SAMPLER_BILLIONTHS / 2);
    CHECK_EQ("traces' own is stronger", got->timeout_ms, 2000);
    forget_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_otel_pairs_parse__forms),
        cmocka_unit_test(test_tracing_settings_read__where),
        cmocka_unit_test(test_tracing_settings_read__who),
        cmocka_unit_test(test_tracing_settings_read__ignored),
    };
    arena = arena_new(1024 * 1024);
    const int failed = cmocka_run_group_tests_name("platform/tracing_settings", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
