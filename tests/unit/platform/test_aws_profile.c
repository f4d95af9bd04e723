#include "check.h"

#include "base/arena.h"
#include "platform/aws/aws_credentials.h"
#include "platform/aws/aws_endpoint.h"
#include "platform/aws/aws_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct arena *arena;

/* ---- files --------------------------------------------------------------------------------- */

#define KEYS "aws_access_key_id = AK\naws_secret_access_key = SK\n"

static void test_aws_profile_parse__sections(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        bool is_config;
        const char *name, *file;
        bool is_found;
        const char *id, *region; /* NULL: none */
    } CASES[] = {
        {"a profile", false, "default", "[default]\n" KEYS, true, "AK", NULL},
        {"the second of two", false, "b", "[a]\naws_access_key_id=no\n[b]\n" KEYS, true, "AK",
         NULL},
        {"another", false, "c", "[a]\n" KEYS, false, NULL, NULL},
        {"an empty file", false, "default", "", false, NULL, NULL},
        {"a profile that says nothing", false, "a", "[a]\n", true, NULL, NULL},
        {"config's own form", true, "b", "[profile b]\nregion = eu-west-1\n", true, NULL,
         "eu-west-1"},
        {"config's default", true, "default", "[default]\nregion = eu-west-1\n", true, NULL,
         "eu-west-1"},
        {"a bare name in config", true, "b", "[b]\nregion = eu-west-1\n", false, NULL, NULL},
        {"comments and blanks", false, "a",
         "# c\n; d\n\n [a] \n# aws_access_key_id=no\naws_access_key_id\t=\tAK # why\n", true, "AK",
         NULL},
        {"a # that belongs to the value", false, "a", "[a]\naws_access_key_id=A#K\n", true, "A#K",
         NULL},
        {"line ends of Windows", false, "a", "[a]\r\naws_access_key_id=AK\r\n", true, "AK", NULL},
        {"a group's indented line", true, "a",
         "[profile a]\ns3 =\n  region = no\nregion = eu-west-1\n", true, NULL, "eu-west-1"},
        {"a line without =", false, "a", "[a]\naws_access_key_id\n" KEYS, true, "AK", NULL},
        {"the first of two values", false, "a", "[a]\n" KEYS "aws_access_key_id=no\n", true, "AK",
         NULL},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct aws_profile profile = {.name = text_of(CASES[at].name)};
        const bool is_found =
            aws_profile_parse(text_of(CASES[at].file), CASES[at].is_config, &profile);
        CHECK_EQ(CASES[at].given, is_found, CASES[at].is_found);
        if (CASES[at].id == NULL)
            CHECK(CASES[at].given, text_is_none(profile.access_key_id));
        else
            CHECK_TEXT(CASES[at].given, profile.access_key_id, CASES[at].id);
        if (CASES[at].region == NULL)
            CHECK(CASES[at].given, text_is_none(profile.region));
        else
            CHECK_TEXT(CASES[at].given, profile.region, CASES[at].region);
    }
}

/* ---- the environment ----------------------------------------------------------------------- */

static char folder[] = "/tmp/test_aws_profile.XXXXXX";

static const char *write_file(const char *name, const char *content)
{
    const char *path = text_to_c(arena, text_format(arena, "%s/%s", folder, name));
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    return path;
}

/* NAME=VALUE, ...; everything else that matters is unset. */
static void set_environment(const char *const *settings)
{
    static const char *const NAMES[] = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_ENDPOINT_URL_SQS",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    };
    for (size_t at = 0; at < COUNT(NAMES); at++)
        unsetenv(NAMES[at]);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    for (; *settings != NULL; settings++) {
        struct text rest = text_of(*settings);
        const char *name = text_to_c(arena, text_cut(&rest, '='));
        setenv(name, rest.data, 1);
    }
}

static const struct {
    const char *given;
    const char *settings[4];
    enum status then;
    const char *id, *token; /* token NULL: none */
} CHAINS[] = {
    {"the environment", {"AWS_ACCESS_KEY_ID=EK", "AWS_SECRET_ACCESS_KEY=ES"}, OK, "EK", NULL},
    {"the environment with a token",
     {"AWS_ACCESS_KEY_ID=EK", "AWS_SECRET_ACCESS_KEY=ES", "AWS_SESSION_TOKEN=ET"},
     OK,
     "EK",
     "ET"},
    {"the environment before a profile",
     {"AWS_ACCESS_KEY_ID=EK", "AWS_SECRET_ACCESS_KEY=ES", "AWS_PROFILE=both"},
     OK,
     "EK",
     NULL},
    {"half of the environment", {"AWS_ACCESS_KEY_ID=EK"}, ERR_INVALID, NULL, NULL},
    {"the other half", {"AWS_SECRET_ACCESS_KEY=ES"}, ERR_INVALID, NULL, NULL},
    {"the default profile", {NULL}, OK, "DK", NULL},
    {"a profile with a token", {"AWS_PROFILE=token"}, OK, "TK", "TT"},
    {"a profile of config", {"AWS_PROFILE=config"}, OK, "CK", NULL},
    {"a profile in both", {"AWS_PROFILE=both"}, OK, "BK", NULL},
    {"a profile that is nowhere", {"AWS_PROFILE=nowhere"}, ERR_INVALID, NULL, NULL},
    {"a profile without keys", {"AWS_PROFILE=bare"}, ERR_INVALID, NULL, NULL},
    {"a profile without a secret", {"AWS_PROFILE=half"}, ERR_INVALID, NULL, NULL},
    {"a profile by a role", {"AWS_PROFILE=role"}, ERR_INVALID, NULL, NULL},
    {"a container that is elsewhere",
     {"AWS_PROFILE=bare", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://example.org/"},
     ERR_INVALID,
     NULL,
     NULL},
};

static void test_aws_provider_get__chain(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(CHAINS); at++) {
        struct aws_provider *provider = aws_provider_new();
        struct aws_credentials got;
        struct error err;
        set_environment(CHAINS[at].settings);
        const enum status status = aws_provider_get(provider, arena, INT64_MAX, &got, &err);
        CHECK_EQ(CHAINS[at].given, status, CHAINS[at].then);
        if (status == OK) {
            CHECK_TEXT(CHAINS[at].given, got.access_key_id, CHAINS[at].id);
            CHECK_EQ(CHAINS[at].given, text_is_none(got.session_token), CHAINS[at].token == NULL);
        }
        aws_provider_free(provider);
    }
}

