#include "../oracle.h"
#include "platform/service/config_settings.h"

enum status __real_settings_add_environment(struct settings *settings, struct error *err);
enum status __wrap_settings_add_environment(struct settings *settings, struct error *err);
enum status __real_settings_add_file(struct settings *settings, struct error *err);
enum status __wrap_settings_add_file(struct settings *settings, struct error *err);

/* The environment before the flags. */
enum status __wrap_settings_add_environment(struct settings *settings, struct error *err)
{
    struct settings later = *settings;
    if (fuzz_lie() != 1)
        return __real_settings_add_environment(settings, err);
    settings->count = 0;
    TRY(__real_settings_add_environment(settings, err));
    for (size_t at = 0; at < later.count; at++)
        settings->items[settings->count++] = later.items[at];
    return OK;
}

enum status __wrap_settings_add_file(struct settings *settings, struct error *err)
{
    return fuzz_lie() == 2 ? OK : __real_settings_add_file(settings, err);
}
