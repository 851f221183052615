/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem_place.c -- exported functions on where objects are, and how large
 *
 * The rules of each function stand in libvmem.h.
 */
#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/log.h"
#include "libvmem.h"
#include "pool/pool.h"

EXPORT VMEM *
vmem_pool_of(const void *ptr)
{
	LOG(3, "ptr %p", ptr);
	return pool_owner(ptr);
}

EXPORT int
vmem_walk(VMEM *vmp, int (*callback)(void *ptr, size_t usable, void *arg),
	void *arg)
{
	int saved = errno, last = 0;
	/* a number: there is no format for a function */
	LOG(3, "vmp %p callback 0x%zx arg %p", (void *)vmp, (size_t)callback,
		arg);
	int rc = callback == NULL ? fail(EINVAL, "invalid (NULL) callback")
				  : pool_walk(vmp, callback, arg, &last);
	errno = rc == 0 ? saved : -rc;
	return rc == 0 ? last : -1;
}

EXPORT void *
vmem_malloc_at_least(VMEM *vmp, size_t size, size_t *usable)
{
	int saved = errno, err = 0;
	LOG(3, "vmp %p size %zu usable %p", (void *)vmp, size, (void *)usable);
	if (usable == NULL) {
		errno = -fail(EINVAL, "no place for the usable size");
		return NULL;
	}
	void *p = pool_alloc(vmp, size, 0, (struct content){0}, &err);
	if (p != NULL)
		*usable = pool_usable(vmp, p, "vmem_malloc_at_least", &err);
	errno = p == NULL ? err : saved;
	return p;
}

EXPORT void *
vmem_move(VMEM *dst, VMEM *src, void *ptr)
{
	int saved = errno, err = 0;
	void *p = NULL;
	LOG(3, "dst %p src %p ptr %p", (void *)dst, (void *)src, ptr);
	if (ptr == NULL) {
		errno = -fail(EINVAL, "no object to move");
		return NULL;
	}
	size_t size = pool_usable(src, ptr, "vmem_move", &err);
	if (err == 0 && pool_owner(ptr) == (void *)dst)
		p = ptr; /* it is there */
	else if (err == 0)
		p = pool_alloc(dst, size, 0,
			(struct content){.from = ptr, .nfrom = size}, &err);
	if (p != NULL && p != ptr)
		pool_free(src, ptr, "vmem_move");
	errno = p == NULL ? err : saved;
	return p;
}
