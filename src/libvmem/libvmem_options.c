/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem_options.c -- a pool of any kind of memory, from a struct that may
 * grow
 *
 * Programs say how long the struct was when they were compiled.  What is not in
 * theirs is at its default; what this library does not know must be 0.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arith.h"
#include "base/compiler.h"
#include "base/config.h"
#include "base/error.h"
#include "base/log.h"
#include "base/os.h"
#include "libvmem.h"
#include "pool/pool.h"

/* up to `size`: no program can do with less */
#define LEAST_SIZE offsetof(struct vmem_options, max_size)

/* longer ones are no struct of ours, but a number that is wrong */
#define MOST_SIZE ((size_t)4096)

_Static_assert(sizeof(struct vmem_options) ==
		       offsetof(struct vmem_options, reserved) + sizeof(int),
	"no padding at the end: it would hold anything");
_Static_assert(VMEM_NAME_SIZE == POOL_NAME_SIZE, "one limit");

/* in the order of the public constants */
static const enum backing_source sources[] = {BACKING_AT_PATH, BACKING_AT_FD,
	BACKING_AT_REGION, BACKING_NEW_MEMFD, BACKING_NEW_HUGETLB,
	BACKING_NEW_PRIVATE};
static const enum backing_give gives[] = {
	BACKING_GIVE_NEVER, BACKING_GIVE_FILE, BACKING_GIVE_MEMORY};
static const enum numa_policy policies[] = {
	NUMA_DEFAULT, NUMA_BIND, NUMA_INTERLEAVE, NUMA_PREFERRED};

#define IS_INDEX(i, array)                                                     \
	((i) >= 0 && (size_t)(i) < sizeof(array) / sizeof((array)[0]))

static const struct vmem_options defaults = {
	.struct_size = sizeof(struct vmem_options),
	.source = VMEM_SOURCE_PATH,
	.fd = -1,
	.give_back = VMEM_GIVE_NONE,
	.numa = VMEM_NUMA_DEFAULT,
	.decay_ms = VMEM_DECAY_DEFAULT,
	.hardening = VMEM_HARDENING_DEFAULT,
};

static int
check_struct_size(size_t size)
{
	if (size >= LEAST_SIZE && size <= MOST_SIZE &&
		size % sizeof(size_t) == 0)
		return 0;
	return fail(EINVAL, "options of %zu bytes", size);
}

EXPORT int
vmem_options_init(struct vmem_options *options, size_t struct_size)
{
	LOG(3, "options %p struct_size %zu", (void *)options, struct_size);
	int rc = options == NULL ? fail(EINVAL, "invalid (NULL) options")
				 : check_struct_size(struct_size);
	if (rc != 0) {
		errno = -rc;
		return -1;
	}
	memset(options, 0, struct_size);
	memcpy(options, &defaults, min_size(struct_size, sizeof(defaults)));
	options->struct_size = struct_size;
	return 0;
}

/* read_options -- a program's struct into one of our own length */
static int
read_options(struct vmem_options *ret, const struct vmem_options *options)
{
	if (options == NULL)
		return fail(EINVAL, "invalid (NULL) options");
	size_t size = options->struct_size;
	int rc = check_struct_size(size);
	if (rc != 0)
		return rc;
	*ret = defaults;
	memcpy(ret, options, min_size(size, sizeof(*ret)));
	const unsigned char *bytes = (const unsigned char *)options;
	for (size_t i = sizeof(*ret); i < size; i++)
		if (bytes[i] != 0)
			return fail(EINVAL, "an option of a newer library");
	if (ret->reserved != 0)
		return fail(EINVAL, "invalid reserved (%d)", ret->reserved);
	return 0;
}

/* check_region -- as vmem_create_in_region() does */
static int
check_region(const struct vmem_options *o)
{
	size_t page = os_page_size();
	if (o->addr == NULL || (uintptr_t)o->addr % page != 0)
		return fail(EINVAL, "addr 0x%zx not aligned to pagesize %zu",
			(size_t)o->addr, page);
	if (o->size - 1 > UINTPTR_MAX - (uintptr_t)o->addr)
		return fail(EINVAL, "region at %p of %zu bytes: no memory",
			o->addr, o->size);
	if (o->max_size > o->size)
		return fail(EINVAL, "a region cannot grow");
	if (o->sparse)
		return fail(EINVAL, "a region cannot be sparse");
	return 0;
}

