/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hello.c -- the smallest complete use of libvmem
 *
 *     cc hello.c -lvmem && ./a.out /dev/shm
 */
#include <libvmem.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/tmp";
	VMEM *pool = vmem_create(dir, VMEM_MIN_POOL);

	if (pool == NULL) {
		fprintf(stderr, "hello: %s: %s\n", dir, vmem_errormsg());
		return 1;
	}
	char *text = vmem_strdup(pool, "hello from a pool");

	if (text == NULL) {
		fprintf(stderr, "hello: %s\n", vmem_errormsg());
		vmem_delete(pool);
		return 1;
	}
	printf("%s in %s\n", text, dir);
	vmem_free(pool, text);
	vmem_delete(pool); /* would have freed the text as well */
	return 0;
}
