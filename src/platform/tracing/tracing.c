/* One recorder for each process, as there is one log. Everything of it is set before `is_on` is, so
 * that whoever sees that sees the rest. */
#include "platform/tracing/tracing.h"

#include "base/arena.h"
#include "base/assert.h"
#include "platform/clock.h"
#include "platform/log/log.h"
#include "platform/tracing/exporter.h"
#include "platform/tracing/tracing_metrics.h"

#include <stdatomic.h>

/* The wall clock may be set while we run; below this it only drifts, as the other one does. */
enum { CLOCK_STEP_US = 1000 };

static const size_t SETTINGS_SIZE_MAX = 256 * 1024;

static struct {
    atomic_bool is_on;
    atomic_int_least64_t offset_us; /* wall clock less monotonic clock */
    struct sampler sampler;
    struct tracing_settings settings;
    struct arena *arena;
    struct span_queue *queue;
    struct exporter *exporter;
} tracing = {.sampler = {.obeys_caller = true, .billionths = SAMPLER_BILLIONTHS}};

/* ---- attributes ------------------------------------------------------------------------------ */

struct span_attribute span_text(enum span_attribute_key key, struct text value)
{
    return (struct span_attribute){
        .key = key, .kind = text_is_none(value) ? SPAN_VALUE_NONE : SPAN_VALUE_TEXT, .text = value};
}

struct span_attribute span_str(enum span_attribute_key key, const char *value)
{
    return span_text(key, text_of(value));
}

struct span_attribute span_i64(enum span_attribute_key key, int64_t value)
{
    return (struct span_attribute){.key = key, .kind = SPAN_VALUE_I64, .number = value};
}

struct span_attribute span_bool(enum span_attribute_key key, bool value)
{
    return (struct span_attribute){.key = key, .kind = SPAN_VALUE_BOOL, .number = value};
}

struct span_attribute span_uuid(enum span_attribute_key key, const struct uuid *value)
{
    struct span_attribute attribute = {.key = key};
    if (uuid_is_nil(value))
        return attribute;
    attribute.kind = SPAN_VALUE_TEXT;
    uuid_format(value, attribute.digits);
    return attribute;
}

struct span_attribute span_if(bool is_said, struct span_attribute attribute)
{
    if (!is_said)
        attribute.kind = SPAN_VALUE_NONE;
    return attribute;
}

/* ---- recording ------------------------------------------------------------------------------- */

bool tracing_is_on(void)
{
    return atomic_load_explicit(&tracing.is_on, memory_order_acquire);
}

bool tracing_wants(const struct trace_context *context)
{
    return tracing_is_on() && context->sampled;
}

/* The same for all spans, so that a child never seems to begin before its parent. */
static int64_t offset_us(void)
{
    const int64_t known_us = atomic_load_explicit(&tracing.offset_us, memory_order_relaxed);
    const int64_t now_us = clock_realtime_us() - clock_monotonic_us();
    if (now_us - known_us < CLOCK_STEP_US && known_us - now_us < CLOCK_STEP_US)
        return known_us;
    atomic_store_explicit(&tracing.offset_us, now_us, memory_order_relaxed);
    return now_us;
}

void tracing_record(const struct span *span)
{
    if (!tracing_wants(&span->context))
        return;
    _Alignas(16) char memory[SPAN_RECORD_SIZE_MAX];
    struct span ended = *span;
    if (ended.ended_us == 0)
        ended.ended_us = clock_monotonic_us();
    const struct span_record *record = span_record_write(memory, &ended, offset_us());
    const bool has_room = span_queue_put(tracing.queue, record);
    metric_count(&METRIC_SPANS_PROCESSED, has_room          ? SPAN_QUEUED
                                          : tracing_is_on() ? SPAN_NO_ROOM
                                                            : SPAN_TOO_LATE);
}

/* ---- who is traced --------------------------------------------------------------------------- */

static bool is_sampled(const struct trace_context *context, const bool *caller_sampled)
{
    return sampler_wants(&tracing.sampler, (struct text){context->trace_id, TRACE_ID_SIZE},
                         caller_sampled);
}

struct trace_context tracing_begin(void)
{
    struct trace_context context = trace_context_make();
    context.sampled = is_sampled(&context, NULL);
    return context;
}

struct trace_context tracing_continue(const struct trace_context *parent)
{
    return parent->trace_id[0] == '\0' ? tracing_begin() : trace_context_child(parent);
}

struct trace_context tracing_accept(const struct trace_context *caller)
{
    struct trace_context context = trace_context_child(caller);
    context.sampled = is_sampled(&context, &caller->sampled);
    return context;
}

struct trace_context tracing_resume(struct text trace_id)
{
    struct trace_context context = trace_context_make();
    if (trace_id.size == TRACE_ID_SIZE)
        memcpy(context.trace_id, trace_id.data, TRACE_ID_SIZE);
    context.sampled = is_sampled(&context, NULL);
    return context;
}

/* ---- many at once ---------------------------------------------------------------------------- */

void span_group_add(struct span_group *group, const struct trace_context *member)
{
    if (!tracing_wants(member))
        return;
    if (group->count < COUNT(group->members))
        group->members[group->count] = *member;
    group->count++;
}

struct trace_context span_group_context(const struct span_group *group)
{
    if (group->count == 0)
        return (struct trace_context){.sampled = false};
    return trace_context_child(&group->members[0]);
}

void span_group_apply(const struct span_group *group, struct span *span)
{
    if (group->count == 0)
        return;
    memcpy(span->parent_id, group->members[0].span_id, sizeof span->parent_id);
    span->links = group->members + 1;
    span->link_count = group->count - 1;
}

/* ---- start and stop -------------------------------------------------------------------------- */

static void tell_ignored(const struct tracing_settings *settings)
{
    for (size_t at = 0; at < settings->ignored_count; at++)
        log_warning(NULL, "tracing.setting_ignored",
                    "a setting of tracing means nothing here; its default is taken",
                    kv_str("variable", settings->ignored[at].variable),
                    kv_str("why", settings->ignored[at].why));
}

void tracing_start(const char *service)
{
    struct tracing_settings *settings = &tracing.settings;
    ASSERT(tracing.arena == NULL);
    tracing.arena = arena_new(SETTINGS_SIZE_MAX);
    tracing_settings_read(tracing.arena, service, settings);
    tracing.sampler = settings->sampler;
    tell_ignored(settings);
    if (settings->url == NULL)
        return;
    const char *scope = text_format(tracing.arena, "tallystick.%s", service).data;
    atomic_store(&tracing.offset_us, clock_realtime_us() - clock_monotonic_us());
    tracing.queue =
        span_queue_new((size_t)settings->queue_size_max, (size_t)settings->batch_size_max);
    tracing.exporter = exporter_start(settings, scope, tracing.queue);
    metric_set(&METRIC_SPAN_QUEUE_CAPACITY, 0, settings->queue_size_max);
    atomic_store_explicit(&tracing.is_on, true, memory_order_release);
    log_info(NULL, "tracing.started", "spans are sent to a collector",
             kv_str("url", settings->url));
}

/* The queue stays: a thread that is late may still put a span into it, and is told it is closed. */
void tracing_stop(int64_t wait_ms)
{
    if (!tracing_is_on())
        return;
    atomic_store_explicit(&tracing.is_on, false, memory_order_release);
    exporter_stop(tracing.exporter, wait_ms);
    tracing.exporter = NULL;
}
