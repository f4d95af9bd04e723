#include "load/report.h"

#include <inttypes.h>
#include <stdio.h>

/* Thousandths, as a decimal number. */
#define MILLI       "%" PRId64 ".%03" PRId64
#define MILLI_OF(n) (int64_t)(n) / 1000, (int64_t)(n) % 1000

static int64_t per_second(uint64_t count, const struct result *result)
{
    return result->measured_ms > 0 ? (int64_t)count * 1000 / result->measured_ms : 0;
}

/* In thousandths of a second for each thousand items. */
static int64_t cpu_per_thousand(const struct options *options, const struct result *result,
                                int64_t cpu_ms)
{
    const int64_t items = (int64_t)result->ok * options->items;
    return items > 0 ? cpu_ms * 1000 / items : 0;
}

static int64_t disturbance_ms(const struct options *options, const struct result *result)
{
    int64_t others_ms = result->machine_cpu_ms - result->own_cpu_ms;
    for (int at = 0; at < options->watched_count; at++)
        others_ms -= result->watched_cpu_ms[at];
    return others_ms > 0 ? others_ms : 0;
}

static void print_json(const struct options *options, const struct result *result)
{
    const struct histogram *latency = &result->latency;
    printf("{\"label\":\"%s\",\"connections\":%d,\"seconds\":" MILLI, options->label,
           options->connections, MILLI_OF(result->measured_ms));
    printf(",\"ok\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"broken\":%" PRIu64
           ",\"unanswered\":%" PRIu64 ",\"ok_per_s\":%" PRId64 ",\"items_per_s\":%" PRId64,
           result->ok, result->failed, result->broken, result->unanswered,
           per_second(result->ok, result),
           per_second(result->ok * (uint64_t)options->items, result));
    printf(",\"mean_ms\":" MILLI ",\"p50_ms\":" MILLI ",\"p90_ms\":" MILLI ",\"p99_ms\":" MILLI
           ",\"p999_ms\":" MILLI ",\"max_ms\":" MILLI,
           MILLI_OF(histogram_mean_us(latency)), MILLI_OF(histogram_percentile_us(latency, 500)),
           MILLI_OF(histogram_percentile_us(latency, 900)),
           MILLI_OF(histogram_percentile_us(latency, 990)),
           MILLI_OF(histogram_percentile_us(latency, 999)), MILLI_OF(latency->max_us));
    const struct histogram *refusal = &result->refusal_latency;
    printf(",\"refusal_p50_ms\":" MILLI ",\"refusal_p99_ms\":" MILLI ",\"refusal_max_ms\":" MILLI,
           MILLI_OF(histogram_percentile_us(refusal, 500)),
           MILLI_OF(histogram_percentile_us(refusal, 990)), MILLI_OF(refusal->max_us));
    printf(",\"replays\":%" PRIu64 ",\"replays_differing\":%" PRIu64 ",\"statuses\":{",
           result->replays, result->replays_differing);
    const char *comma = "";
    for (int status = 0; status < STATUS_MAX; status++) {
        if (result->statuses[status] == 0)
            continue;
        printf("%s\"%d\":%" PRIu64, comma, status, result->statuses[status]);
        comma = ",";
    }
    printf("},\"cpu_s_per_1000\":{\"driver\":" MILLI,
           MILLI_OF(cpu_per_thousand(options, result, result->own_cpu_ms)));
    for (int at = 0; at < options->watched_count; at++)
        printf(",\"%s\":" MILLI, options->watched[at].name,
               MILLI_OF(cpu_per_thousand(options, result, result->watched_cpu_ms[at])));
    printf("},\"machine_cpu_ms\":%" PRId64 ",\"others_cpu_ms\":%" PRId64 ",\"pss_kib\":{",
           result->machine_cpu_ms, disturbance_ms(options, result));
    for (int at = 0; at < options->watched_count; at++)
        printf("%s\"%s\":%" PRId64, at == 0 ? "" : ",", options->watched[at].name,
               result->watched_pss_kib[at]);
    printf("}}\n");
}

static void print_counts(const struct options *options, const struct result *result)
{
    printf("%s %d connections, " MILLI " s: %" PRIu64 " ok, %" PRIu64 " failed (%" PRIu64
           " broken), %" PRIu64 " unanswered\n",
           options->label, options->connections, MILLI_OF(result->measured_ms), result->ok,
           result->failed, result->broken, result->unanswered);
    printf("  %" PRId64 " ok requests/s", per_second(result->ok, result));
    if (options->items > 1)
        printf(", %" PRId64 " items/s", per_second(result->ok * (uint64_t)options->items, result));
    if (options->replay_percent > 0)
        printf("\n  replays %" PRIu64 ", of which differing %" PRIu64, result->replays,
               result->replays_differing);
    printf("\n  statuses:");
    for (int status = 0; status < STATUS_MAX; status++)
        if (result->statuses[status] > 0)
            printf(" %d x %" PRIu64, status, result->statuses[status]);
    printf("\n");
}

static void print_text(const struct options *options, const struct result *result)
{
    const struct histogram *latency = &result->latency;
    print_counts(options, result);
    printf("  latency ms: mean " MILLI " p50 " MILLI " p90 " MILLI " p99 " MILLI " max " MILLI "\n",
           MILLI_OF(histogram_mean_us(latency)), MILLI_OF(histogram_percentile_us(latency, 500)),
           MILLI_OF(histogram_percentile_us(latency, 900)),
           MILLI_OF(histogram_percentile_us(latency, 990)), MILLI_OF(latency->max_us));
    printf("  CPU s per 1000 ok items: driver " MILLI,
           MILLI_OF(cpu_per_thousand(options, result, result->own_cpu_ms)));
    for (int at = 0; at < options->watched_count; at++)
        printf(", %s " MILLI, options->watched[at].name,
               MILLI_OF(cpu_per_thousand(options, result, result->watched_cpu_ms[at])));
    printf("\n  CPU s of the machine " MILLI ", of which neither driver nor watched " MILLI "\n",
           MILLI_OF(result->machine_cpu_ms), MILLI_OF(disturbance_ms(options, result)));
    for (int at = 0; at < options->watched_count; at++)
        printf("  memory of %s: %" PRId64 " KiB\n", options->watched[at].name,
               result->watched_pss_kib[at]);
}

void report_print(const struct options *options, const struct result *result)
{
    if (options->as_json)
        print_json(options, result);
    else
        print_text(options, result);
}
