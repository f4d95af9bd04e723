/* tallystick <command>: one executable; every service and every tool is a command of it. */
#include "authorization/service.h"
#include "base/arena.h"
#include "base/assert.h"
#include "gateway/service.h"
#include "ledger/service.h"
#include "operator/operator.h"
#include "outbox/service.h"
#include "platform/messaging/metrics.h"
#include "platform/service/config.h"
#include "platform/service/service.h"
#include "platform/service/service_metrics.h"
#include "platform/tracing/span_table.h"
#include "platform/tracing/tracing_metrics.h"
#include "saga/service.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_USAGE = 2 };
enum { REFERENCE_SIZE_MAX = 256 * 1024 };

struct command {
    const char *name;
    const char *summary;
    int (*main)(int argc, char **argv); /* argv[0] is the command's name */
    int (*tool)(int argc, char **argv); /* where words follow: `ledger account freeze` */
};

static int metrics_main(int argc, char **argv);
static int traces_main(int argc, char **argv);

/* clang-format off */
static const struct command COMMANDS[] = {
    {"gateway", "service: the public door", gateway_main, NULL},
    {"authorization", "service: decides credit, holds and releases it", authorization_main, NULL},
    {"ledger", "service: keeps the books; 'ledger account': a tool for its accounts", ledger_main,
     ledger_account_main},
    {"outbox", "service: moves events to the event bus; 'outbox status': a tool", outbox_main,
     outbox_status_main},
    {"saga", "service: books what was decided; 'saga ls', 'saga retry' ...: tools", saga_main,
     saga_list_main},
    {"migrate", "plan, check or apply the schemas of the database", migrate_main, NULL},
    {"verify", "check what must always be true of the money", verify_main, NULL},
    {"doctor", "check what the services stand on, and say what to do", doctor_main, NULL},
    {"trace", "tell one transaction's whole story, and where it stands", trace_main, NULL},
    {"account", "read and set a user's credit limit and status", account_main, NULL},
    {"key", "create, list and revoke API keys", key_main, NULL},
    {"health", "ask services whether they are ready", health_main, NULL},
    {"metrics", "print what every service measures, as Markdown", metrics_main, NULL},
    {"traces", "print what every service tells a collector, as Markdown", traces_main, NULL},
    {"dlq", "list, show, redrive and discard messages that could not be applied", dead_letter_main,
     NULL},
    {"parked", "list keys that wait behind a message, and have them tried", parked_main, NULL},
};

/* Whose options the environment and the configuration file may name. */
static const struct option_table OPTION_TABLES[] = {
    {"services", SERVICE_OPTIONS},
    {"services", BUS_OPTIONS},
    {"services", CONSUMER_OPTIONS},
    {"gateway", GATEWAY_OPTIONS},
    {"authorization", AUTHORIZATION_OPTIONS},
    {"ledger", LEDGER_OPTIONS},
    {"outbox", OUTBOX_OPTIONS},
    {"saga", SAGA_OPTIONS},
    {"migrate", MIGRATE_OPTIONS},
    {"verify", VERIFY_OPTIONS},
    {"trace", TRACE_OPTIONS},
    {"doctor", DOCTOR_OPTIONS},
    {"account", ACCOUNT_OPTIONS},
    {"key", KEY_OPTIONS},
    {"health", HEALTH_OPTIONS},
    {"ledger account", LEDGER_ACCOUNT_OPTIONS},
    {"saga ls", SAGA_LIST_OPTIONS},
    {"dlq", DEAD_LETTER_OPTIONS},
    {"parked", PARKED_OPTIONS},
    {"outbox status", OUTBOX_STATUS_OPTIONS},
    {NULL, NULL},
};
/* clang-format on */

/* What /metrics of the services shows, in the order of docs/reference/metrics.md. */
static const struct metric_table *const METRIC_TABLES[] = {
    &SERVICE_METRICS, &GATEWAY_METRICS, &AUTHORIZATION_METRICS, &LEDGER_METRICS,
    &OUTBOX_METRICS,  &SAGA_METRICS,    &MESSAGING_METRICS,     &TRACING_METRICS,
};

static void write_metrics(struct text_builder *out)
{
    metrics_write_introduction(out);
    for (size_t at = 0; at < COUNT(METRIC_TABLES); at++)
        metrics_write_reference(METRIC_TABLES[at], out);
}

/* A page of docs/reference/, which a test compares with this. */
static int print_reference(int argc, char **argv, void (*write)(struct text_builder *out))
{
    if (argc > 1) {
        fprintf(stderr, "tallystick %s: '%s' is not expected\n", argv[0], argv[1]);
        return EXIT_USAGE;
    }
    struct arena *arena = arena_new(REFERENCE_SIZE_MAX);
    struct text_builder out;
    text_builder_init(&out, arena, REFERENCE_SIZE_MAX / 4);
    write(&out);
    printf("%.*s", TEXT_ARGS(text_builder_text(&out)));
    arena_free(arena);
    return 0;
}

static int metrics_main(int argc, char **argv)
{
    return print_reference(argc, argv, write_metrics);
}

static int traces_main(int argc, char **argv)
{
    return print_reference(argc, argv, span_table_write_reference);
}

static void print_help(FILE *to)
{
    fprintf(to, "usage: tallystick <command> [option ...]\n\ncommands:\n");
    for (size_t at = 0; at < COUNT(COMMANDS); at++)
        fprintf(to, "  %-14s %s\n", COMMANDS[at].name, COMMANDS[at].summary);
    fprintf(to, "  %-14s %s\n", "version", "print the version");
    fprintf(to, "  %-14s %s\n", "help", "print this");
    fprintf(to, "\ntallystick <command> --help lists a command's options.\n");
}

static bool is_any_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0)
            return true;
    return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    if (command->tool != NULL && argc > 1 && argv[1][0] != '-')
        return command->tool(argc, argv);
    return command->main(argc, argv);
}

int main(int argc, char **argv)
{
    static const char *const HELP[] = {"help", "--help", "-h", NULL};
    static const char *const VERSION[] = {"version", "--version", NULL};
    config_register(OPTION_TABLES);
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (is_any_of(argv[1], HELP)) {
        print_help(stdout);
        return 0;
    }
    if (is_any_of(argv[1], VERSION)) {
        printf("tallystick %s\n", TALLYSTICK_VERSION);
        return 0;
    }
    for (size_t at = 0; at < COUNT(COMMANDS); at++)
        if (strcmp(argv[1], COMMANDS[at].name) == 0)
            return run_command(&COMMANDS[at], argc - 1, argv + 1);
    fprintf(stderr, "tallystick: '%s' is not a command; see: tallystick help\n", argv[1]);
    return EXIT_USAGE;
}
