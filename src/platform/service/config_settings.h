/* platform/service/config_settings.h - what was said about options, before any is typed.
 *
 * Purpose:   flags, environment and file become one list, the stronger source first; names that no
 *            table knows are refused here. Used by platform/service/config.c alone.
 * Units:     none.
 * Ownership: texts live in the arena.
 * Errors:    ERR_INVALID with the name and where it was given.
 * Threads:   at start only. */
#ifndef PLATFORM_SERVICE_CONFIG_SETTINGS_H
#define PLATFORM_SERVICE_CONFIG_SETTINGS_H

#include "platform/service/config.h"

struct arena;

enum { SETTINGS_MAX = 512 };

enum setting_source {
    SETTING_FLAG,
    SETTING_ENVIRONMENT,
    SETTING_STANDARD, /* a variable without our prefix: DATABASE_URL, KAFKA_BROKERS */
    SETTING_FILE,
};

struct setting {
    const char *name; /* gateway-port */
    const char *value;
    const char *origin; /* for messages: TALLYSTICK_GATEWAY_PORT */
    enum setting_source source;
};

struct settings {
    struct arena *arena;
    const struct option *const *own; /* the command's tables: what flags may name */
    const struct option_table *all;  /* every command's: what environment and file may name */
    size_t count;
    struct setting items[SETTINGS_MAX];
};

/* Takes the flags out of argv. */
MUST_CHECK enum status settings_add_flags(struct settings *settings, int *argc, char **argv,
                                          struct error *err);
MUST_CHECK enum status settings_add_environment(struct settings *settings, struct error *err);
MUST_CHECK enum status settings_add_file(struct settings *settings, struct error *err);

/* The strongest; NULL: nothing was said. */
const struct setting *settings_find(const struct settings *settings, const char *name);

/* gateway-port as TALLYSTICK_GATEWAY_PORT. */
const char *setting_variable(struct arena *arena, const char *name);

#endif
