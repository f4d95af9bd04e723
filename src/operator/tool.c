#include "operator/tool.h"

#include "base/assert.h"

#include <stdio.h>

static bool is_word(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* -o and --json are known to everybody as the choice of an output format. */
static void spell_out_short_flags(int argc, char **argv)
{
    static char output[] = "--output", json[] = "--output=json";
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "-o") == 0)
            argv[at] = output;
        else if (strcmp(argv[at], "--json") == 0)
            argv[at] = json;
    }
}

bool tool_start(const struct tool *tool, void *config, int *argc, char **argv, int *exit_out)
{
    const struct option *const tables[] = {tool->options, NULL};
    struct error err;
    for (int at = 1; at < *argc; at++) {
        if (!is_word(argv[at], "--help", "-h"))
            continue;
        config_print_help(tool->name, tool->usage, tables);
        *exit_out = TOOL_DONE;
        return false;
    }
    spell_out_short_flags(*argc, argv);
    if (config_load(tables, config, argc, argv, &err) == OK)
        return true;
    *exit_out = tool_complain(tool, "%s", err.message);
    return false;
}

__attribute__((format(printf, 2, 0))) static void say(const struct tool *tool, const char *format,
                                                      va_list args)
{
    fprintf(stderr, "%s: ", tool->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void tool_say(const struct tool *tool, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(tool, format, args);
    va_end(args);
}

int tool_complain(const struct tool *tool, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(tool, format, args);
    va_end(args);
    fprintf(stderr, "see: tallystick %s --help\n", tool->name);
    return TOOL_USAGE;
}

struct db *tool_open_db(const char *url, const struct sql_statement *const *statements,
                        int timeout_ms)
{
    return db_new(&(struct db_config){
        .url = url,
        .user = "tallystick_operator",
        .application_name = "tallystick_operator",
        .statements = {statements},
        .timeout_ms = timeout_ms,
    });
}

bool tool_lacks_migration(const struct error *err)
{
    static const char *const SIGNS[] = {"SQLSTATE 42P01", "SQLSTATE 3F000", "SQLSTATE 42703",
                                        "role \"tallystick_operator\" does not exist"};
    for (size_t at = 0; at < COUNT(SIGNS); at++)
        if (strstr(err->message, SIGNS[at]) != NULL)
            return true;
    return false;
}

int tool_fail(const struct tool *tool, const struct error *err)
{
    tool_say(tool, "%s", err->message);
    if (tool_lacks_migration(err)) {
        tool_say(tool, "the database is not up to date; run: tallystick migrate apply");
        return TOOL_FAILED;
    }
    switch (err->status) {
    case ERR_DOWN:
    case ERR_TIMEOUT:
        return TOOL_UNREACHABLE;
    case ERR_INVALID:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_FULL:
    case ERR_UNKNOWN:
    case ERR_BROKEN:
        return TOOL_FAILED;
    case OK:
        break;
    }
    UNREACHABLE();
}
