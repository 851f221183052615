/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * config.h -- settings from the environment
 *
 * VMEM_OPTIONS is a list of NAME=VALUE, separated by commas:
 *
 *	hardening  0 believe every pointer that is freed, 1 the default,
 *		   2 find every double free at once
 *
 * Unknown names and values out of their range are ignored.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

struct config {
	unsigned hardening; /* 0 to CONFIG_MAX_HARDENING */
};

#define CONFIG_DEFAULT_HARDENING 1u
#define CONFIG_MAX_HARDENING     2u

/* config_read -- the settings for a new pool */
struct config config_read(void);

/* config_parse -- the same from a text, which may be NULL */
struct config config_parse(const char *text);

#endif
