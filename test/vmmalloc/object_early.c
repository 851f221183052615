/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * object_early.c -- a library with a constructor
 */
#include "early.h"
