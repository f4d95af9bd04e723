#include "load/options.h"

#include "load/buffer.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option NAMES[] = {
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"path", required_argument, NULL, 'u'},
    {"method", required_argument, NULL, 'm'},
    {"header", required_argument, NULL, 'H'},
    {"body", required_argument, NULL, 'b'},
    {"connections", required_argument, NULL, 'c'},
    {"duration-ms", required_argument, NULL, 'd'},
    {"warmup-ms", required_argument, NULL, 'w'},
    {"patience-ms", required_argument, NULL, 't'},
    {"requests", required_argument, NULL, 'n'},
    {"items", required_argument, NULL, 'i'},
    {"rate", required_argument, NULL, 'r'},
    {"replay-percent", required_argument, NULL, 'R'},
    {"ok", required_argument, NULL, 'o'},
    {"need", required_argument, NULL, 'x'},
    {"watch", required_argument, NULL, 'W'},
    {"seed", required_argument, NULL, 'S'},
    {"first-sequence", required_argument, NULL, 's'},
    {"samples", required_argument, NULL, 'v'},
    {"label", required_argument, NULL, 'l'},
    {"json", no_argument, NULL, 'j'},
    {NULL, 0, NULL, 0},
};
static const char LETTERS[] = "h:p:u:m:H:b:c:d:w:t:n:i:r:R:o:x:W:S:s:v:l:j";

static int64_t read_number(const char *text, int64_t least)
{
    char *end = NULL;
    const long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || number < least)
        die("'%s' is no whole number of at least %lld", text, (long long)least);
    return number;
}

/* `200,201` */
static void read_statuses(struct options *options, const char *text)
{
    memset(options->is_ok, 0, sizeof options->is_ok);
    char *end = NULL;
    do {
        const long status = strtol(text, &end, 10);
        if (end == text || status < 100 || status >= STATUS_MAX || (*end != ',' && *end != '\0'))
            die("'%s' is no list of statuses", text);
        options->is_ok[status] = true;
        text = end + 1;
    } while (*end == ',');
}

/* `gateway=1234` */
static void read_watched(struct options *options, const char *text)
{
    const char *const equals = strchr(text, '=');
    if (equals == NULL || options->watched_count == WATCHED_MAX)
        die("--watch takes NAME=PID, at most %d times", WATCHED_MAX);
    struct watched *watched = &options->watched[options->watched_count++];
    snprintf(watched->name, sizeof watched->name, "%.*s", (int)(equals - text), text);
    watched->pid = (pid_t)read_number(equals + 1, 1);
}

static const char *read_body(const char *text)
{
    if (text[0] != '@')
        return text;
    static struct buffer body;
    char part[4096];
    FILE *const file = fopen(text + 1, "re");
    if (file == NULL)
        die("cannot read '%s'", text + 1);
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;)
        buffer_add(&body, part, size);
    fclose(file);
    return body.data == NULL ? "" : body.data;
}

static void add_header(struct options *options, const char *header)
{
    if (options->header_count == HEADERS_MAX)
        die("at most %d headers", HEADERS_MAX);
    options->headers[options->header_count++] = header;
}

static int64_t *number_of(struct options *options, int letter)
{
    switch (letter) {
    case 'd':
        return &options->duration_ms;
    case 'w':
        return &options->warmup_ms;
    case 't':
        return &options->patience_ms;
    case 'n':
        return &options->requests_max;
    case 'i':
        return &options->items;
    case 'r':
        return &options->rate_per_s;
    case 'R':
        return &options->replay_percent;
    case 'S':
        return &options->seed;
    case 's':
        return &options->first_sequence;
    case 'v':
        return &options->samples;
    default:
        return NULL;
    }
}

static const char **text_of(struct options *options, int letter)
{
    switch (letter) {
    case 'h':
        return &options->host;
    case 'u':
        return &options->path;
    case 'm':
        return &options->method;
    case 'x':
        return &options->needed;
    case 'l':
        return &options->label;
    default:
        return NULL;
    }
}

static void read_special(struct options *options, int letter, const char *value)
{
    if (letter == 'p')
        options->port = (int)read_number(value, 1);
    else if (letter == 'c')
        options->connections = (int)read_number(value, 1);
    else if (letter == 'H')
        add_header(options, value);
    else if (letter == 'b')
        options->body = read_body(value);
    else if (letter == 'o')
        read_statuses(options, value);
    else if (letter == 'W')
        read_watched(options, value);
    else if (letter == 'j')
        options->as_json = true;
    else
        die("see bench/load/README.md for the options");
}

static void find_address(struct options *options)
{
    if (options->path == NULL || options->port == 0)
        die("--port and --path are needed; see bench/load/README.md");
    options->address.sin_family = AF_INET;
    options->address.sin_port = htons((uint16_t)options->port);
    if (inet_pton(AF_INET, options->host, &options->address.sin_addr) != 1)
        die("'%s' is no IPv4 address", options->host);
}

void options_read(struct options *options, int argc, char **argv)
{
    *options = (struct options){
        .host = "127.0.0.1",
        .method = "POST",
        .label = "",
        .connections = 1,
        .duration_ms = 10000,
        .patience_ms = 60000,
        .items = 1,
        .first_sequence = 1,
        .samples = 3,
    };
    read_statuses(options, "200,201,202");
    for (int letter; (letter = getopt_long(argc, argv, LETTERS, NAMES, NULL)) != -1;) {
        int64_t *const number = number_of(options, letter);
        const char **const text = text_of(options, letter);
        if (number != NULL)
            *number = read_number(optarg, 0);
        else if (text != NULL)
            *text = optarg;
        else
            read_special(options, letter, optarg);
    }
    find_address(options);
}
