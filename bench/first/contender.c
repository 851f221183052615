/* SPDX-License-Identifier: BSD-3-Clause */
#include "contender.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <libvmem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void *malloc_func(size_t size);
typedef void free_func(void *ptr);
typedef void *pool_malloc_func(VMEM *pool, size_t size);
typedef void pool_free_func(VMEM *pool, void *ptr);

/* what the program is started anew with: see get_library() */
#define TLS_VARIABLE "GLIBC_TUNABLES"
#define TLS_SETTING  "glibc.rtld.optional_static_tls=65536"

static struct {
	malloc_func *malloc;
	free_func *free;
} glibc, mimalloc, jemalloc;

static struct {
	pool_malloc_func *malloc;
	pool_free_func *free;
} vmem;

static void *
vmem_alloc_shim(void *pool, size_t size)
{
	return vmem.malloc(pool, size);
}

static void
vmem_free_shim(void *pool, void *ptr)
{
	vmem.free(pool, ptr);
}

static void *
glibc_alloc_shim(void *pool, size_t size)
{
	(void)pool;
	return glibc.malloc(size);
}

static void
glibc_free_shim(void *pool, void *ptr)
{
	(void)pool;
	glibc.free(ptr);
}

static void *
mimalloc_alloc_shim(void *pool, size_t size)
{
	(void)pool;
	return mimalloc.malloc(size);
}

static void
mimalloc_free_shim(void *pool, void *ptr)
{
	(void)pool;
	mimalloc.free(ptr);
}

static void *
jemalloc_alloc_shim(void *pool, size_t size)
{
	(void)pool;
	return jemalloc.malloc(size);
}

static void
jemalloc_free_shim(void *pool, void *ptr)
{
	(void)pool;
	jemalloc.free(ptr);
}

/*
 * get_library -- load a library; NULL: not here
 *
 * Allocators want their thread-local variables in the static block, which has
 * little room for a library that comes late; the C library reads how much when
 * a program starts.  So the program is started anew once, with more.
 */
static void *
get_library(const char *file, char **argv)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	const char *error = library == NULL ? dlerror() : NULL;
	const char *setting = getenv(TLS_VARIABLE);

	if (library != NULL)
		return library;
	if (strstr(error, "static TLS") != NULL &&
		(setting == NULL || strcmp(setting, TLS_SETTING) != 0) &&
		setenv(TLS_VARIABLE, TLS_SETTING, 1) == 0)
		(void)execv("/proc/self/exe", argv);
	fprintf(stderr, "bench-first: left out: %s\n", error);
	return NULL;
}

/* get_function -- ISO C has no way from void * to a function pointer */
static bool
get_function(void *library, const char *name, void *ret_function)
{
	void *found = dlsym(library, name);

	if (found == NULL)
		fprintf(stderr, "bench-first: left out: %s\n", dlerror());
	else
		memcpy(ret_function, &found, sizeof(found));
	return found != NULL;
}

static bool
mimalloc_init(struct contender *ret, char **argv)
{
	void *library = get_library("libmimalloc.so.2.0", argv);
	int (*version)(void);

	if (library == NULL ||
		!get_function(library, "mi_malloc", &mimalloc.malloc) ||
		!get_function(library, "mi_free", &mimalloc.free) ||
		!get_function(library, "mi_version", &version))
		return false;
	*ret = (struct contender){.name = "mimalloc",
		.alloc = mimalloc_alloc_shim,
		.free = mimalloc_free_shim};
	(void)snprintf(ret->version, sizeof(ret->version), "%d.%d.%d",
		version() / 100, version() / 10 % 10, version() % 10);
	return true;
}

static bool
jemalloc_init(struct contender *ret, char **argv)
{
	void *library = get_library("libjemalloc.so.2", argv);
	int (*mallctl)(const char *, void *, size_t *, void *, size_t);
	const char *version = "unknown";
	size_t size = sizeof(version);

	if (library == NULL ||
		!get_function(library, "malloc", &jemalloc.malloc) ||
		!get_function(library, "free", &jemalloc.free) ||
		!get_function(library, "mallctl", &mallctl))
		return false;
	*ret = (struct contender){.name = "jemalloc",
		.alloc = jemalloc_alloc_shim,
		.free = jemalloc_free_shim};
	(void)mallctl("version", &version, &size, NULL, 0);
	(void)snprintf(ret->version, sizeof(ret->version), "%.*s",
		(int)strcspn(version, "-"), version);
	return true;
}

static void
glibc_init(struct contender *ret)
{
	glibc.malloc = malloc;
	glibc.free = free;
	*ret = (struct contender){.name = "glibc",
		.alloc = glibc_alloc_shim,
		.free = glibc_free_shim};
	(void)snprintf(ret->version, sizeof(ret->version), "%s",
		gnu_get_libc_version());
}

static void
vmem_init(struct contender *ret, const char *name, VMEM *pool)
{
	vmem.malloc = vmem_malloc;
	vmem.free = vmem_free;
	*ret = (struct contender){.name = name,
		.alloc = vmem_alloc_shim,
		.free = vmem_free_shim,
		.pool = pool};
	(void)snprintf(ret->version, sizeof(ret->version), "%d.%d",
		VMEM_MAJOR_VERSION, VMEM_MINOR_VERSION);
}

static VMEM *
region_pool(size_t size)
{
	void *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	VMEM *pool;

	if (region == MAP_FAILED) {
		fprintf(stderr, "bench-first: no region of %zu bytes: %s\n",
			size, strerror(errno));
		return NULL;
	}
	pool = vmem_create_in_region(region, size);
	if (pool == NULL)
		fprintf(stderr, "bench-first: no pool in a region: %s\n",
			vmem_errormsg());
	return pool;
}

size_t
contenders_init(struct contender ret[CONTENDERS_MAX], const char *dir,
	size_t size, char **argv)
{
	struct contender peers[2];
	size_t npeers = 0;
	size_t n = 0;
	VMEM *pool;

	/* first, for they may start the program anew */
	npeers += mimalloc_init(&peers[npeers], argv);
	npeers += jemalloc_init(&peers[npeers], argv);

	pool = region_pool(size);
	if (pool == NULL)
		return 0;
	vmem_init(&ret[n++], "vmem", pool);
	pool = vmem_create(dir, size);
	if (pool != NULL)
		vmem_init(&ret[n++], "vmem-file", pool);
	else
		fprintf(stderr, "bench-first: left out: a pool in %s: %s\n",
			dir, vmem_errormsg());
	for (size_t i = 0; i < npeers; i++)
		ret[n++] = peers[i];
	glibc_init(&ret[n++]);
	return n;
}

void
contenders_fini(struct contender *contenders, size_t ncontenders)
{
	for (size_t i = 0; i < ncontenders; i++)
		if (contenders[i].pool != NULL)
			vmem_delete(contenders[i].pool);
}
