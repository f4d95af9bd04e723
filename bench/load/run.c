#include "load/run.h"

#include "load/buffer.h"
#include "load/connection.h"
#include "load/template.h"
#include "load/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

enum { EVENTS_MAX = 512, SAMPLE_SIZE_MAX = 400 };

static const uint64_t NS_PER_MS = 1000000, NS_PER_S = 1000000000, IDLE_NS = 100000000;

struct run {
    const struct options *options;
    struct result *result;
    struct generator generator;
    struct connection *connections;
    int poll;
    bool measures;
    uint64_t measured_from_ns, stop_ns, last_answer_ns;
    uint64_t next_due_ns; /* where requests come at a rate */
    uint64_t interval_ns; /* between them; 0: at no rate */
    uint64_t sent, under_way;
    int64_t samples_left;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* ---- usage: what was used before the measured time is subtracted --------------------------------
 */

static void read_usage(const struct options *options, struct result *out, int sign)
{
    out->own_cpu_ms += sign * usage_own_cpu_ms();
    out->machine_cpu_ms += sign * usage_machine_cpu_ms();
    for (int at = 0; at < options->watched_count; at++)
        out->watched_cpu_ms[at] += sign * usage_tree_cpu_ms(options->watched[at].pid);
}

static void begin_measuring(struct run *run)
{
    run->measures = true;
    *run->result = (struct result){0};
    read_usage(run->options, run->result, -1);
    run->measured_from_ns = now_ns();
}

static void end_measuring(struct run *run)
{
    const struct options *options = run->options;
    const bool all_answered = run->under_way == 0 && run->last_answer_ns > run->measured_from_ns;
    const uint64_t end_ns = all_answered ? run->last_answer_ns : now_ns();
    read_usage(options, run->result, 1);
    run->result->measured_ms = (int64_t)((end_ns - run->measured_from_ns) / NS_PER_MS);
    run->result->unanswered = run->under_way;
    for (int at = 0; at < options->watched_count; at++)
        run->result->watched_pss_kib[at] = usage_tree_pss_kib(options->watched[at].pid);
}

/* ---- sending -------------------------------------------------------------------------------- */

static void write_request(struct run *run, struct buffer *out)
{
    static struct buffer body;
    const struct options *options = run->options;
    char line[160];
    buffer_clear(out);
    buffer_clear(&body);
    buffer_add_text(out, options->method);
    buffer_add_text(out, " ");
    template_expand(&run->generator, options->path, out);
    snprintf(line, sizeof line, " HTTP/1.1\r\nHost: %s:%d\r\n", options->host, options->port);
    buffer_add_text(out, line);
    for (int at = 0; at < options->header_count; at++) {
        template_expand(&run->generator, options->headers[at], out);
        buffer_add_text(out, "\r\n");
    }
    if (options->body != NULL) {
        template_expand(&run->generator, options->body, &body);
        snprintf(line, sizeof line, "Content-Length: %zu\r\n", body.size);
        buffer_add_text(out, line);
    }
    buffer_add_text(out, "\r\n");
    buffer_add(out, body.size == 0 ? "" : body.data, body.size);
    run->generator.sequence++;
}

static bool may_send(const struct run *run, uint64_t now)
{
    const uint64_t sent_max = (uint64_t)run->options->requests_max;
    return now < run->stop_ns && (sent_max == 0 || run->sent < sent_max);
}

static void send_all_due(struct run *run, uint64_t now)
{
    for (int at = 0; at < run->options->connections && may_send(run, now); at++) {
        struct connection *connection = &run->connections[at];
        if (connection->is_busy)
            continue;
        if (run->interval_ns > 0 && now < run->next_due_ns)
            return;
        if (!connection->is_repeating)
            write_request(run, &connection->out);
        connection->since_ns = run->interval_ns > 0 ? run->next_due_ns : now_ns();
        run->next_due_ns += run->interval_ns;
        run->sent++;
        run->under_way++;
        connection_start(connection, run->poll);
    }
}

/* ---- answers -------------------------------------------------------------------------------- */

static void show_sample(struct run *run, const char *what, const struct connection *connection)
{
    const size_t size = connection_body_size(connection);
    if (run->samples_left == 0)
        return;
    run->samples_left--;
    fprintf(stderr, "load: %s (%d): %.*s\n", what, connection->status,
            (int)(size < SAMPLE_SIZE_MAX ? size : SAMPLE_SIZE_MAX), connection_body(connection));
}

static bool is_ok(const struct options *options, const struct connection *connection)
{
    return options->is_ok[connection->status] &&
           (options->needed == NULL ||
            memmem(connection_body(connection), connection_body_size(connection), options->needed,
                   strlen(options->needed)) != NULL);
}

/* After an answer the same bytes may go out again: the second body must be the first one's. */
static void repeat_or_compare(struct run *run, struct connection *connection)
{
    const char *const body = connection_body(connection);
    const size_t size = connection_body_size(connection);
    struct buffer *before = &connection->answer_before;
    if (connection->is_repeating) {
        const bool differs = before->size != size || memcmp(before->data, body, size) != 0;
        run->result->replays++;
        run->result->replays_differing += differs;
        if (differs)
            show_sample(run, "a replay differs", connection);
        connection->is_repeating = false;
        return;
    }
    const uint64_t drawn = run->options->replay_percent > 0 ? generator_draw(&run->generator) : 99;
    if (drawn % 100 >= (uint64_t)run->options->replay_percent)
        return;
    buffer_clear(before);
    buffer_add(before, body, size);
    connection->is_repeating = true;
}

static void count_answer(struct run *run, struct connection *connection)
{
    const bool ok = is_ok(run->options, connection);
    run->last_answer_ns = now_ns();
    run->under_way--;
    connection->is_busy = false;
    run->result->statuses[connection->status]++;
    const uint64_t took_us = (run->last_answer_ns - connection->since_ns) / 1000;
    if (ok) {
        run->result->ok++;
        histogram_add(&run->result->latency, took_us);
    } else {
        run->result->failed++;
        histogram_add(&run->result->refusal_latency, took_us);
        show_sample(run, "not ok", connection);
    }
    repeat_or_compare(run, connection);
}

static void count_broken(struct run *run, struct connection *connection)
{
    if (connection->is_busy) {
        run->result->broken++;
        run->result->failed++;
        run->under_way--;
    }
    connection->is_repeating = false;
}

static void handle(struct run *run, const struct epoll_event *event)
{
    struct connection *connection = event->data.ptr;
    const enum progress progress = connection_continue(connection, event->events, run->poll);
    if (progress == PROGRESS_WAIT)
        return;
    if (progress == PROGRESS_ANSWERED)
        count_answer(run, connection);
    else
        count_broken(run, connection);
    if (progress == PROGRESS_BROKEN || connection->closes)
        connection_reopen(connection, run->options, run->poll);
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void wait_for_events(struct run *run, bool sends)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t wait_ns = IDLE_NS;
    if (run->interval_ns > 0 && sends) {
        const uint64_t now = now_ns();
        const bool has_free = run->under_way < (uint64_t)run->options->connections;
        if (run->next_due_ns > now)
            wait_ns = run->next_due_ns - now;
        else
            wait_ns = has_free ? 0 : NS_PER_MS;
    }
    const struct timespec wait = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
                                  .tv_nsec = (long)(wait_ns % NS_PER_S)};
    const int count = epoll_pwait2(run->poll, events, EVENTS_MAX, &wait, NULL);
    for (int at = 0; at < count; at++)
        handle(run, &events[at]);
}

