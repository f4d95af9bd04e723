/* load/template.h - paths, headers and bodies with variables, expanded anew for each request.
 *
 * Units:     the variables are those of README.md.
 * Ownership: a plain struct of the caller's.
 * Errors:    a template that is wrong ends the program and says so.
 * Threads:   the driver has one. */
#ifndef LOAD_TEMPLATE_H
#define LOAD_TEMPLATE_H

#include "load/buffer.h"

#include <stdint.h>

struct generator {
    uint64_t random[2];
    uint64_t sequence; /* of the request */
    uint64_t item;     /* of the item, over all requests */
    char run[24];      /* differs from run to run */
    char saved[26][48];
};

/* Seed 0 takes one from the time. */
void generator_init(struct generator *generator, uint64_t seed, uint64_t first_sequence);
uint64_t generator_draw(struct generator *generator);

void template_expand(struct generator *generator, const char *template, struct buffer *out);

#endif
