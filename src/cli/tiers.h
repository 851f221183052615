/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tiers.h -- the text of VMMALLOC_TIERS
 */
#ifndef CLI_TIERS_H
#define CLI_TIERS_H

/*
 * tiers_check -- whether the heap can be spread as a list of tiers says
 *
 * A list, separated by commas, of NAME:KIND, NAME:KIND:SIZE, and KEY=VALUE;
 * there must be a tier in it.  A tier's directory or device is looked at as
 * place.h does.  Returns 0, or the exit status after saying what is wrong: the
 * preload library would end the program.
 */
int tiers_check(const char *text);

#endif
