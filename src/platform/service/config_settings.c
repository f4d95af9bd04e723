#include "platform/service/config_settings.h"

#include "base/arena.h"
#include "base/assert.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PREFIX      "TALLYSTICK_"
#define CONFIG_FILE "config-file"

enum { FILE_SIZE_MAX = 64 * 1024, NAME_SIZE_MAX = 64, TYPING_ERRORS_MAX = 3 };

const char *setting_variable(struct arena *arena, const char *name)
{
    char *variable = arena_alloc(arena, sizeof PREFIX + strlen(name));
    char *to = stpcpy(variable, PREFIX);
    for (; *name != '\0'; name++)
        *to++ = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
    *to = '\0';
    return variable;
}

/* TALLYSTICK_GATEWAY_PORT as gateway-port. */
static const char *name_of_variable(struct arena *arena, struct text variable)
{
    char *name = arena_alloc(arena, variable.size + 1);
    size_t size = 0;
    for (size_t at = strlen(PREFIX); at < variable.size; at++)
        name[size++] =
            variable.data[at] == '_' ? '-' : (char)tolower((unsigned char)variable.data[at]);
    name[size] = '\0';
    return name;
}

/* ---- names --------------------------------------------------------------------------------- */

static const struct option *find_in_table(const struct option *options, struct text name)
{
    for (; options->name != NULL; options++)
        if (text_equals_c(name, options->name))
            return options;
    return NULL;
}

/* Flags name this command's options; other sources any command's. */
static const struct option *find_option(const struct settings *settings, enum setting_source source,
                                        struct text name)
{
    const struct option *found = NULL;
    for (size_t at = 0; settings->own[at] != NULL && found == NULL; at++)
        found = find_in_table(settings->own[at], name);
    if (source == SETTING_FLAG || settings->all == NULL)
        return found;
    const struct option_table *table = settings->all;
    for (; table->command != NULL && found == NULL; table++)
        found = find_in_table(table->options, name);
    return found;
}

/* `service-secret-file` names the option service-secret; other names are their own. */
static struct text without_file_suffix(struct text name)
{
    const struct text suffix = TEXT("-file");
    if (name.size > suffix.size && text_equals(text_skip(name, name.size - suffix.size), suffix))
        name.size -= suffix.size;
    return name;
}

/* How many letters must be changed, added or left out (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_SIZE_MAX + 1];
    const size_t columns = strlen(b);
    if (columns > NAME_SIZE_MAX)
        return SIZE_MAX;
    for (size_t at = 0; at <= columns; at++)
        row[at] = at;
    for (; *a != '\0'; a++) {
        size_t corner = row[0]++;
        for (size_t at = 1; at <= columns; at++) {
            size_t best = corner + (*a != b[at - 1]);
            corner = row[at];
            best = row[at] + 1 < best ? row[at] + 1 : best;
            row[at] = row[at - 1] + 1 < best ? row[at - 1] + 1 : best;
        }
    }
    return row[columns];
}

static void take_nearer(const struct option *options, const char *name, const char **nearest)
{
    for (; options->name != NULL; options++)
        if (*nearest == NULL || distance(name, options->name) < distance(name, *nearest))
            *nearest = options->name;
}

static enum status refuse_unknown(const struct settings *settings, const struct setting *unknown,
                                  struct error *err)
{
    const char *nearest = NULL;
    for (size_t at = 0; settings->own[at] != NULL; at++)
        take_nearer(settings->own[at], unknown->name, &nearest);
    const struct option_table *table = settings->all;
    for (; unknown->source != SETTING_FLAG && table != NULL && table->command != NULL; table++)
        take_nearer(table->options, unknown->name, &nearest);
    const size_t errors = nearest == NULL ? SIZE_MAX : distance(unknown->name, nearest);
    if (errors > TYPING_ERRORS_MAX || errors >= strlen(unknown->name))
        return error_set(err, ERR_INVALID, "'%s' is not known", unknown->origin);
    const char *const meant = unknown->source == SETTING_ENVIRONMENT
                                  ? setting_variable(settings->arena, nearest)
                                  : nearest;
    return error_set(err, ERR_INVALID, "'%s' is not known; did you mean '%s%s'?", unknown->origin,
                     unknown->source == SETTING_FLAG ? "--" : "", meant);
}

/* ---- adding -------------------------------------------------------------------------------- */

static enum status read_file(struct arena *arena, const char *path, struct text *text_out,
                             struct error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_set(err, ERR_INVALID, "cannot read '%s': %s", path, strerror(errno));
    char *data = arena_alloc(arena, FILE_SIZE_MAX);
    const size_t size = fread(data, 1, FILE_SIZE_MAX, file);
    const bool failed = ferror(file) != 0 || size == FILE_SIZE_MAX;
    fclose(file);
    if (failed)
        return error_set(err, ERR_INVALID, "'%s' cannot be read or is too large", path);
    *text_out = (struct text){data, size};
    return OK;
}

/* A secret that stands in a file, without the line end that editors leave. */
static enum status read_secret(struct settings *settings, struct setting *setting,
                               struct error *err)
{
    struct text secret;
    TRY(read_file(settings->arena, setting->value, &secret, err));
    if (memchr(secret.data, '\0', secret.size) != NULL) /* random bytes, where text is meant */
        return error_set(err, ERR_INVALID, "'%s' holds a NUL, where its secret would end",
                         setting->value);
    while (secret.size > 0 && isspace((unsigned char)secret.data[secret.size - 1]))
        secret.size--;
    setting->value = text_to_c(settings->arena, secret);
    return OK;
}

