/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scene.h -- a pool that is made, used and deleted while calls fail
 *
 * A scene is played once to count its calls, and then again for each call and
 * errno.  Whatever fails: nothing that was there is lost, the pool is sound and
 * goes on, errno and message tell, and in the end no descriptor, mapping or
 * file is left.
 */
#ifndef FAULT_SCENE_H
#define FAULT_SCENE_H

#include "harness/test.h"

#define SCENE_POOL_SIZE ((size_t)16 * MIB)

struct scene {
	const char *options;     /* VMEM_OPTIONS */
	VMEM *(*create)(void);   /* NULL and errno when it fails */
	void (*then)(VMEM *vmp); /* what is done with the pool, or NULL */
	char *region;            /* that it lies in, or NULL */
	bool in_thread;          /* another thread takes objects as well */
	size_t nfiles;           /* in test_dir() that are not the pool's */
};

/* scene_play -- once, under the plan that is on */
void scene_play(const struct scene *s);

/* scene_sweep -- each call in turn, and at random */
void scene_sweep(const struct scene *s);

/* scene_told -- a call of the library has failed: is it said right? */
void scene_told(void);

/* scene_take -- an object, if there is room for it, which must be said */
void *scene_take(VMEM *vmp, size_t size);

/* scene_trim -- for `then` */
void scene_trim(VMEM *vmp);

/* hold -- end the program and say which call's failure broke it */
#define hold(cond) ((cond) ? (void)0 : scene_broken(__FILE__, __LINE__, #cond))
_Noreturn void scene_broken(const char *file, int line, const char *what);

#endif
