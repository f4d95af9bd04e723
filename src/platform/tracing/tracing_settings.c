#include "platform/tracing/tracing_settings.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "base/uuid.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum {
    TIMEOUT_MS_MAX = 600000,
    QUEUE_SIZE_MAX = 1 << 20,
    BATCH_SIZE_MAX = 8192,
    DELAY_MS_MAX = 600000,
    HOST_NAME_SIZE_MAX = 256,
};

#define OTLP_PREFIX        "OTEL_EXPORTER_OTLP_"
#define OTLP_TRACES_PREFIX "OTEL_EXPORTER_OTLP_TRACES_"

#define OTEL_VARIABLE_ROW(symbol, name_, default_, says_) [symbol] = {name_, default_, says_},
const struct otel_variable_row OTEL_VARIABLES[OTEL_VARIABLE_COUNT] = {
    OTEL_VARIABLE_ROWS(OTEL_VARIABLE_ROW)};

/* ---- variables ------------------------------------------------------------------------------ */

/* Empty is how compose files say "not set". */
static const char *read_environment(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* NULL: not set. */
static const char *read_variable(struct arena *arena, enum otel_variable variable)
{
    const struct text name = text_of(OTEL_VARIABLES[variable].name);
    if (variable != OTEL_ENDPOINT && text_starts_with(name, OTLP_PREFIX)) {
        const struct text last = text_skip(name, sizeof OTLP_PREFIX - 1);
        const struct text own = text_format(arena, OTLP_TRACES_PREFIX "%.*s", TEXT_ARGS(last));
        const char *value = read_environment(own.data);
        if (value != NULL)
            return value;
    }
    return read_environment(name.data);
}

static void ignore(struct tracing_settings *settings, enum otel_variable variable, const char *why)
{
    if (settings->ignored_count < OTEL_IGNORED_MAX)
        settings->ignored[settings->ignored_count++] =
            (struct otel_ignored){OTEL_VARIABLES[variable].name, why};
}

struct range {
    int64_t min;
    int64_t max;
};

static int64_t read_number(struct arena *arena, struct tracing_settings *settings,
                           enum otel_variable variable, struct range range)
{
    int64_t number = 0;
    ASSERT(text_to_i64(text_of(OTEL_VARIABLES[variable].default_value), &number));
    const char *value = read_variable(arena, variable);
    int64_t wanted = 0;
    if (value == NULL)
        return number;
    if (text_to_i64(text_of(value), &wanted) && wanted >= range.min && wanted <= range.max)
        return wanted;
    const struct text why = text_format(arena, "not a number from %lld to %lld",
                                        (long long)range.min, (long long)range.max);
    ignore(settings, variable, why.data);
    return number;
}

/* ---- lists of pairs ------------------------------------------------------------------------- */

static bool is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* False: a percent sign without two digits, a control character, no UTF-8. */
static bool decode(struct arena *arena, struct text encoded, const char **out)
{
    char *decoded = arena_alloc(arena, encoded.size + 1);
    size_t size = 0;
    for (size_t at = 0; at < encoded.size; at++) {
        uint8_t byte = (uint8_t)encoded.data[at];
        if (byte == '%') {
            if (encoded.size - at < 3 || !is_hex_digit(encoded.data[at + 1]) ||
                !is_hex_digit(encoded.data[at + 2]) ||
                !hex_parse((struct text){encoded.data + at + 1, 2}, &byte, 1))
                return false;
            at += 2;
        }
        if (byte < ' ' || byte == 0x7f)
            return false;
        decoded[size++] = (char)byte;
    }
    decoded[size] = '\0';
    *out = decoded;
    return utf8_is_valid((struct text){decoded, size});
}

static const char *find_pair(const struct otel_pair *pairs, size_t count, const char *name)
{
    for (size_t at = 0; at < count; at++)
        if (strcmp(pairs[at].name, name) == 0)
            return pairs[at].value;
    return NULL;
}

bool otel_pairs_parse(struct arena *arena, struct text list, struct otel_pair *pairs, size_t *count)
{
    const size_t count_before = *count;
    while (!text_is_none(list)) {
        struct text value = text_cut(&list, ',');
        if (text_trim(value).size == 0)
            continue; /* a comma at the end harms nobody */
        const struct text name = text_trim(text_cut(&value, '='));
        struct otel_pair pair;
        if (name.size == 0 || text_is_none(value) || *count == OTEL_PAIRS_MAX ||
            !decode(arena, name, &pair.name) || !decode(arena, text_trim(value), &pair.value)) {
            *count = count_before;
            return false;
        }
        if (find_pair(pairs, *count, pair.name) == NULL)
            pairs[(*count)++] = pair;
    }
    return true;
}

/* ---- who we are ----------------------------------------------------------------------------- */

static void add_resource(struct tracing_settings *settings, const char *name, const char *value)
{
    if (settings->resource_count < OTEL_PAIRS_MAX &&
        find_pair(settings->resource, settings->resource_count, name) == NULL)
        settings->resource[settings->resource_count++] = (struct otel_pair){name, value};
}

/* What the operator says of us is stronger than what we say ourselves; OTEL_SERVICE_NAME is
 * strongest. */
static void read_resource(struct arena *arena, const char *service,
                          struct tracing_settings *settings)
{
    const char *name = read_variable(arena, OTEL_SERVICE_NAME);
    const char *list = read_variable(arena, OTEL_RESOURCE_ATTRIBUTES);
    char *host = arena_alloc(arena, HOST_NAME_SIZE_MAX);
    const struct uuid instance = uuid_make_v7();
    if (name != NULL)
        add_resource(settings, "service.name", name);
    if (!otel_pairs_parse(arena, text_of(list), settings->resource, &settings->resource_count))
        ignore(settings, OTEL_RESOURCE_ATTRIBUTES, "not a list of name=value, percent-encoded");
    add_resource(settings, "service.name", text_format(arena, "tallystick-%s", service).data);
    add_resource(settings, "service.version", TALLYSTICK_VERSION);
    add_resource(settings, "service.instance.id", text_to_c(arena, uuid_to_text(arena, &instance)));
    add_resource(settings, "telemetry.sdk.name", "tallystick");
    add_resource(settings, "telemetry.sdk.language", "c");
    add_resource(settings, "telemetry.sdk.version", TALLYSTICK_VERSION);
    if (gethostname(host, HOST_NAME_SIZE_MAX) == 0) {
        host[HOST_NAME_SIZE_MAX - 1] = '\0';
        add_resource(settings, "host.name", host);
    }
}

/* ---- where to, and which -------------------------------------------------------------------- */

static bool is_url(const char *value)
{
    return strncasecmp(value, "http://", 7) == 0 || strncasecmp(value, "https://", 8) == 0;
}

static const char *read_url(struct arena *arena, struct tracing_settings *settings)
{
    enum otel_variable variable = OTEL_TRACES_ENDPOINT;
    const char *url = read_environment(OTEL_VARIABLES[variable].name);
    if (url == NULL) {
        variable = OTEL_ENDPOINT;
        url = read_environment(OTEL_VARIABLES[variable].name);
    }
    if (url == NULL)
        return NULL;
    if (!is_url(url)) {
        ignore(settings, variable, "a URL begins with http:// or https://");
        return NULL;
    }
    if (variable == OTEL_TRACES_ENDPOINT)
        return url;
    const bool has_slash = url[strlen(url) - 1] == '/';
    return text_format(arena, "%s%sv1/traces", url, has_slash ? "" : "/").data;
}

static bool is_off(struct arena *arena, struct tracing_settings *settings)
{
    const char *disabled = read_variable(arena, OTEL_SDK_DISABLED);
    const char *exporter = read_variable(arena, OTEL_EXPORTER);
    const char *protocol = read_variable(arena, OTEL_PROTOCOL);
    if (protocol != NULL && strcmp(protocol, "http/protobuf") != 0)
        ignore(settings, OTEL_PROTOCOL, "spans are sent as http/protobuf and in no other way");
    if (disabled != NULL && strcasecmp(disabled, "true") != 0 && strcasecmp(disabled, "false") != 0)
        ignore(settings, OTEL_SDK_DISABLED, "neither true nor false");
    if (exporter != NULL && strcmp(exporter, "none") != 0 && strcmp(exporter, "otlp") != 0)
        ignore(settings, OTEL_EXPORTER, "spans are sent by otlp and by no other exporter");
    return (disabled != NULL && strcasecmp(disabled, "true") == 0) ||
           (exporter != NULL && strcmp(exporter, "none") == 0);
}

static void read_sampler(struct arena *arena, struct tracing_settings *settings)
{
    const char *name = read_variable(arena, OTEL_SAMPLER);
    const struct text argument = text_of(read_variable(arena, OTEL_SAMPLER_ARG));
    ASSERT(sampler_parse(text_of(OTEL_VARIABLES[OTEL_SAMPLER].default_value), TEXT_NONE,
                         &settings->sampler));
    if (name == NULL || sampler_parse(text_of(name), argument, &settings->sampler))
        return;
    if (sampler_parse(text_of(name), TEXT_NONE, &settings->sampler))
        ignore(settings, OTEL_SAMPLER_ARG, "not a ratio from 0 to 1");
    else
        ignore(settings, OTEL_SAMPLER, "no sampler is called so");
}

static void read_manner(struct arena *arena, struct tracing_settings *settings)
{
    const char *headers = read_variable(arena, OTEL_HEADERS);
    const char *compression = read_variable(arena, OTEL_COMPRESSION);
    if (!otel_pairs_parse(arena, text_of(headers), settings->headers, &settings->header_count))
        ignore(settings, OTEL_HEADERS, "not a list of name=value, percent-encoded");
    if (compression != NULL && strcmp(compression, "gzip") != 0 && strcmp(compression, "none") != 0)
        ignore(settings, OTEL_COMPRESSION, "neither gzip nor none");
    settings->uses_gzip = compression == NULL || strcmp(compression, "none") != 0;
    settings->certificate_file = read_variable(arena, OTEL_CERTIFICATE);
    settings->timeout_ms =
        read_number(arena, settings, OTEL_TIMEOUT, (struct range){1, TIMEOUT_MS_MAX});
    settings->queue_size_max =
        read_number(arena, settings, OTEL_QUEUE_SIZE, (struct range){1, QUEUE_SIZE_MAX});
    settings->batch_size_max =
        read_number(arena, settings, OTEL_BATCH_SIZE, (struct range){1, BATCH_SIZE_MAX});
    settings->delay_ms = read_number(arena, settings, OTEL_DELAY, (struct range){1, DELAY_MS_MAX});
    if (settings->batch_size_max > settings->queue_size_max)
        settings->batch_size_max = settings->queue_size_max;
}

void tracing_settings_read(struct arena *arena, const char *service,
                           struct tracing_settings *settings_out)
{
    struct tracing_settings *settings = settings_out;
    memset(settings, 0, sizeof *settings);
    const bool off = is_off(arena, settings);
    settings->url = read_url(arena, settings);
    read_sampler(arena, settings);
    read_manner(arena, settings);
    read_resource(arena, service, settings);
    if (off)
        settings->url = NULL;
}
