/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * object_lifetime.cpp -- a C++ library, preloaded or opened
 */
#include "lifetime.h"

extern "C" void object_use();

extern "C" void
object_use()
{
	CHECK(registered == 0);
	of_thread.use();
	never_deleted->use();
}
