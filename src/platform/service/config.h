/* platform/service/config.h - options: one table gives parser, help and the check of names.
 *
 * Purpose:   each option has one name; `--gateway-port`, TALLYSTICK_GATEWAY_PORT and a line
 *            `gateway-port = 8080` of the file TALLYSTICK_CONFIG_FILE mean the same, in this order
 *            of precedence (flag, environment, file, default). A secret may also be read from a
 *            file: TALLYSTICK_SERVICE_SECRET_FILE. DATABASE_URL and KAFKA_BROKERS stand in for
 *            theirs with the prefix. Variables with the prefix that no table knows stop the start.
 * Units:     the name says it: -ms, -s, -size.
 * Ownership: values are written into the caller's struct; texts live as long as the program.
 * Errors:    ERR_INVALID with the option's name, its value, and what it takes.
 * Threads:   at start only. */
#ifndef PLATFORM_SERVICE_CONFIG_H
#define PLATFORM_SERVICE_CONFIG_H

#include "base/error.h"
#include "base/text.h"

enum option_type {
    OPT_TEXT,   /* const char *                                     */
    OPT_SECRET, /* const char *, never printed; *_FILE reads a file */
    OPT_URL,    /* const char *, starts with http:// or https://    */
    OPT_INT,    /* int64_t, at least 0                              */
    OPT_PORT,   /* int64_t, 0 to 65535                              */
    OPT_BOOL,   /* bool: true, false                                */
    OPT_CHOICE, /* const char *, one of `choices`                   */
};

struct option {
    const char *name; /* gateway-port; NULL ends a table */
    enum option_type type;
    const char *default_value; /* NULL: none; OPT_TEXT then stays NULL */
    size_t offset;             /* of the field in the command's config struct */
    const char *help;          /* one sentence with its unit; "Required." where it is */
    const char *choices;       /* dev|prod */
};

/* One command's options: the common ones first, its own next. */
struct option_table {
    const char *command; /* gateway */
    const struct option *options;
};

/* Every table of the program, so that a name another command knows is no unknown name here. Set
 * once by main; ends with a NULL command. */
void config_register(const struct option_table *tables);

/* Fills the struct from flags, environment, file and defaults. What is left of argv (words that are
 * no flags) is given back: positional arguments of tools. */
MUST_CHECK enum status config_load(const struct option *const tables[], void *config, int *argc,
                                   char **argv, struct error *err);

/* Whether another command could read its options as they are set now (flags apart): the same
 * checks, nothing is kept. A table of the name "services" is every service's. */
MUST_CHECK enum status config_check(const char *command, struct error *err);

/* Usage of a command, from its tables (ends with NULL), to stdout. */
void config_print_help(const char *command, const char *summary,
                       const struct option *const tables[]);

#endif
