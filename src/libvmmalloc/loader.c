/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * loader.c -- objects that are opened with RTLD_DEEPBIND
 *
 * Such an object looks names up in itself and its own libraries first, and so
 * finds libc's malloc and free before ours; but what strdup() and others of
 * libc give it comes from our malloc.  Freeing that with libc's free() is the
 * end of the process.  There was a hook in libc for this; since glibc 2.34
 * there is none.  So the flag is taken away.  An object that relies on it for
 * other names than malloc's sees those of the program instead.
 *
 * The call to the real function must be a jump: it looks at its return address
 * for the object that calls, and so for where to search.
 */
#include <dlfcn.h>
#include <stddef.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/log.h"

typedef void *dlopen_func(const char *, int);

/* find -- libc's function, the next one behind ours */
static dlopen_func *
find(void)
{
	static dlopen_func *real; /* atomic; relaxed: it is always the same */
	dlopen_func *f = load_relaxed(&real);
	if (f == NULL) {
		/* POSIX's way from an object pointer to a function */
		*(void **)&f = dlsym(RTLD_NEXT, "dlopen");
		store_relaxed(&real, f);
	}
	return f;
}

EXPORT void *
dlopen(const char *file, int mode)
{
	LOG(3, "file \"%s\" mode 0x%x", file == NULL ? "" : file,
		(unsigned)mode);
	return find()(file, mode & ~RTLD_DEEPBIND);
}
