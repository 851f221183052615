/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forks.h -- children that are made without libc's fork handlers
 */
#ifndef LIBVMMALLOC_FORKS_H
#define LIBVMMALLOC_FORKS_H

/* forks_init -- once, before main: find libc's functions */
void forks_init(void);

#endif
