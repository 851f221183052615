/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h -- settings from the environment
 *
 * VMEM_OPTIONS is a list of NAME=VALUE, separated by commas:
 *
 *	hardening  0 believe every pointer that is freed, 1 the default,
 *		   2 find every double free at once, 3 find writes beside and
 *		   after objects as well
 *	abort      1: end the process when misuse is found
 *	decay      milliseconds after which unused pages are given back;
 *		   0 at once, -1 never
 *	sparse     1: take memory or disk space as it is used
 *	prefault   1: bring into memory all that is reserved
 *	huge       1: ask for huge pages, -1: do not, 0: where they pay
 *	readahead  1: read a disk's pages in advance, and give space back in
 *		   larger pieces
 *
 * Unknown names and values out of their range are ignored, and named by the
 * thread's message.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

struct config {
	int hardening; /* 0 to CONFIG_MAX_HARDENING */
	int decay_ms;  /* -1 to INT_MAX */
	int sparse;    /* 0 or 1, as the rest */
	int prefault;
	int huge;      /* -1 to 1 */
	int readahead; /* 0 or 1 */
	int abort;     /* 0 or 1 */
};

#define CONFIG_DEFAULT_HARDENING 1
#define CONFIG_MAX_HARDENING     3

/* config_read -- change what VMEM_OPTIONS names */
void config_read(struct config *c);

/* config_parse -- the same from a text, which may be NULL */
void config_parse(struct config *c, const char *text);

/*
 * VMEM_GUARD is such a list too, or 0: tell memcheck and the address sanitizer
 * nothing.  What can be set is for the address sanitizer:
 *
 *	stacks    0: take no stacks of allocations and frees
 *	leaks     1: list what lives in a pool that is deleted, and at the end
 *	exitcode  the same, and end the process with that status then
 *	quarantine  KiB of freed objects that are kept for a while
 */
struct config_guard {
	int off; /* 0 or 1, as the next two */
	int stacks;
	int leaks;
	int exitcode;   /* 0 to 255; 0: as the program says */
	int quarantine; /* -1: as the library thinks */
};

void config_read_guard(struct config_guard *c);

#endif
