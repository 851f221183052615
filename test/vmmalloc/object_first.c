/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * object_first.c -- a library that asks to be initialized before all others,
 * as the preload library does; the loader gives that to one only
 *
 * link: -Wl,-z,initfirst
 */
#include "early.h"
