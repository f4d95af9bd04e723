#include "check.h"

#include "platform/messaging/cause.h"

static const char *const CLASSES[] = {"schema", "business", "transient_exhausted", "bug"};

static bool is_class(const char *name)
{
    for (size_t at = 0; at < COUNT(CLASSES); at++)
        if (strcmp(name, CLASSES[at]) == 0)
            return true;
    return false;
}

#define CAUSE_AS_ITEM(name, code, class) CAUSE_##name,
static const enum cause ALL[] = {CAUSES(CAUSE_AS_ITEM)};

static void test_cause__each_has_a_code_and_a_class(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(ALL); at++) {
        const char *code = cause_code(ALL[at]);
        CHECK_EQ(code, cause_of_code(text_of(code)), ALL[at]);
        CHECK(code, is_class(cause_class(ALL[at])));
        for (const char *letter = code; *letter != '\0'; letter++)
            CHECK(code, *letter == '_' || (*letter >= 'a' && *letter <= 'z'));
    }
}

static void test_cause__none(void **state)
{
    (void)state;
    CHECK("no code", cause_code(CAUSE_NONE) == NULL);
    CHECK("no class", cause_class(CAUSE_NONE) == NULL);
    CHECK_EQ("unknown", cause_of_code(TEXT("bad_weather")), CAUSE_NONE);
    CHECK_EQ("empty", cause_of_code(TEXT("")), CAUSE_NONE);
    CHECK_EQ("nothing", cause_of_code(TEXT_NONE), CAUSE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cause__each_has_a_code_and_a_class),
        cmocka_unit_test(test_cause__none),
    };
    return cmocka_run_group_tests_name("platform/cause", tests, NULL, NULL);
}
