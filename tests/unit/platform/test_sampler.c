#include "check.h"

#include "base/assert.h"
#include "platform/tracing/sampler.h"

static struct text none(void)
{
    return TEXT_NONE;
}

static void test_sampler_parse__forms(void **state)
{
    (void)state;
    static const struct {
        const char *name, *argument;
        bool accepted, obeys_caller;
        uint32_t billionths;
    } CASES[] = {
        {"always_on", NULL, true, false, 1000000000},
        {"always_off", NULL, true, false, 0},
        {"always_off", "1", true, false, 0},
        {"traceidratio", NULL, true, false, 1000000000},
        {"traceidratio", "0.01", true, false, 10000000},
        {"traceidratio", ".5", true, false, 500000000},
        {"traceidratio", "1", true, false, 1000000000},
        {"traceidratio", "1.000", true, false, 1000000000},
        {"traceidratio", "0", true, false, 0},
        {"traceidratio", "0.0000000019", true, false, 1},
        {"parentbased_traceidratio", "0.25", true, true, 250000000},
        {"parentbased_always_on", NULL, true, true, 1000000000},
        {"parentbased_always_off", NULL, true, true, 0},
        {"traceidratio", "1.1", false, false, 0},
        {"traceidratio", "2", false, false, 0},
        {"traceidratio", "-0.1", false, false, 0},
        {"traceidratio", "1e-3", false, false, 0},
        {"traceidratio", "0,5", false, false, 0},
        {"traceidratio", ".", false, false, 0},
        {"traceidratio", "0.1.2", false, false, 0},
        {"jaeger_remote", NULL, false, false, 0},
        {"parentbased_", NULL, false, false, 0},
        {"", NULL, false, false, 0},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct sampler got = {.billionths = 0};
        const struct text argument =
            CASES[at].argument == NULL ? none() : text_of(CASES[at].argument);
        CHECK_EQ(CASES[at].name, sampler_parse(text_of(CASES[at].name), argument, &got),
                 CASES[at].accepted);
        CHECK_EQ(CASES[at].name, got.obeys_caller, CASES[at].obeys_caller);
        CHECK_EQ(CASES[at].name, got.billionths, CASES[at].billionths);
    }
}

/* The ids on either side of a ratio's bound, as the SDKs of OpenTelemetry draw it. */
static void test_sampler_wants__bounds(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        uint32_t billionths;
        const char *low; /* the last eight bytes of the id */
        bool wanted;
    } CASES[] = {
        {"none, the lowest id", 0, "0000000000000000", false},
        {"all, the highest id", 1000000000, "ffffffffffffffff", true},
        {"a half, just below", 500000000, "7fffffffffffffff", true},
        {"a half, at it", 500000000, "8000000000000000", false},
        {"a quarter, just below", 250000000, "3fffffffffffffff", true},
        {"a quarter, at it", 250000000, "4000000000000000", false},
        {"a hundredth, below", 10000000, "028f5c28f5c28f5b", true},
        {"a hundredth, above", 10000000, "028f5c28f5c28f60", false},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct sampler sampler = {.billionths = CASES[at].billionths};
        char id[TRACE_ID_SIZE + 1] = "ffffffffffffffff";
        memcpy(id + 16, CASES[at].low, 17);
        CHECK_EQ(CASES[at].given, sampler_wants(&sampler, text_of(id), NULL), CASES[at].wanted);
    }
}

static void test_sampler_wants__callers(void **state)
{
    (void)state;
    const struct text id = TEXT("0af7651916cd43dd8448eb211c80319c");
    const bool yes = true, no = false;
    const struct sampler obedient_off = {.obeys_caller = true};
    const struct sampler obedient_on = {.obeys_caller = true, .billionths = SAMPLER_BILLIONTHS};
    const struct sampler own_on = {.billionths = SAMPLER_BILLIONTHS};
    CHECK("off, the caller says yes", sampler_wants(&obedient_off, id, &yes));
    CHECK("off, nobody called", !sampler_wants(&obedient_off, id, NULL));
    CHECK("on, the caller says no", !sampler_wants(&obedient_on, id, &no));
    CHECK("on by itself, the caller says no", sampler_wants(&own_on, id, &no));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sampler_parse__forms),
        cmocka_unit_test(test_sampler_wants__bounds),
        cmocka_unit_test(test_sampler_wants__callers),
    };
    return cmocka_run_group_tests_name("platform/sampler", tests, NULL, NULL);
}
