/* platform/tracing/exporter.h - the thread that brings spans to the collector.
 *
 * Purpose:   takes what waits in the queue, batch by batch; asks again where that may help (no
 *            answer, 429, 502, 503, 504), after the pause that the collector asked for or one that
 *            grows; gives a batch up after a few tries, and counts.
 * Units:     milliseconds.
 * Ownership: the settings and the queue outlive the exporter, which owns thread and connection.
 * Errors:    none to the caller: what fails is counted, and logged when it begins and when it ends.
 * Threads:   start and stop on the main thread. */
#ifndef PLATFORM_TRACING_EXPORTER_H
#define PLATFORM_TRACING_EXPORTER_H

#include "platform/tracing/span_queue.h"
#include "platform/tracing/tracing_settings.h"

struct exporter;

struct exporter *exporter_start(const struct tracing_settings *settings, const char *scope,
                                struct span_queue *queue);
/* Closes the queue, sends what is left in it for at most wait_ms, frees. */
void exporter_stop(struct exporter *exporter, int64_t wait_ms);

#endif
