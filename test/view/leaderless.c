/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leaderless.c -- a program whose first thread has ended, with a pool
 *
 *	leaderless DIR
 */
#include <libvmem.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OBJECT 1000

static void *
work(void *arg)
{
	VMEM *vmp = vmem_create(arg, VMEM_MIN_POOL);

	if (vmp == NULL || vmem_malloc(vmp, OBJECT) == NULL)
		exit(EXIT_FAILURE);
	(void)puts("ready");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
	return NULL;
}

int
main(int argc, char **argv)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, work, argv[argc - 1]) != 0)
		return EXIT_FAILURE;
	pthread_exit(NULL);
}
