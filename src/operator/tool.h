/* operator/tool.h - what the tools have in common: options, complaints, exit codes.
 *
 * Purpose:   each tool reads its options, does its work on one arena and one connection, and says
 *            in words what went wrong.
 * Units:     none.
 * Ownership: a tool's memory lives as long as the process, which is short.
 * Errors:    tool_fail turns one into words and an exit code.
 * Threads:   one. */
#ifndef OPERATOR_TOOL_H
#define OPERATOR_TOOL_H

#include "platform/postgres/postgres.h"
#include "platform/service/config.h"

struct arena;

enum tool_exit {
    TOOL_DONE = 0,
    TOOL_FAILED = 1,
    TOOL_USAGE = 2,
    TOOL_VIOLATION = 3,
    TOOL_UNREACHABLE = 4,
};

struct tool {
    const char *name;  /* key */
    const char *usage; /* "tallystick key create ..." lines for --help */
    const struct option *options;
};

/* Reads the options; what is left of argv are the tool's words. False: the tool ends here, with
 * *exit_out (help was asked for, or the usage is wrong). */
bool tool_start(const struct tool *tool, void *config, int *argc, char **argv, int *exit_out);

/* Says on stderr how the tool is used. Returns TOOL_USAGE. */
int tool_complain(const struct tool *tool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says on stderr what failed. Returns the exit code that fits. */
int tool_fail(const struct tool *tool, const struct error *err);

/* What a schema that is not there, or not there yet, looks like. */
bool tool_lacks_migration(const struct error *err);

/* A connection as the role tallystick_operator, unless the URL names another. */
struct db *tool_open_db(const char *url, const struct sql_statement *const *statements,
                        int timeout_ms);

/* A line of talk on stderr. */
void tool_say(const struct tool *tool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
