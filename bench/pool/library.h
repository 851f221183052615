/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * library.h -- load other allocators' libraries
 */
#ifndef BENCH_LIBRARY_H
#define BENCH_LIBRARY_H

#include <stddef.h>

/*
 * library_make_room -- start the program anew, once, with room for what the
 * libraries keep in static thread-local storage
 *
 * The C library reads how much there may be when a program starts.
 */
void library_make_room(char **argv);

/* one function that is wanted; `place` is a function pointer of its type */
struct library_function {
	const char *name;
	void *place;
};

/*
 * library_load -- load a library privately and look up functions, until a NULL
 * name
 *
 * Returns NULL, or why not: a text that stays.
 */
const char *library_load(
	const char *file, const struct library_function *functions);

#endif
