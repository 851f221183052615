/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * size.h -- numbers of bytes as people write them
 */
#ifndef CLI_SIZE_H
#define CLI_SIZE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * size_parse -- the bytes that a text of `len` characters means
 *
 * Decimal digits, then nothing or K, M, G, T (also small), and after these
 * nothing or "iB": powers of 1024.  False for any other text, and for what is
 * too much for an object of C.
 */
bool size_parse(const char *text, size_t len, size_t *ret_size);

#endif
