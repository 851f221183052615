/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tiers.h -- the text of VMMALLOC_TIERS
 */
#ifndef CLI_TIERS_H
#define CLI_TIERS_H

/*
 * tiers_check -- whether a list of tiers is written as it should be
 *
 * A list, separated by commas, of NAME:KIND, NAME:KIND:SIZE, and KEY=VALUE;
 * there must be a tier in it.  What kinds and keys there are is left to the
 * preload library.  Returns 0, or the exit status after saying what is wrong.
 */
int tiers_check(const char *list);

#endif
