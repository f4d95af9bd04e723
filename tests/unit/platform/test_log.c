#include "check.h"

#include "platform/log/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, LINES = 2000 };

static char path[] = "/tmp/test_log_XXXXXX";

/* Runs `write_lines` in a process of its own, its standard error in a file, and counts the whole
 * lines in there. */
static int count_lines(void (*write_lines)(void), int *ended_out)
{
    const int file = open(path, O_RDWR | O_TRUNC);
    assert_true(file >= 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(file, STDERR_FILENO);
        write_lines();
        _exit(0);
    }
    waitpid(child, ended_out, 0);
    FILE *lines = fdopen(file, "r");
    rewind(lines);
    char line[1024];
    int count = 0;
    while (fgets(line, sizeof line, lines) != NULL)
        count += strstr(line, "test.happened") != NULL && line[strlen(line) - 1] == '\n';
    fclose(lines);
    return count;
}

static void *write_many(void *unused)
{
    (void)unused;
    for (int at = 0; at < LINES; at++)
        log_info(NULL, "test.happened", "it happened", kv_i64("at", at));
    return NULL;
}

static void write_from_threads(void)
{
    log_start("test", "1", LOG_INFO, LOG_JSON);
    pthread_t threads[THREADS];
    for (int at = 0; at < THREADS; at++)
        pthread_create(&threads[at], NULL, write_many, NULL);
    for (int at = 0; at < THREADS; at++)
        pthread_join(threads[at], NULL);
    log_stop();
}

static void write_and_wait(void)
{
    log_start("test", "1", LOG_INFO, LOG_JSON);
    log_info(NULL, "test.happened", "it happened");
    usleep(200000);
}

static void write_error(void)
{
    log_start("test", "1", LOG_INFO, LOG_JSON);
    log_error(NULL, "test.happened", "it happened");
}

static void write_and_fail(void)
{
    log_start("test", "1", LOG_INFO, LOG_JSON);
    log_info(NULL, "test.happened", "it happened");
    ASSERT(getenv("no such variable") != NULL);
}

static void write_below_level(void)
{
    log_start("test", "1", LOG_INFO, LOG_JSON);
    log_debug(NULL, "test.happened", "it happened");
    log_set_level(LOG_DEBUG);
    log_debug(NULL, "test.happened", "it happened");
    log_stop();
}

static void write_without_start(void)
{
    log_warning(NULL, "test.happened", "it happened");
    log_info(NULL, "test.happened", "it happened");
}

static void test_log__lines_arrive(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        void (*write_lines)(void);
        int lines;
    } CASES[] = {
        {"several threads and a stop", write_from_threads, THREADS * LINES},
        {"a pause and no stop", write_and_wait, 1},
        {"an error and no stop", write_error, 1},
        {"a failed assertion", write_and_fail, 1},
        {"one line below the level", write_below_level, 1},
        {"a tool that never starts the log", write_without_start, 1},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        int ended = 0;
        CHECK_EQ(CASES[at].given, count_lines(CASES[at].write_lines, &ended), CASES[at].lines);
        CHECK(CASES[at].given, WIFEXITED(ended) || CASES[at].write_lines == write_and_fail);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log__lines_arrive),
    };
    const int file = mkstemp(path);
    close(file);
    const int failed = cmocka_run_group_tests_name("platform/log", tests, NULL, NULL);
    unlink(path);
    return failed;
}
