/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fuzz.h -- what the fuzz targets share: the input, and the way out
 *
 * A target is one LLVMFuzzerTestOneInput().  libFuzzer or AFL++ calls it, or
 * replay.c with the files of a corpus.  What must hold is said by `must`, also
 * in builds without assertions; a report begins with its line.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "libvmem.h"

/* must -- end the program unless `cond` holds */
#define must(cond)                                                             \
	((cond) ? (void)0                                                      \
		: (fprintf(stderr, "%s:%d: must: %s\nlast message: %s\n",      \
			   __FILE__, __LINE__, #cond, vmem_errormsg()),        \
			  abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* the bytes that are left; beyond the end there are zeroes */
struct input {
	const uint8_t *at, *end;
};

static inline uint8_t
input_u8(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* input_number -- of n bytes, the lowest first */
static inline uint64_t
input_number(struct input *in, unsigned n)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < n; i++)
		value |= (uint64_t)input_u8(in) << (8 * i);
	return value;
}

/* input_text -- all that is left, as a string; the caller frees it */
static inline char *
input_text(struct input *in)
{
	size_t n = (size_t)(in->end - in->at);
	char *text = malloc(n + 1);
	must(text != NULL);
	for (size_t i = 0; i < n; i++)
		text[i] = (char)in->at[i];
	text[n] = '\0';
	in->at = in->end;
	return text;
}

#endif
