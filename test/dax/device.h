/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * device.h -- the device DAX node that a test is given in the environment
 *
 *	VMEM_TEST_NODE  such as /dev/dax0.0
 *	VMEM_TEST_SLOW  set: as little as possible of it is touched
 */
#ifndef DAX_DEVICE_H
#define DAX_DEVICE_H

#include "harness/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static inline const char *
device_node(void)
{
	const char *node = getenv("VMEM_TEST_NODE");

	must(node != NULL);
	return node;
}

static inline bool
device_is_slow(void)
{
	return getenv("VMEM_TEST_SLOW") != NULL;
}

/* device_value -- what sysfs says */
static inline size_t
device_value(const char *file)
{
	const char *name = strrchr(device_node(), '/');
	char path[128], text[64];

	must(name != NULL);
	snprintf(path, sizeof(path), "/sys/bus/dax/devices%s/%s", name, file);
	must(test_read_file(path, text, sizeof(text)) > 0);
	return strtoull(text, NULL, 0);
}

/* device_size -- whole pieces of its alignment */
static inline size_t
device_size(void)
{
	return device_value("size") & ~(device_value("align") - 1);
}

/* device_open -- a pool on it, or the program ends */
static inline VMEM *
device_open(void)
{
	VMEM *vmp = vmem_create(device_node(), VMEM_MIN_POOL);

	must(vmp != NULL);
	return vmp;
}

/* device_map -- all of it, without a pool; to write what an old user left */
static inline unsigned char *
device_map(void)
{
	size_t size = device_size(), align = device_value("align");
	int fd = open(device_node(), O_RDWR | O_CLOEXEC);
	uintptr_t at;
	char *hold;
	void *p;

	must(fd >= 0);
	hold = mmap(NULL, size + align, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(hold != MAP_FAILED);
	at = ((uintptr_t)hold + align - 1) & ~(align - 1);
	p = mmap(hold + (at - (uintptr_t)hold), size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_FIXED, fd, 0);
	must(p != MAP_FAILED);
	close(fd);
	return p;
}

#endif
