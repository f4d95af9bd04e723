/* base/hex.h - bytes as hex digits.
 *
 * Purpose:   ids and digests as text, both ways.
 * Units:     bytes; two digits for each.
 * Ownership: values.
 * Errors:    hex_parse says false, hex_digit_value -1.
 * Threads:   values. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include "base/text.h"

/* Writes 2 * size lower case digits, no NUL; returns the place after the last. */
char *hex_write(char *out, const uint8_t *bytes, size_t size);
/* 0 to 15 for a digit of either case, -1 for any other character. */
int hex_digit_value(char digit);
/* Exactly 2 * size digits of either case. False leaves *out undefined. */
bool hex_parse(struct text digits, uint8_t *out, size_t size);

#endif
