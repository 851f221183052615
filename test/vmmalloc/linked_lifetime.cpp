/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * linked_lifetime.cpp -- lifetime_main.h, linked with the library
 */
#include "lifetime_main.h"

int
main(int argc, char *argv[])
{
	return lifetime(argc, argv);
}
