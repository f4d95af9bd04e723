#include "check.h"

#include "platform/service/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct test_config {
    const char *profile;
    const char *database_url;
    const char *service_secret;
    const char *peer_url;
    int64_t port;
    int64_t wait_ms;
    bool loud;
};

#define FIELD(field) offsetof(struct test_config, field)
static const struct option COMMON_OPTIONS[] = {
    {"profile", OPT_CHOICE, "prod", FIELD(profile), "How strict.", "dev|prod"},
    {"database-url", OPT_TEXT, NULL, FIELD(database_url), "Where the database is."},
    {"service-secret", OPT_SECRET, NULL, FIELD(service_secret), "What services show. Required."},
    {NULL},
};
static const struct option OWN_OPTIONS[] = {
    {"peer-url", OPT_URL, "http://127.0.0.1:1", FIELD(peer_url), "Where the peer is."},
    {"test-port", OPT_PORT, "8080", FIELD(port), "Port of the door."},
    {"wait-ms", OPT_INT, "250", FIELD(wait_ms), "How long, in milliseconds."},
    {"loud", OPT_BOOL, "false", FIELD(loud), "Whether to shout."},
    {NULL},
};
static const struct option OTHER_OPTIONS[] = {
    {"other-port", OPT_PORT, "1", 0, "Another command's."},
    {NULL},
};
static const struct option *const TABLES[] = {COMMON_OPTIONS, OWN_OPTIONS, NULL};
static const struct option_table ALL_TABLES[] = {
    {"test", OWN_OPTIONS},
    {"other", OTHER_OPTIONS},
    {NULL, NULL},
};

enum { WORDS_MAX = 8 };

/* Splits at blanks. */
static int split(const char *line, char *copy, char **words)
{
    int count = 0;
    strncpy(copy, line, 511);
    for (char *word = strtok_r(copy, " ", &copy); word != NULL; word = strtok_r(NULL, " ", &copy))
        words[count++] = word;
    words[count] = NULL;
    return count;
}

static const char *file_path(void)
{
    static char path[] = "/tmp/test_config_XXXXXX";
    static bool is_made = false;
    if (!is_made)
        close(mkstemp(path));
    is_made = true;
    return path;
}

/* Loads with these flags, environment variables (NAME=value, separated by blanks) and file. */
static enum status load(const char *flags, const char *environment, const char *file,
                        struct test_config *config, struct error *err)
{
    static char flag_words[512], environment_words[512];
    char *argv[WORDS_MAX + 1], *variables[WORDS_MAX + 1];
    int argc = split(flags, flag_words, argv);
    clearenv();
    split(environment, environment_words, variables);
    for (char **variable = variables; *variable != NULL; variable++)
        putenv(*variable);
    FILE *lines = fopen(file_path(), "w");
    fputs(file, lines);
    fclose(lines);
    if (file[0] != '\0')
        setenv("TALLYSTICK_CONFIG_FILE", file_path(), 1);
    *config = (struct test_config){.service_secret = ""};
    return config_load(TABLES, config, &argc, argv, err);
}

static void test_config_load__precedence(void **state)
{
    (void)state;
    static const struct {
        const char *given, *flags, *environment, *file;
        int64_t then;
    } CASES[] = {
        {"nothing", "test", "", "", 8080},
        {"the file", "test", "", "test-port = 1\n", 1},
        {"a variable over the file", "test", "TALLYSTICK_TEST_PORT=2", "test-port=1", 2},
        {"a flag over all", "test --test-port 3", "TALLYSTICK_TEST_PORT=2", "test-port=1", 3},
        {"a flag with =", "test --test-port=4", "", "", 4},
        {"an empty variable is none", "test", "TALLYSTICK_TEST_PORT=", "", 8080},
        {"comments and blanks", "test", "", "# a file\n\n  test-port =  5 \nloud=true", 5},
        {"another command's", "test", "TALLYSTICK_OTHER_PORT=7", "other-port = 9\n", 8080},
        {"not ours", "test", "TEST_PORT=7", "", 8080},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct test_config config;
        struct error err = {.message = ""};
        char environment[256];
        snprintf(environment, sizeof environment, "TALLYSTICK_SERVICE_SECRET=s %s",
                 CASES[at].environment);
        if (load(CASES[at].flags, environment, CASES[at].file, &config, &err) != OK)
            fail_msg("given %s: %s", CASES[at].given, err.message);
        CHECK_EQ(CASES[at].given, config.port, CASES[at].then);
    }
}

