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
#include "family_pools.h"

#define OPTIONS "VMEM_OPTIONS"

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
static void *
in_region(void *addr, size_t size)
{
	int (*init)(struct vmem_options * options, size_t struct_size);
	VMEM *(*create_opts)(const struct vmem_options *options);
	struct vmem_options options;

	if (!found("vmem_options_init", &init) ||
		!found("vmem_create_opts", &create_opts))
		return vmem_create_in_region(addr, size);
	if (init(&options, sizeof(options)) != 0)
		return NULL;
	options.source = VMEM_SOURCE_REGION;
	options.addr = addr;
	options.size = size;
	options.give_back = VMEM_GIVE_DONTNEED;
	return create_opts(&options);
}

static const char *
create(struct pool *pool, const char *options)
{
	const char *why;

	if (options != NULL && setenv(OPTIONS, options, 1) != 0)
		return "no environment";
	why = make(pool, in_region);
	if (options != NULL)
		(void)unsetenv(OPTIONS);
	return why;
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
