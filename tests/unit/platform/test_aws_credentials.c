/* When credentials are fetched, kept, fetched anew and given up; by a clock and a machine that the
 * test moves. */
#include "check.h"

#include "base/arena.h"
#include "platform/aws/aws_credentials.h"
#include "platform/clock.h"

#include <stdlib.h>

static const int64_t S_US = 1000000;

static int64_t now_us; /* of both clocks */
static enum status instance_says;
static int64_t instance_expires_us;
static int fetches;
static struct arena *arena;

int64_t clock_monotonic_us(void)
{
    return now_us;
}

int64_t clock_realtime_us(void)
{
    return now_us;
}

enum status aws_fetch_container(const struct aws_fetch *fetch, struct aws_credentials *out,
                                struct error *err)
{
    (void)fetch;
    (void)out;
    return error_set(err, ERR_NOT_FOUND, "no container");
}

enum status aws_fetch_instance(const struct aws_fetch *fetch, struct aws_credentials *out,
                               struct error *err)
{
    static const char *const NAMES[] = {"none", "first", "second", "third", "fourth"};
    (void)fetch;
    fetches++;
    if (instance_says != OK)
        return error_set(err, instance_says, "the machine is silent");
    *out = (struct aws_credentials){
        .access_key_id = text_of(NAMES[fetches]),
        .secret_access_key = TEXT("s"),
        .session_token = TEXT("t"),
        .expires_us = instance_expires_us,
    };
    return OK;
}

static const char *ask(struct aws_provider *provider)
{
    struct aws_credentials got;
    struct error err;
    if (aws_provider_get(provider, arena, now_us + S_US, &got, &err) != OK)
        return "";
    return text_to_c(arena, got.access_key_id);
}

static struct aws_provider *begin(void)
{
    now_us = 1000 * S_US;
    instance_says = OK;
    instance_expires_us = now_us + 3600 * S_US;
    fetches = 0;
    return aws_provider_new();
}

static void test_aws_provider_get__an_hour(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        int64_t at_s; /* since the beginning */
        enum status machine;
        int64_t expires_s; /* of what the machine gives then */
        const char *then;  /* "": none */
        int fetches;       /* so far */
    } STEPS[] = {
        {"the first question", 0, OK, 3600, "first", 1},
        {"a question at once", 0, OK, 3600, "first", 1},
        {"five minutes and a bit before the end", 3299, OK, 7200, "first", 1},
        {"five minutes before the end", 3300, OK, 7200, "second", 2},
        {"the next hour, nobody gives new ones", 6900, ERR_DOWN, 0, "second", 3},
        {"within the rest", 6904, ERR_DOWN, 0, "second", 3},
        {"after the rest", 6905, ERR_DOWN, 0, "second", 4},
        {"too close to the end", 7171, ERR_DOWN, 0, "", 5},
        {"within the rest", 7175, OK, 9000, "", 5},
    };
    struct aws_provider *provider = begin();
    const int64_t start_us = now_us;
    for (size_t at = 0; at < COUNT(STEPS); at++) {
        now_us = start_us + STEPS[at].at_s * S_US;
        instance_says = STEPS[at].machine;
        instance_expires_us = start_us + STEPS[at].expires_s * S_US;
        CHECK_TEXT(STEPS[at].given, text_of(ask(provider)), STEPS[at].then);
        CHECK_EQ(STEPS[at].given, fetches, STEPS[at].fetches);
    }
    aws_provider_free(provider);
}

static void test_aws_provider_forget__once(void **state)
{
    (void)state;
    struct aws_provider *provider = begin();
    const struct aws_credentials first = {.access_key_id = TEXT("first"),
                                          .session_token = TEXT("t")};
    const struct aws_credentials other = {.access_key_id = TEXT("other"),
                                          .session_token = TEXT("t")};
    CHECK_TEXT("the beginning", text_of(ask(provider)), "first");
    aws_provider_forget(provider, &first);
    CHECK_TEXT("refused as soon as they came", text_of(ask(provider)), "first");
    now_us += 10 * S_US;
    aws_provider_forget(provider, &other);
    CHECK_TEXT("others were refused", text_of(ask(provider)), "first");
    aws_provider_forget(provider, &first);
    CHECK_TEXT("refused later", text_of(ask(provider)), "second");
    aws_provider_free(provider);
}

static void test_aws_provider_get__what_has_run_out(void **state)
{
    (void)state;
    struct aws_provider *provider = begin();
    instance_expires_us = now_us + 29 * S_US;
    CHECK_TEXT("hardly half a minute", text_of(ask(provider)), "");
    now_us += 5 * S_US;
    instance_expires_us = now_us + 31 * S_US;
    CHECK_TEXT("a little more", text_of(ask(provider)), "second");
    CHECK_EQ("a little more", fetches, 2);
    aws_provider_free(provider);
}

int main(void)
{
    arena = arena_new(1024 * 1024);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    unsetenv("AWS_PROFILE");
    setenv("HOME", "/nonexistent", 1);
    unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    unsetenv("AWS_CONFIG_FILE");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aws_provider_get__an_hour),
        cmocka_unit_test(test_aws_provider_forget__once),
        cmocka_unit_test(test_aws_provider_get__what_has_run_out),
    };
    const int failed = cmocka_run_group_tests_name("platform/aws_credentials", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
