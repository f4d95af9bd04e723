/* base/utf8.h - is this text well-formed UTF-8? And one character of it.
 *
 * Purpose:   what crosses the door is checked once, strictly (Unicode, table 3-7): no overlong
 *            forms, no surrogates, nothing above U+10FFFF.
 * Units:     bytes.
 * Ownership: values.
 * Errors:    a size of 0.
 * Threads:   values. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/text.h"

enum { UTF8_SIZE_MAX = 4 };

/* The size of the character that `t` begins with: 1 to 4, or 0 where it is not well-formed. */
size_t utf8_character_size(struct text t);
bool utf8_is_valid(struct text t);
/* As much of `t` as fits into size_max bytes without cutting a character. */
struct text utf8_clip(struct text t, size_t size_max);
/* Writes a character by its number, at most 0x10ffff and no half of a pair; says its size. */
size_t utf8_write(unsigned character, char out[static UTF8_SIZE_MAX]);

#endif
