/* Configuration: lines that begin with `--` are flags, with TALLYSTICK_ or OTEL_ the environment,
 * the others are the file. The strongest source must win, and its whole text. */
#include "gateway/gateway.h"
#include "gateway/service.h"
#include "oracle.h"
#include "platform/tracing/tracing_settings.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORDS_MAX = 64 };

/* config_load keeps its texts as long as the program lives. Here they end with their input. */
static struct arena *texts;
struct arena *__real_arena_new(size_t size_max);
struct arena *__wrap_arena_new(size_t size_max);

struct arena *__wrap_arena_new(size_t size_max)
{
    texts = __real_arena_new(size_max);
    return texts;
}

struct said {
    char *flags[WORDS_MAX + 2]; /* the program's name first, NULL last */
    int flag_count;
    char *environment[WORDS_MAX + 2];
    size_t variable_count;
    struct text file;
    bool has_pairs; /* some flag's value is the next word: too much for the oracle */
};

static struct text next_line(struct text *rest)
{
    return text_cut(rest, '\n');
}

static char *word_of(struct arena *arena, struct text line)
{
    char *word = arena_alloc(arena, line.size + 1);
    memcpy(word, line.data, line.size);
    word[line.size] = '\0';
    return word;
}

static void sort_line(struct arena *arena, struct said *said, struct text line,
                      struct text_builder *file)
{
    const bool is_flag = text_starts_with(line, "--");
    const bool is_variable =
        text_starts_with(line, "TALLYSTICK_") || text_starts_with(line, "OTEL_");
    if (is_flag && said->flag_count < WORDS_MAX) {
        char *word = word_of(arena, line); /* up to a NUL */
        said->has_pairs |= strchr(word, '=') == NULL;
        said->flags[said->flag_count++] = word;
    } else if (is_variable && said->variable_count < WORDS_MAX) {
        said->environment[said->variable_count++] = word_of(arena, line);
    } else {
        text_builder_add_text(file, line);
        text_builder_add(file, "\n", 1);
    }
}

static void read_input(struct arena *arena, struct text input, struct said *said)
{
    static char program[] = "gateway";
    struct text_builder file;
    text_builder_init(&file, arena, 256);
    said->flags[said->flag_count++] = program;
    while (!text_is_none(input))
        sort_line(arena, said, next_line(&input), &file);
    said->file = text_builder_text(&file);
}

/* The file, where a configuration can name it. */
static int write_file(struct arena *arena, struct said *said)
{
    const int file = memfd_create("config", MFD_CLOEXEC);
    ASSERT(file >= 0);
    ASSERT(write(file, said->file.data, said->file.size) == (ssize_t)said->file.size);
    const char *name = text_format(arena, "TALLYSTICK_CONFIG_FILE=/proc/self/fd/%d", file).data;
    said->environment[said->variable_count++] = word_of(arena, text_of(name));
    return file;
}

/* ---- the oracle: where each option's value should come from ---------------------------------- */

/* GATEWAY_PORT or gateway-port, written the one way. */
static bool names(struct text name, const char *option)
{
    if (name.size != strlen(option))
        return false;
    for (size_t at = 0; at < name.size; at++) {
        const char c = name.data[at];
        const char lower = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        if ((c == '_' ? '-' : lower) != option[at])
            return false;
    }
    return true;
}

static struct text find_word(char *const *words, const char *prefix, const char *option)
{
    for (; *words != NULL; words++) {
        struct text value = text_of(*words);
        if (!text_starts_with(value, prefix))
            continue;
        value = text_skip(value, strlen(prefix));
        const struct text name = text_cut(&value, '=');
        if (names(name, option) && !text_is_none(value) && (value.size > 0 || prefix[0] == '-'))
            return value;
    }
    return TEXT_NONE;
}

static struct text find_in_file(struct text file, const char *option)
{
    while (file.size > 0) {
        struct text value = text_trim(text_cut(&file, '\n'));
        const struct text name = text_trim(text_cut(&value, '='));
        if (text_equals_c(name, option))
            return text_trim(value);
    }
    return TEXT_NONE;
}

static void check_option(const struct said *said, const char *option, const char *got,
                         const char *default_value)
{
    struct text wanted = find_word(said->flags, "--", option);
    if (text_is_none(wanted))
        wanted = find_word(said->environment, "TALLYSTICK_", option);
    if (text_is_none(wanted))
        wanted = find_in_file(said->file, option);
    if (text_is_none(wanted))
        wanted = text_of(default_value);
    HOLDS(text_equals(wanted, text_of(got)));
}

static void check_loaded(const struct said *said, const struct gateway_config *config)
{
    HOLDS(config->port >= 0 && config->port <= 65535);
    HOLDS(config->queue_size >= 0 && config->decision_timeout_ms >= 0);
    HOLDS(strcmp(config->service.profile, "dev") == 0 ||
          strcmp(config->service.profile, "prod") == 0);
    check_option(said, "listen-address", config->service.listen_address, "127.0.0.1");
    check_option(said, "topic-prefix", config->service.topic_prefix, "tallystick");
    check_option(said, "log-level", config->service.log_level, "info");
    check_option(said, "ledger-url", config->ledger_url, "http://127.0.0.1:8082");
    check_option(said, "database-url", config->service.database_url, NULL);
    if (find_word(said->environment, "TALLYSTICK_", "service-secret-file").size == 0 &&
        text_is_none(find_in_file(said->file, "service-secret-file")))
        check_option(said, "service-secret", config->service.service_secret, NULL);
}

static void load(struct said *said)
{
    const struct option *const tables[] = {SERVICE_OPTIONS, GATEWAY_OPTIONS, NULL};
    struct gateway_config config = {.port = -1};
    struct error err = {.message = ""};
    char **before = environ;
    char *argv[WORDS_MAX + 2];
    int argc = said->flag_count;
    memcpy(argv, said->flags, sizeof argv); /* config_load takes the flags out */
    environ = said->environment;
    struct tracing_settings tracing;
    tracing_settings_read(fuzz_arena(), "gateway", &tracing);
    const enum status status = config_load(tables, &config, &argc, argv, &err);
    environ = before;
    HOLDS((status == OK) == (err.message[0] == '\0'));
    if (status == OK && !said->has_pairs)
        check_loaded(said, &config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *kept;
    struct said said = {.flag_count = 0};
    if (kept == NULL)
        kept = __real_arena_new(1024 * 1024);
    arena_reset(kept);
    if (texts != NULL)
        arena_reset(texts);
    (void)fuzz_arena();
    read_input(kept, fuzz_text(data, size), &said);
    const int file = write_file(kept, &said);
    load(&said);
    close(file);
    return 0;
}
