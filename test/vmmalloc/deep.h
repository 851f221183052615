/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * deep.h -- what object_deep.c exports, as `deep`
 */
#ifndef VMMALLOC_DEEP_H
#define VMMALLOC_DEEP_H

#include <stddef.h>
#include <stdio.h>

struct deep {
	void *(*alloc)(size_t);
	void *(*resize)(void *, size_t);
	void (*release)(void *);
	char *(*copy)(const char *);
	char *(*printed)(int);
	char *(*line_of)(FILE *);
	void *(*open_beside)(const char *, int); /* by its own run path */
};

extern const struct deep deep;

#endif
