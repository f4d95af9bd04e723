#include "platform/service/config.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/service/config_settings.h"

#include <stdio.h>

enum { TEXTS_SIZE_MAX = 8 * 1024 * 1024, PORT_MAX = 65535 };
enum { TABLES_MAX = 8, SCRATCH_SIZE = 64 * 1024 };

static const struct option_table *registered;

/* Texts of options live as long as the program. */
static struct arena *texts;

void config_register(const struct option_table *tables)
{
    registered = tables;
}

static bool is_choice(struct text value, const char *choices)
{
    struct text rest = text_of(choices);
    while (!text_is_none(rest))
        if (text_equals(text_cut(&rest, '|'), value))
            return true;
    return false;
}

/* What a value must be, in words; NULL: it is. */
static const char *fault_of(const struct option *option, struct text value)
{
    int64_t number = 0;
    switch (option->type) {
    case OPT_TEXT:
    case OPT_SECRET:
        return NULL;
    case OPT_URL:
        return text_starts_with(value, "http://") || text_starts_with(value, "https://")
                   ? NULL
                   : "must begin with http:// or https://";
    case OPT_INT:
        return text_to_i64(value, &number) ? NULL : "must be a whole number of at least 0";
    case OPT_PORT:
        return text_to_i64(value, &number) && number <= PORT_MAX
                   ? NULL
                   : "must be a port number from 0 to 65535";
    case OPT_BOOL:
        return is_choice(value, "true|false") ? NULL : "must be true or false";
    case OPT_CHOICE:
        return is_choice(value, option->choices)
                   ? NULL
                   : text_format(texts, "must be one of %s", option->choices).data;
    }
    UNREACHABLE();
}

static void set_field(const struct option *option, const char *value, void *config)
{
    void *const field = (char *)config + option->offset;
    switch (option->type) {
    case OPT_TEXT:
    case OPT_SECRET:
    case OPT_URL:
    case OPT_CHOICE:
        *(const char **)field = value;
        return;
    case OPT_INT:
    case OPT_PORT:
        ASSERT(text_to_i64(text_of(value), field));
        return;
    case OPT_BOOL:
        *(bool *)field = strcmp(value, "true") == 0;
        return;
    }
    UNREACHABLE();
}

static bool is_required(const struct option *option)
{
    return strstr(option->help, "Required.") != NULL;
}

static enum status load_option(const struct settings *settings, const struct option *option,
                               void *config, struct error *err)
{
    const struct setting *setting = settings_find(settings, option->name);
    const char *const value = setting == NULL ? option->default_value : setting->value;
    if (value == NULL && is_required(option))
        return error_set(err, ERR_INVALID, "%s is required (or the option --%s)",
                         setting_variable(texts, option->name), option->name);
    if (value == NULL)
        return OK;
    const char *const fault = fault_of(option, text_of(value));
    ASSERT(fault == NULL || setting != NULL); /* defaults are right */
    if (fault != NULL)
        return error_set(err, ERR_INVALID, "%s %s, not '%s'", setting->origin, fault, value);
    set_field(option, value, config);
    return OK;
}

enum status config_load(const struct option *const tables[], void *config, int *argc, char **argv,
                        struct error *err)
{
    if (texts == NULL)
        texts = arena_new(TEXTS_SIZE_MAX);
    struct settings *settings = ARENA_NEW(texts, struct settings);
    settings->arena = texts;
    settings->own = tables;
    settings->all = registered;
    TRY(settings_add_flags(settings, argc, argv, err));
    TRY(settings_add_environment(settings, err));
    TRY(settings_add_file(settings, err));
    for (size_t at = 0; tables[at] != NULL; at++)
        for (const struct option *option = tables[at]; option->name != NULL; option++)
            TRY(load_option(settings, option, config, err));
    return OK;
}

/* The tables of a command, as it would load them. */
static void find_tables(const char *command, const struct option *found[static TABLES_MAX + 1])
{
    size_t count = 0;
    for (const struct option_table *table = registered; table->command != NULL; table++)
        if (strcmp(table->command, command) == 0 || strcmp(table->command, "services") == 0) {
            ASSERT(count < TABLES_MAX);
            found[count++] = table->options;
        }
    found[count] = NULL;
}

enum status config_check(const char *command, struct error *err)
{
    const struct option *tables[TABLES_MAX + 1];
    struct settings *settings = ARENA_NEW(texts, struct settings);
    max_align_t *scratch = ARENA_NEW_ARRAY(texts, max_align_t, SCRATCH_SIZE / sizeof(max_align_t));
    find_tables(command, tables);
    settings->arena = texts;
    settings->own = tables;
    settings->all = registered;
    TRY(settings_add_environment(settings, err));
    TRY(settings_add_file(settings, err));
    for (size_t at = 0; tables[at] != NULL; at++)
        for (const struct option *option = tables[at]; option->name != NULL; option++) {
            ASSERT(option->offset < SCRATCH_SIZE);
            TRY(load_option(settings, option, scratch, err));
        }
    return OK;
}

static const char *value_name(const struct option *option)
{
    switch (option->type) {
    case OPT_TEXT:
    case OPT_SECRET:
        return "TEXT";
    case OPT_URL:
        return "URL";
    case OPT_INT:
        return "NUMBER";
    case OPT_PORT:
        return "PORT";
    case OPT_BOOL:
        return "true|false";
    case OPT_CHOICE:
        return option->choices;
    }
    UNREACHABLE();
}

static void print_option(const struct option *option)
{
    printf("  --%s %s\n      %s", option->name, value_name(option), option->help);
    if (option->default_value != NULL)
        printf(" Default: %s.", option->default_value);
    printf("\n      %s%s\n", setting_variable(texts, option->name),
           option->type == OPT_SECRET ? " (or, with _FILE at its end, the file it stands in)" : "");
}

void config_print_help(const char *command, const char *summary,
                       const struct option *const tables[])
{
    if (texts == NULL)
        texts = arena_new(TEXTS_SIZE_MAX);
    printf("usage: tallystick %s\n\n%s\n", command, summary);
    printf("\nOptions, stronger first: flag, environment, file (--config-file or "
           "TALLYSTICK_CONFIG_FILE,\nlines of 'name = value'), default.\n\n");
    for (size_t at = 0; tables[at] != NULL; at++)
        for (const struct option *option = tables[at]; option->name != NULL; option++)
            print_option(option);
}
