/* load/options.h - what the driver is told on its command line.
 *
 * Units:     in the names; probabilities in per cent.
 * Ownership: texts are those of the command line, or live as long as the program.
 * Errors:    what is wrong ends the program with exit code 2 and says so.
 * Threads:   the driver has one. */
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { HEADERS_MAX = 32, WATCHED_MAX = 16, STATUS_MAX = 600 };

struct watched {
    char name[32];
    pid_t pid;
};

struct options {
    struct sockaddr_in address;
    const char *host;
    const char *method, *path, *body; /* templates, but the method */
    const char *headers[HEADERS_MAX];
    int header_count;
    int port, connections;
    int64_t duration_ms, warmup_ms, patience_ms;
    int64_t rate_per_s;   /* 0: each connection sends as soon as it was answered */
    int64_t requests_max; /* 0: as many as there is time for */
    int64_t items;        /* in each request */
    int64_t replay_percent;
    int64_t seed, first_sequence;
    int64_t samples; /* of refused bodies to be shown */
    bool is_ok[STATUS_MAX];
    const char *needed; /* in an ok body */
    const char *label;
    bool as_json;
    struct watched watched[WATCHED_MAX];
    int watched_count;
};

void options_read(struct options *options, int argc, char **argv);

#endif