static void test_config_load__types(void **state)
{
    (void)state;
    struct test_config config;
    struct error err;
    assert_int_equal(load("test --loud --wait-ms 0 --profile dev --peer-url https://a",
                          "TALLYSTICK_SERVICE_SECRET=s DATABASE_URL=standard", "", &config, &err),
                     OK);
    CHECK("a switch alone", config.loud);
    CHECK_EQ("a number", config.wait_ms, 0);
    CHECK_TEXT("a choice", text_of(config.profile), "dev");
    CHECK_TEXT("a URL", text_of(config.peer_url), "https://a");
    CHECK_TEXT("DATABASE_URL", text_of(config.database_url), "standard");
    assert_int_equal(load("test",
                          "TALLYSTICK_SERVICE_SECRET=s DATABASE_URL=standard "
                          "TALLYSTICK_DATABASE_URL=ours",
                          "", &config, &err),
                     OK);
    CHECK_TEXT("our own variable over DATABASE_URL", text_of(config.database_url), "ours");
}

static void test_config_load__secret_file(void **state)
{
    (void)state;
    char path[] = "/tmp/test_secret_XXXXXX", environment[128], flags[128];
    const int file = mkstemp(path);
    assert_int_equal(write(file, "hidden\n", 7), 7);
    close(file);
    struct test_config config;
    struct error err;
    snprintf(environment, sizeof environment, "TALLYSTICK_SERVICE_SECRET_FILE=%s", path);
    assert_int_equal(load("test", environment, "", &config, &err), OK);
    CHECK_TEXT("a file in the environment", text_of(config.service_secret), "hidden");
    snprintf(flags, sizeof flags, "test --service-secret-file %s", path);
    assert_int_equal(load(flags, "", "", &config, &err), OK);
    CHECK_TEXT("a file by flag", text_of(config.service_secret), "hidden");
    unlink(path);
}

/* Random bytes are no text: what follows a NUL would be no part of the secret. */
static void test_config_load__secret_with_nul(void **state)
{
    (void)state;
    static const char BYTES[] = "a\0random bytes";
    char path[] = "/tmp/test_secret_XXXXXX", environment[128];
    const int file = mkstemp(path);
    assert_int_equal(write(file, BYTES, sizeof BYTES - 1), (int)sizeof BYTES - 1);
    close(file);
    struct test_config config;
    struct error err = {.message = ""};
    snprintf(environment, sizeof environment, "TALLYSTICK_SERVICE_SECRET_FILE=%s", path);
    assert_int_equal(load("test", environment, "", &config, &err), ERR_INVALID);
    CHECK("why", strstr(err.message, "holds a NUL") != NULL);
    unlink(path);
}

