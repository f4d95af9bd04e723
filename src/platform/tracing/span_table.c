#include "platform/tracing/span_table.h"

#include "base/assert.h"
#include "platform/tracing/tracing_settings.h"

#define SPAN_TYPE_ROW(symbol, kind_, word_, name_, from_, says_)                                   \
    [symbol] = {SPAN_##kind_, word_, name_, from_, says_},
const struct span_type_row SPAN_TYPES[SPAN_TYPE_COUNT] = {SPAN_ROWS(SPAN_TYPE_ROW)};

#define SPAN_ATTRIBUTE_ROW(symbol, name_, says_) [symbol] = {name_, says_},
const struct span_attribute_row SPAN_ATTRIBUTES[ATTRIBUTE_COUNT] = {
    SPAN_ATTRIBUTE_ROWS(SPAN_ATTRIBUTE_ROW)};

static const char *kind_name(enum span_kind kind)
{
    static const char *const NAMES[] = {
        [SPAN_INTERNAL] = "internal", [SPAN_SERVER] = "server",     [SPAN_CLIENT] = "client",
        [SPAN_PRODUCER] = "producer", [SPAN_CONSUMER] = "consumer",
    };
    return NAMES[kind];
}

void span_table_write_reference(struct text_builder *out)
{
    text_builder_add_c(out, "# Traces\n\n"
                            "Written by `tools/gen_docs`; do not edit. What the services send to "
                            "an OpenTelemetry collector;\n[the guide](../guides/tracing.md) shows "
                            "how to look at it.\n"
                            "\n## Spans\n\n| name | kind | from | what it is |\n"
                            "| --- | --- | --- | --- |\n");
    for (size_t at = 0; at < SPAN_TYPE_COUNT; at++) {
        const struct span_type_row *row = &SPAN_TYPES[at];
        text_builder_add_format(out, "| %s | %s | %s | %s |\n", row->name, kind_name(row->kind),
                                row->from, row->says);
    }
    text_builder_add_c(out, "\n## Attributes\n\n| attribute | what it says |\n| --- | --- |\n");
    for (size_t at = ATTRIBUTE_NONE + 1; at < ATTRIBUTE_COUNT; at++)
        text_builder_add_format(out, "| `%s` | %s |\n", SPAN_ATTRIBUTES[at].name,
                                SPAN_ATTRIBUTES[at].says);
    text_builder_add_c(out, "\n## Settings\n\n"
                            "Read from the environment by every service, by the standard's names. "
                            "What `OTEL_EXPORTER_OTLP_...` says,\n`OTEL_EXPORTER_OTLP_TRACES_...` "
                            "can say for traces alone. A value that means nothing is logged and "
                            "ignored.\n\n| variable | default | what it is |\n"
                            "| --- | --- | --- |\n");
    for (size_t at = 0; at < OTEL_VARIABLE_COUNT; at++) {
        const struct otel_variable_row *row = &OTEL_VARIABLES[at];
        const char *quote = row->default_value[0] == '\0' ? "" : "`";
        text_builder_add_format(out, "| `%s` | %s%s%s | %s |\n", row->name, quote,
                                row->default_value, quote, row->says);
    }
}
