/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * static.c -- a program that loads no library, nor anything preloaded
 *
 * link: -static
 */
#include <stdlib.h>

#include "check.h"

int
main(void)
{
	free(strdup("text"));
	return 0;
}