static const struct {
    const char *given;
    enum aws_service service;
    const char *settings[4];
    enum status then;
    const char *region, *url;
} PLACES[] = {
    {"a region",
     AWS_DYNAMODB,
     {"AWS_REGION=eu-west-1"},
     OK,
     "eu-west-1",
     "https://dynamodb.eu-west-1.amazonaws.com/"},
    {"the older name of the region",
     AWS_SNS,
     {"AWS_DEFAULT_REGION=eu-west-1"},
     OK,
     "eu-west-1",
     "https://sns.eu-west-1.amazonaws.com/"},
    {"both names",
     AWS_SQS,
     {"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=no"},
     OK,
     "eu-west-1",
     "https://sqs.eu-west-1.amazonaws.com/"},
    {"a region in China",
     AWS_SQS,
     {"AWS_REGION=cn-north-1"},
     OK,
     "cn-north-1",
     "https://sqs.cn-north-1.amazonaws.com.cn/"},
    {"the profile's region",
     AWS_SQS,
     {"AWS_PROFILE=config"},
     OK,
     "eu-central-1",
     "https://sqs.eu-central-1.amazonaws.com/"},
    {"no region", AWS_SQS, {"AWS_PROFILE=bare"}, ERR_INVALID, NULL, NULL},
    {"an endpoint for all",
     AWS_SQS,
     {"AWS_REGION=r", "AWS_ENDPOINT_URL=http://h:1"},
     OK,
     "r",
     "http://h:1/"},
    {"an endpoint for one",
     AWS_SQS,
     {"AWS_REGION=r", "AWS_ENDPOINT_URL=http://h:1", "AWS_ENDPOINT_URL_SQS=http://h:2/"},
     OK,
     "r",
     "http://h:2/"},
    {"an endpoint for another",
     AWS_DYNAMODB,
     {"AWS_REGION=r", "AWS_ENDPOINT_URL=http://h:1", "AWS_ENDPOINT_URL_SQS=http://h:2"},
     OK,
     "r",
     "http://h:1/"},
    {"an endpoint that is no URL",
     AWS_SQS,
     {"AWS_REGION=r", "AWS_ENDPOINT_URL=localhost:1"},
     ERR_INVALID,
     NULL,
     NULL},
};

static void test_aws_endpoint_find__names(void **state)
{
    (void)state;
    for (size_t at = 0; at < COUNT(PLACES); at++) {
        struct aws_endpoint endpoint;
        struct error err;
        set_environment(PLACES[at].settings);
        const enum status status = aws_endpoint_find(arena, PLACES[at].service, &endpoint, &err);
        CHECK_EQ(PLACES[at].given, status, PLACES[at].then);
        if (status == OK) {
            CHECK_TEXT(PLACES[at].given, text_of(endpoint.region), PLACES[at].region);
            CHECK_TEXT(PLACES[at].given, text_of(endpoint.url), PLACES[at].url);
        }
    }
}

int main(void)
{
    arena = arena_new(256 * 1024 * 1024);
    assert_non_null(mkdtemp(folder));
    const char *credentials =
        write_file("credentials", "[default]\naws_access_key_id=DK\naws_secret_access_key=DS\n"
                                  "[token]\naws_access_key_id=TK\naws_secret_access_key=TS\n"
                                  "aws_session_token=TT\n"
                                  "[both]\naws_access_key_id=BK\naws_secret_access_key=BS\n"
                                  "[half]\naws_access_key_id=HK\n");
    const char *config =
        write_file("config", "[profile config]\naws_access_key_id=CK\naws_secret_access_key=CS\n"
                             "region=eu-central-1\n"
                             "[profile both]\naws_access_key_id=no\n"
                             "[profile bare]\noutput=json\n"
                             "[profile role]\nrole_arn=arn:aws:iam::1:role/x\n");
    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials, 1);
    setenv("AWS_CONFIG_FILE", config, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aws_profile_parse__sections),
        cmocka_unit_test(test_aws_provider_get__chain),
        cmocka_unit_test(test_aws_endpoint_find__names),
    };
    const int failed = cmocka_run_group_tests_name("platform/aws_profile", tests, NULL, NULL);
    unlink(credentials);
    unlink(config);
    rmdir(folder);
    arena_free(arena);
    return failed;
}