/* check_source -- one of them, with what it needs, and nothing of another */
static int
check_source(const struct vmem_options *o)
{
	if (!IS_INDEX(o->source, sources))
		return fail(EINVAL, "invalid source (%d)", o->source);
	if (o->source == VMEM_SOURCE_PATH && o->path == NULL)
		return fail(EINVAL, "invalid (NULL) path");
	if (o->source != VMEM_SOURCE_PATH && o->path != NULL)
		return fail(EINVAL, "a path with source %d", o->source);
	if (o->source == VMEM_SOURCE_FD && o->fd < 0)
		return fail(EINVAL, "invalid descriptor (%d)", o->fd);
	if (o->source != VMEM_SOURCE_FD && o->fd != -1)
		return fail(EINVAL, "a descriptor with source %d", o->source);
	if (o->source != VMEM_SOURCE_REGION && o->addr != NULL)
		return fail(EINVAL, "an address with source %d", o->source);
	if (!IS_INDEX(o->give_back, gives))
		return fail(EINVAL, "invalid give_back (%d)", o->give_back);
	if (o->source != VMEM_SOURCE_REGION && o->give_back != VMEM_GIVE_NONE)
		return fail(EINVAL, "give_back with source %d", o->source);
	return o->source == VMEM_SOURCE_REGION ? check_region(o) : 0;
}

/* check_space -- sizes, and how they are reserved */
static int
check_space(const struct vmem_options *o)
{
	if (o->size < VMEM_MIN_POOL)
		return fail(EINVAL, "size %zu smaller than %zu", o->size,
			VMEM_MIN_POOL);
	if (o->max_size != 0 && o->max_size < o->size)
		return fail(EINVAL, "max_size %zu smaller than size %zu",
			o->max_size, o->size);
	if (o->sparse != 0 && o->sparse != 1)
		return fail(EINVAL, "invalid sparse (%d)", o->sparse);
	if (o->prefault != 0 && o->prefault != 1)
		return fail(EINVAL, "invalid prefault (%d)", o->prefault);
	if (o->huge_pages < VMEM_HUGE_NEVER || o->huge_pages > VMEM_HUGE_ALL)
		return fail(EINVAL, "invalid huge_pages (%d)", o->huge_pages);
	if (o->sparse && o->prefault)
		return fail(EINVAL, "both sparse and prefault");
	return 0;
}

/* is_name -- what the kernel takes, and what needs no escapes in JSON */
static bool
is_name(const char *name)
{
	size_t n = strnlen(name, VMEM_NAME_SIZE);
	if (n == 0 || n == VMEM_NAME_SIZE)
		return false;
	for (; *name != '\0'; name++)
		if (*name < ' ' || *name > '~' ||
			strchr("\\\"`$[]", *name) != NULL)
			return false;
	return true;
}

/* check_rest -- what stands alone */
static int
check_rest(const struct vmem_options *o)
{
	if (!IS_INDEX(o->numa, policies))
		return fail(EINVAL, "invalid numa (%d)", o->numa);
	if (o->numa == VMEM_NUMA_DEFAULT && o->numa_nodes != NULL)
		return fail(EINVAL, "numa_nodes without numa");
	if (o->numa != VMEM_NUMA_DEFAULT && o->numa_nodes == NULL)
		return fail(EINVAL, "numa without numa_nodes");
	if (o->decay_ms < VMEM_DECAY_NEVER)
		return fail(EINVAL, "decay time %d under %d", o->decay_ms,
			VMEM_DECAY_NEVER);
	if (o->hardening < VMEM_HARDENING_DEFAULT ||
		o->hardening > CONFIG_MAX_HARDENING)
		return fail(EINVAL, "invalid hardening (%d)", o->hardening);
	if (o->name != NULL && !is_name(o->name))
		return fail(EINVAL, "invalid name");
	return 0;
}

/* want_of -- the inner form of options that are sound */
static int
want_of(struct pool_want *want, const struct vmem_options *o)
{
	pool_want_init(want, sources[o->source], o->size, VMEM_MIN_POOL);
	want->decay_ms = o->decay_ms;
	if (o->hardening != VMEM_HARDENING_DEFAULT)
		want->hardening = o->hardening;
	want->name = o->name;
	struct backing_want *b = &want->backing;
	b->path = o->path;
	b->fd = o->fd;
	b->addr = o->addr;
	b->max_size = o->max_size;
	b->sparse = o->sparse != 0;
	b->prefault = o->prefault != 0;
	b->huge = o->huge_pages;
	b->give = gives[o->give_back];
	b->name = o->name;
	b->numa.policy = policies[o->numa];
	return o->numa_nodes == NULL ? 0 : numa_parse(&b->numa, o->numa_nodes);
}

EXPORT VMEM *
vmem_create_opts(const struct vmem_options *options)
{
	int saved = errno;
	struct vmem_options o;
	struct pool_want want;
	LOG(3, "options %p", (const void *)options);
	int rc = read_options(&o, options);
	if (rc == 0)
		rc = check_space(&o);
	if (rc == 0)
		rc = check_source(&o);
	if (rc == 0)
		rc = check_rest(&o);
	if (rc == 0)
		rc = want_of(&want, &o);
	int err = -rc;
	void *p = rc == 0 ? pool_create(&want, &err) : NULL;
	auto_profile_begin(p);
	errno = p == NULL ? err : saved;
	return p;
}
