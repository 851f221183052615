/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * auto_profile.h -- profiles that the environment asks for
 *
 * VMEM_PROFILE=MEAN[:FILE] begins a profile of every pool that is created. When
 * the pool is deleted, or the process ends before that, what is live in it is
 * written to FILE, in whose name %p is the process and %n counts the files.
 */
#ifndef LIBVMEM_AUTO_PROFILE_H
#define LIBVMEM_AUTO_PROFILE_H

/* auto_profile_init -- read the variable; once */
void auto_profile_init(void);

/* auto_profile_begin -- of a new pool, or NULL */
void auto_profile_begin(void *handle);

/* auto_profile_end -- the pool is about to be deleted */
void auto_profile_end(void *handle);

#endif
