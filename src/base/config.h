/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h -- settings from the environment
 *
 * VMEM_OPTIONS is a list of NAME=VALUE, separated by commas:
 *
 *	hardening  0 believe every pointer that is freed, 1 the default,
 *		   2 find every double free at once
 *	decay      milliseconds after which unused pages are given back;
 *		   0 at once, -1 never
 *	sparse     1: take memory or disk space as it is used
 *	prefault   1: bring into memory all that is reserved
 *	huge       1: ask for huge pages, -1: do not, 0: where they pay
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
	int huge; /* -1 to 1 */
};

#define CONFIG_DEFAULT_HARDENING 1
#define CONFIG_MAX_HARDENING     2

/* config_read -- change what VMEM_OPTIONS names */
void config_read(struct config *c);

/* config_parse -- the same from a text, which may be NULL */
void config_parse(struct config *c, const char *text);

#endif
