/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmmalloc.h -- the whole heap of a process in a memory pool
 *
 * The library takes the place of malloc and its family, by
 *
 *	LD_PRELOAD=libvmmalloc.so.1 VMMALLOC_POOL_DIR=/mnt/cxl \
 *	VMMALLOC_POOL_SIZE=8G program ...
 *
 * or linked with -lvmmalloc.  It has no functions of its own: these are those
 * of <stdlib.h> and <malloc.h>, and of C23 free_sized() and
 * free_aligned_sized().
 *
 * Source  libvmmalloc(7) of libvmem 1.x.
 */
#ifndef LIBVMMALLOC_H
#define LIBVMMALLOC_H 1

#include <stddef.h>

#define VMMALLOC_MAJOR_VERSION 1
#define VMMALLOC_MINOR_VERSION 2

/* the smallest pool, in bytes */
#ifdef __cplusplus
#define VMMALLOC_MIN_POOL (static_cast<size_t>(1024 * 1024 * 14))
#else
#define VMMALLOC_MIN_POOL ((size_t)(1024 * 1024 * 14))
#endif

#endif
