/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem_init.c -- the library as a whole: start, hooks, message
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/log.h"
#include "libvmem.h"
#include "pool/pool.h"

/*
 * Where the archive is linked into a program the linker orders the constructors
 * of both, the program's first when they have one rank: so ours has the lowest
 * that is not the compiler's own, and a pool may be a static object of C++.
 * Destructors go the other way.
 */
#define FIRST 101

__attribute__((constructor(FIRST))) static void
init(void)
{
	int saved = errno;
	log_init("libvmem", "VMEM");
	pool_init();
	auto_profile_init("VMEM_PROFILE", true);
	pool_fork_init();
	errno = saved;
}

__attribute__((destructor(FIRST))) static void
end(void)
{
	int saved = errno;
	auto_profile_exit();
	int status = pool_guard_exit();
	if (status != 0) {
		/* as exit() would have done later */
		(void)fflush(NULL);
		_exit(status);
	}
	errno = saved;
}

EXPORT void
vmem_set_funcs(void *(*malloc_func)(size_t size), void (*free_func)(void *ptr),
	void *(*realloc_func)(void *ptr, size_t size),
	char *(*strdup_func)(const char *s), void (*print_func)(const char *s))
{
	/* numbers: there is no format for a function */
	LOG(3,
		"malloc_func 0x%zx free_func 0x%zx realloc_func 0x%zx "
		"strdup_func 0x%zx print_func 0x%zx",
		(size_t)malloc_func, (size_t)free_func, (size_t)realloc_func,
		(size_t)strdup_func, (size_t)print_func);
	/* nothing here takes ordinary heap memory, so there is none to ask for
	 */
	(void)malloc_func;
	(void)free_func;
	(void)realloc_func;
	(void)strdup_func;
	log_set_print(print_func);
}

EXPORT const char *
vmem_errormsg(void)
{
	LOG(3, "no arguments");
	return error_text();
}
