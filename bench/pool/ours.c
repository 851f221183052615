/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ours.c -- libvmem, at its three levels of hardening, and with read-ahead
 */
#include <dlfcn.h>
#include <libvmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL(name) vmem_##name
#include "family.h"

#define OPTIONS "VMEM_OPTIONS"

/* of regions: a huge page */
#define ALIGN ((size_t)1 << 21)

static const char *
load(char *ret_version, size_t size)
{
	(void)snprintf(ret_version, size, "%d.%d", VMEM_MAJOR_VERSION,
		VMEM_MINOR_VERSION);
	return NULL;
}

/* found -- a function that newer libraries have; false: this one has not */
static bool
found(const char *name, void *ret_function)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);

	memcpy(ret_function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

/* in_region -- a pool that may give back what it does not need, as files may */
static VMEM *
in_region(struct extent extent)
{
	int (*init)(struct vmem_options * options, size_t struct_size);
	VMEM *(*create_opts)(const struct vmem_options *options);
	struct vmem_options options;

	if (!found("vmem_options_init", &init) ||
		!found("vmem_create_opts", &create_opts))
		return vmem_create_in_region(extent.base, extent.size);
	if (init(&options, sizeof(options)) != 0)
		return NULL;
	options.source = VMEM_SOURCE_REGION;
	options.addr = extent.base;
	options.size = extent.size;
	options.give_back = VMEM_GIVE_DONTNEED;
	return create_opts(&options);
}

static const char *
create(struct pool *pool, const char *options)
{
	struct extent extent = {NULL, 0};

	if (options != NULL && setenv(OPTIONS, options, 1) != 0)
		return "no environment";
	if (memory_is_file(pool->memory)) {
		pool->handle = vmem_create(pool->memory->dir, pool->size);
	} else if (memory_map_again(&kept, pool->memory, pool->size, ALIGN,
			   &extent) == 0) {
		pool->handle = in_region(extent);
		if (pool->handle == NULL)
			memory_keep(&kept, extent);
	}
	if (options != NULL)
		(void)unsetenv(OPTIONS);
	if (pool->handle == NULL)
		return vmem_errormsg();
	pool->extent = (struct extent){pool->handle, pool->size};
	pool->bounded = true;
	return NULL;
}

static const char *
create_default(struct pool *pool)
{
	return create(pool, NULL);
}

static const char *
create_h0(struct pool *pool)
{
	return create(pool, "hardening=0");
}

static const char *
create_h2(struct pool *pool)
{
	return create(pool, "hardening=2");
}

static const char *
create_ahead(struct pool *pool)
{
	return create(pool, "readahead=1");
}

static void
trim(struct pool *pool, struct heap *heap)
{
	int (*vmem_trim_func)(VMEM * vmp, size_t keep);

	(void)heap;
	if (found("vmem_trim", &vmem_trim_func))
		(void)vmem_trim_func(pool->handle, 0);
}

#define OURS(level_name, level_what, level_optional, level_create)             \
	{                                                                      \
		.name = (level_name), .what = (level_what),                    \
		.optional = (level_optional), .load = load,                    \
		.create = (level_create), .remove = remove_pool,               \
		.enter = enter, .leave = leave, .trim = trim                   \
	}

const struct contender contender_vmem = OURS(
	"vmem", "libvmem as it comes (hardening=1)", false, create_default);
const struct contender contender_vmem_h0 =
	OURS("vmem-h0", "libvmem, hardening=0", true, create_h0);
const struct contender contender_vmem_h2 =
	OURS("vmem-h2", "libvmem, hardening=2", true, create_h2);
const struct contender contender_vmem_ahead =
	OURS("vmem-ahead", "libvmem, readahead=1", true, create_ahead);
