#include "load/template.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAME_SIZE_MAX = 64 };

/* ---- random numbers: xoroshiro128+, seeded by splitmix64 ---------------------------------------
 */

static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t generator_draw(struct generator *generator)
{
    const uint64_t a = generator->random[0];
    const uint64_t b = generator->random[1] ^ a;
    const uint64_t drawn = a + generator->random[1];
    generator->random[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
    generator->random[1] = (b << 37) | (b >> 27);
    return drawn;
}

void generator_init(struct generator *generator, uint64_t seed, uint64_t first_sequence)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t second = (uint64_t)now.tv_sec;
    if (seed == 0)
        seed = (uint64_t)now.tv_nsec ^ (second << 20) ^ ((uint64_t)getpid() << 44);
    *generator = (struct generator){.sequence = first_sequence};
    generator->random[0] = split_mix(&seed);
    generator->random[1] = split_mix(&seed);
    snprintf(generator->run, sizeof generator->run, "%" PRIx64 "%" PRIx64, second,
             generator_draw(generator) & 0xffffff);
}

/* ---- variables -------------------------------------------------------------------------------
 */

static uint64_t draw_between(struct generator *generator, uint64_t first, uint64_t last)
{
    return first + generator_draw(generator) % (last - first + 1);
}

/* Each half of what is left as often as all beyond it: few values are common, most are rare. */
static uint64_t draw_skewed(struct generator *generator, uint64_t first, uint64_t last)
{
    const uint64_t span = last - first + 1;
    const unsigned bits = 64 - (unsigned)__builtin_clzll(span);
    const uint64_t part = span >> (generator_draw(generator) % bits);
    return first + generator_draw(generator) % part;
}

static void print_uuid(struct generator *generator, char *out, size_t size)
{
    const uint64_t high = (generator_draw(generator) & ~(uint64_t)0xf000) | 0x4000;
    const uint64_t low = (generator_draw(generator) & 0x3fffffffffffffffu) | 0x8000000000000000u;
    snprintf(out, size, "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
             high >> 32, (high >> 16) & 0xffff, high & 0xffff, low >> 48, low & 0xffffffffffffu);
}

static bool read_range(const char *name, const char *kind, uint64_t *first, uint64_t *last)
{
    const size_t size = strlen(kind);
    char *end = NULL;
    if (strncmp(name, kind, size) != 0 || name[size] != ':')
        return false;
    *first = strtoull(name + size + 1, &end, 10);
    if (*end != ':')
        return false;
    *last = strtoull(end + 1, &end, 10);
    return *end == '\0' && *first <= *last;
}

static void print_value(struct generator *generator, const char *name, char *out, size_t size)
{
    uint64_t first = 0, last = 0;
    if (strcmp(name, "seq") == 0)
        snprintf(out, size, "%" PRIu64, generator->sequence);
    else if (strcmp(name, "item") == 0)
        snprintf(out, size, "%" PRIu64, generator->item++);
    else if (strcmp(name, "run") == 0)
        snprintf(out, size, "%s", generator->run);
    else if (strcmp(name, "uuid") == 0)
        print_uuid(generator, out, size);
    else if (read_range(name, "rand", &first, &last))
        snprintf(out, size, "%" PRIu64, draw_between(generator, first, last));
    else if (read_range(name, "skew", &first, &last))
        snprintf(out, size, "%" PRIu64, draw_skewed(generator, first, last));
    else if (name[0] >= 'A' && name[0] <= 'Z' && name[1] == '\0')
        snprintf(out, size, "%s", generator->saved[name[0] - 'A']);
    else
        die("unknown variable %%{%s}", name);
}

/* `K=rand:1:9` saves what it prints; `K` alone prints it again. */
static void add_value(struct generator *generator, const char *name, struct buffer *out)
{
    char value[sizeof generator->saved[0]];
    const bool saves = name[0] >= 'A' && name[0] <= 'Z' && name[1] == '=';
    print_value(generator, saves ? name + 2 : name, value, sizeof value);
    if (saves)
        memcpy(generator->saved[name[0] - 'A'], value, sizeof value);
    buffer_add_text(out, value);
}

/* ---- templates -------------------------------------------------------------------------------
 */

static void expand(struct generator *generator, const char *at, const char *end,
                   struct buffer *out);

/* Behind `%{rep:N}`: N times what comes before `%{end}`, joined by commas. Gives what follows. */
static const char *expand_repeated(struct generator *generator, const char *at, uint64_t times,
                                   struct buffer *out)
{
    static const char END[] = "%{end}";
    const char *const end = strstr(at, END);
    if (end == NULL)
        die("%%{rep:N} without %s", END);
    for (uint64_t n = 0; n < times; n++) {
        if (n > 0)
            buffer_add_text(out, ",");
        expand(generator, at, end, out);
    }
    return end + strlen(END);
}

static void expand(struct generator *generator, const char *at, const char *end, struct buffer *out)
{
    for (;;) {
        const char *const open = memmem(at, (size_t)(end - at), "%{", 2);
        buffer_add(out, at, (size_t)((open == NULL ? end : open) - at));
        if (open == NULL)
            return;
        const char *const close = memchr(open, '}', (size_t)(end - open));
        char name[NAME_SIZE_MAX];
        if (close == NULL || close - open - 2 >= NAME_SIZE_MAX)
            die("a variable in '%s' does not end", open);
        snprintf(name, sizeof name, "%.*s", (int)(close - open - 2), open + 2);
        if (strncmp(name, "rep:", 4) == 0) {
            at = expand_repeated(generator, close + 1, strtoull(name + 4, NULL, 10), out);
        } else {
            add_value(generator, name, out);
            at = close + 1;
        }
    }
}

void template_expand(struct generator *generator, const char *template, struct buffer *out)
{
    expand(generator, template, template + strlen(template), out);
}
