/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * consumer.c -- a program of somebody else, built against the installed library
 *
 * Its own functions have names that a memory allocator may well use inside;
 * the library must go on calling its own.
 */
#include <libvmem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fail(int err, const char *fmt);
void *run_alloc(void *heap, size_t npages);
void *slab_alloc(void *bin);

int
fail(int err, const char *fmt)
{
	(void)err;
	fprintf(stderr, "the library called the program's fail(%s)\n", fmt);
	abort();
}

void *
run_alloc(void *heap, size_t npages)
{
	(void)heap;
	fprintf(stderr, "the library called run_alloc(%zu)\n", npages);
	abort();
}

void *
slab_alloc(void *bin)
{
	(void)bin;
	fprintf(stderr, "the library called slab_alloc()\n");
	abort();
}

int
main(int argc, char **argv)
{
	const char *why =
		vmem_check_version(VMEM_MAJOR_VERSION, VMEM_MINOR_VERSION);
	VMEM *vmp;
	char *text;

	if (why != NULL) {
		fprintf(stderr, "consumer: %s\n", why);
		return 1;
	}
	vmp = vmem_create(argc > 1 ? argv[1] : "/tmp", VMEM_MIN_POOL);
	if (vmp == NULL) {
		fprintf(stderr, "consumer: %s\n", vmem_errormsg());
		return 1;
	}
	text = vmem_strdup(vmp, "consumed");
	if (text == NULL || strcmp(text, "consumed") != 0)
		return 1;
	vmem_free(vmp, text);
	if (vmem_create("/nonexistent", VMEM_MIN_POOL) != NULL)
		return 1; /* but it did not call our fail() */
	vmem_delete(vmp);
	return 0;
}
