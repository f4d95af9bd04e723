#include "check.h"

#include "gateway/scope.h"

static void test_scope_parse_list__names(void **state)
{
    (void)state;
    CHECK_EQ("none", scope_parse_list(TEXT("")), SCOPE_NONE);
    CHECK_EQ("one", scope_parse_list(TEXT("auth:read")), SCOPE_AUTH_READ);
    CHECK_EQ("two", scope_parse_list(TEXT("auth:read auth:write")),
             SCOPE_AUTH_READ | SCOPE_AUTH_WRITE);
    CHECK_EQ("one of a later version", scope_parse_list(TEXT("moon:walk auth:read")),
             SCOPE_AUTH_READ);
    CHECK_EQ("a part of one", scope_parse_list(TEXT("auth")), SCOPE_NONE);
}

static void test_scope_allows__each(void **state)
{
    (void)state;
    CHECK("what is open to all", scope_allows(SCOPE_NONE, SCOPE_NONE));
    CHECK("the scope itself", scope_allows(SCOPE_AUTH_READ, SCOPE_AUTH_READ));
    CHECK("another scope", !scope_allows(SCOPE_AUTH_READ, SCOPE_AUTH_WRITE));
    CHECK("no scope", !scope_allows(SCOPE_NONE, SCOPE_AUTH_READ));
    CHECK("admin for all", scope_allows(SCOPE_ADMIN, SCOPE_LEDGER_READ));
    CHECK("all but admin",
          !scope_allows(SCOPE_AUTH_READ | SCOPE_AUTH_WRITE | SCOPE_LEDGER_READ, SCOPE_ADMIN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope_parse_list__names),
        cmocka_unit_test(test_scope_allows__each),
    };
    return cmocka_run_group_tests_name("gateway/scope", tests, NULL, NULL);
}