static void test_config_load__refusals(void **state)
{
    (void)state;
    static const struct {
        const char *given, *flags, *environment, *file, *then;
    } CASES[] = {
        {"no secret", "test", "", "",
         "TALLYSTICK_SERVICE_SECRET is required (or the option --service-secret)"},
        {"an unknown flag", "test --tset-port 1", "", "",
         "'--tset-port' is not known; did you mean '--test-port'?"},
        {"another command's flag", "test --other-port 1", "", "", "'--other-port' is not known"},
        {"a typing error", "test", "TALLYSTICK_TEST_PROT=1", "",
         "'TALLYSTICK_TEST_PROT' is not known; did you mean 'TALLYSTICK_TEST_PORT'?"},
        {"nothing like it", "test", "TALLYSTICK_ZZZZZZZZZZZZ=1", "",
         "'TALLYSTICK_ZZZZZZZZZZZZ' is not known"},
        {"a name too short to be like any", "test --zz 1", "", "", "'--zz' is not known"},
        {"line ends of another system", "test", "", "wait-ms = 1\r\n", ":1: a control character"},
        {"a port of words", "test --test-port eighty", "", "",
         "--test-port must be a port number from 0 to 65535, not 'eighty'"},
        {"a port too high", "test --test-port 65536", "", "",
         "--test-port must be a port number from 0 to 65535, not '65536'"},
        {"a negative number", "test --wait-ms -1", "", "",
         "--wait-ms must be a whole number of at least 0, not '-1'"},
        {"a flag without its value", "test --wait-ms", "", "", "'--wait-ms' needs a value"},
        {"a text without its value", "test --service-secret", "", "",
         "'--service-secret' needs a value"},
        {"another choice", "test", "TALLYSTICK_PROFILE=test", "",
         "TALLYSTICK_PROFILE must be one of dev|prod, not 'test'"},
        {"half a truth", "test --loud=yes", "", "", "--loud must be true or false, not 'yes'"},
        {"no URL", "test --peer-url localhost:80", "", "",
         "--peer-url must begin with http:// or https://, not 'localhost:80'"},
        {"a flag twice", "test --wait-ms 1 --wait-ms 2", "", "", "'--wait-ms' is given twice"},
        {"a file that is not there", "test --config-file /nowhere", "", "",
         "cannot read '/nowhere': No such file or directory"},
        {"a file of something else", "test", "", "hello", ":1: a line is 'name = value'"},
        {"an unknown name in the file", "test", "", "\ntest-prt = 1\n",
         ":2: test-prt' is not known; did you mean 'test-port'?"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct test_config config;
        struct error err = {.message = ""};
        char environment[256];
        snprintf(environment, sizeof environment, "%s %s",
                 at == 0 ? "" : "TALLYSTICK_SERVICE_SECRET=s", CASES[at].environment);
        CHECK_EQ(CASES[at].given, load(CASES[at].flags, environment, CASES[at].file, &config, &err),
                 ERR_INVALID);
        const char *said = strstr(err.message, CASES[at].then);
        if (said == NULL || strcmp(said, CASES[at].then) != 0) /* and nothing behind it */
            fail_msg("given %s: '%s'", CASES[at].given, err.message);
    }
}

static void test_config_load__words_stay(void **state)
{
    (void)state;
    clearenv();
    char *argv[] = {"test", "show", "--service-secret", "s", "tx-1", "--", "--loud", NULL};
    int argc = (int)COUNT(argv) - 1;
    struct test_config config = {0};
    struct error err;
    assert_int_equal(config_load(TABLES, &config, &argc, argv, &err), OK);
    CHECK_EQ("words between and after flags", argc, 4);
    CHECK_TEXT("the first", text_of(argv[1]), "show");
    CHECK_TEXT("the second", text_of(argv[2]), "tx-1");
    CHECK_TEXT("after --", text_of(argv[3]), "--loud");
    CHECK("the end", argv[4] == NULL);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP); /* the cases clear the environment */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_load__precedence),
        cmocka_unit_test(test_config_load__types),
        cmocka_unit_test(test_config_load__secret_file),
        cmocka_unit_test(test_config_load__secret_with_nul),
        cmocka_unit_test(test_config_load__refusals),
        cmocka_unit_test(test_config_load__words_stay),
    };
    config_register(ALL_TABLES);
    const int failed = cmocka_run_group_tests_name("platform/config", tests, NULL, NULL);
    unlink(file_path());
    return failed;
}