static enum status add(struct settings *settings, struct setting setting, struct error *err)
{
    const struct text name = text_of(setting.name);
    const struct option *option = find_option(settings, setting.source, name);
    if (option == NULL && !text_equals_c(name, CONFIG_FILE)) {
        option = find_option(settings, setting.source, without_file_suffix(name));
        if (option == NULL || option->type != OPT_SECRET)
            return refuse_unknown(settings, &setting, err);
        TRY(read_secret(settings, &setting, err));
    }
    if (option != NULL)
        setting.name = option->name;
    const struct setting *before = settings_find(settings, setting.name);
    if (before != NULL && before->source == setting.source)
        return error_set(err, ERR_INVALID, "'%s' is given twice", setting.origin);
    ASSERT(settings->count < SETTINGS_MAX);
    settings->items[settings->count++] = setting;
    return OK;
}

const struct setting *settings_find(const struct settings *settings, const char *name)
{
    for (size_t at = 0; at < settings->count; at++)
        if (strcmp(settings->items[at].name, name) == 0)
            return &settings->items[at];
    return NULL;
}

/* `--name value`, `--name=value`; a switch may stand alone. Takes one or two arguments. */
static enum status add_flag(struct settings *settings, char **arguments, int *taken_out,
                            struct error *err)
{
    struct text rest = text_of(arguments[0] + 2);
    struct setting setting = {.source = SETTING_FLAG};
    setting.name = text_to_c(settings->arena, text_cut(&rest, '='));
    setting.origin = text_format(settings->arena, "--%s", setting.name).data;
    setting.value = rest.data;
    *taken_out = 1;
    const struct option *option = find_option(settings, SETTING_FLAG, text_of(setting.name));
    if (setting.value == NULL && option != NULL && option->type == OPT_BOOL) {
        setting.value = "true";
    } else if (setting.value == NULL && arguments[1] != NULL) {
        setting.value = arguments[1];
        *taken_out = 2;
    } else if (setting.value == NULL && option != NULL) {
        return error_set(err, ERR_INVALID, "'%s' needs a value", setting.origin);
    } else if (setting.value == NULL) {
        setting.value = ""; /* its name is what is wrong */
    }
    return add(settings, setting, err);
}

enum status settings_add_flags(struct settings *settings, int *argc, char **argv, struct error *err)
{
    int kept = 1;
    bool flags_end = false;
    for (int at = 1; at < *argc;) {
        int taken = 1;
        if (!flags_end && strcmp(argv[at], "--") == 0)
            flags_end = true;
        else if (!flags_end && strncmp(argv[at], "--", 2) == 0)
            TRY(add_flag(settings, &argv[at], &taken, err));
        else
            argv[kept++] = argv[at];
        at += taken;
    }
    *argc = kept;
    argv[kept] = NULL;
    return OK;
}

/* Variables without our prefix that everybody knows. */
static enum status add_standard(struct settings *settings, struct error *err)
{
    static const struct {
        const char *variable;
        const char *option;
    } STANDARD[] = {{"DATABASE_URL", "database-url"}, {"KAFKA_BROKERS", "kafka-brokers"}};
    for (size_t at = 0; at < COUNT(STANDARD); at++) {
        const char *const value = getenv(STANDARD[at].variable);
        if (value == NULL || value[0] == '\0' ||
            find_option(settings, SETTING_STANDARD, text_of(STANDARD[at].option)) == NULL)
            continue;
        TRY(add(
            settings,
            (struct setting){STANDARD[at].option, value, STANDARD[at].variable, SETTING_STANDARD},
            err));
    }
    return OK;
}

enum status settings_add_environment(struct settings *settings, struct error *err)
{
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        struct text value = text_of(*entry);
        const struct text variable = text_cut(&value, '=');
        /* Empty is how compose files say "not set". */
        if (!text_starts_with(variable, PREFIX) || value.size == 0)
            continue;
        TRY(add(settings,
                (struct setting){.name = name_of_variable(settings->arena, variable),
                                 .value = value.data,
                                 .origin = text_to_c(settings->arena, variable),
                                 .source = SETTING_ENVIRONMENT},
                err));
    }
    return add_standard(settings, err);
}

static bool has_controls(struct text line)
{
    for (size_t at = 0; at < line.size; at++)
        if (iscntrl((unsigned char)line.data[at]) && line.data[at] != '\t')
            return true;
    return false;
}

static enum status add_line(struct settings *settings, struct text line, const char *path,
                            int number, struct error *err)
{
    line = text_trim(line);
    /* At a NUL a name or value would end unseen, a CR would be a part of it. */
    if (has_controls(line))
        return error_set(err, ERR_INVALID, "%s:%d: a control character", path, number);
    if (line.size == 0 || line.data[0] == '#')
        return OK;
    struct text value = line;
    const struct text name = text_trim(text_cut(&value, '='));
    if (text_is_none(value))
        return error_set(err, ERR_INVALID, "%s:%d: a line is 'name = value'", path, number);
    const char *const c_name = text_to_c(settings->arena, name);
    const struct setting setting = {
        .name = c_name,
        .value = text_to_c(settings->arena, text_trim(value)),
        .origin = text_format(settings->arena, "%s:%d: %s", path, number, c_name).data,
        .source = SETTING_FILE,
    };
    return add(settings, setting, err);
}

enum status settings_add_file(struct settings *settings, struct error *err)
{
    const struct setting *file = settings_find(settings, CONFIG_FILE);
    if (file == NULL)
        return OK;
    struct text rest;
    TRY(read_file(settings->arena, file->value, &rest, err));
    for (int number = 1; rest.size > 0; number++)
        TRY(add_line(settings, text_cut(&rest, '\n'), file->value, number, err));
    return OK;
}