static void start(struct run *run)
{
    const struct options *options = run->options;
    const uint64_t now = now_ns();
    generator_init(&run->generator, (uint64_t)options->seed, (uint64_t)options->first_sequence);
    run->poll = epoll_create1(EPOLL_CLOEXEC);
    run->connections = calloc((size_t)options->connections, sizeof *run->connections);
    for (int at = 0; at < options->connections; at++)
        connection_open(&run->connections[at], options, run->poll);
    run->interval_ns = options->rate_per_s > 0 ? NS_PER_S / (uint64_t)options->rate_per_s : 0;
    run->next_due_ns = now;
    run->measured_from_ns = now + (uint64_t)options->warmup_ms * NS_PER_MS;
    run->stop_ns = run->measured_from_ns + (uint64_t)options->duration_ms * NS_PER_MS;
    run->samples_left = options->samples;
}

void run_load(const struct options *options, struct result *result_out)
{
    struct run run = {.options = options, .result = result_out};
    start(&run);
    const uint64_t patience_ns = (uint64_t)options->patience_ms * NS_PER_MS;
    for (;;) {
        const uint64_t now = now_ns();
        const bool sends = may_send(&run, now);
        if (!run.measures && now >= run.measured_from_ns)
            begin_measuring(&run);
        if (sends)
            send_all_due(&run, now);
        else if (run.under_way == 0 || now > run.stop_ns + patience_ns)
            break;
        wait_for_events(&run, sends);
    }
    end_measuring(&run);
}
