/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem_profile.c -- the exported functions on profiles
 */
#include <errno.h>

#include "base/compiler.h"
#include "base/error.h"
#include "base/log.h"
#include "libvmem.h"
#include "pool/pool.h"

/* result -- what a public function returns for 0 or a negative errno */
static int
result(int rc, int saved)
{
	errno = rc == 0 ? saved : -rc;
	return rc == 0 ? 0 : -1;
}

EXPORT int
vmem_profile_start(VMEM *vmp, size_t mean)
{
	int saved = errno;
	LOG(3, "vmp %p mean %zu", (void *)vmp, mean);
	return result(pool_profile_start(vmp, mean, true), saved);
}

EXPORT int
vmem_profile_stop(VMEM *vmp)
{
	int saved = errno;
	LOG(3, "vmp %p", (void *)vmp);
	return result(pool_profile_stop(vmp), saved);
}

EXPORT int
vmem_profile_dump(VMEM *vmp, const char *path)
{
	int saved = errno;
	LOG(3, "vmp %p path \"%s\"", (void *)vmp, path == NULL ? "" : path);
	if (path == NULL)
		return result(fail(EINVAL, "invalid (NULL) path"), saved);
	return result(pool_profile_dump(vmp, path), saved);
}
