/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lifetime.cpp -- lifetime_main.h, to be preloaded into
 */
#include "lifetime_main.h"

int
main(int argc, char *argv[])
{
	return lifetime(argc, argv);
}
