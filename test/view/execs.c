/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * execs.c -- executes itself again and again, while its threads use a pool, and
 * others come all the time
 *
 *	execs FOLDER
 */
#include <libvmem.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NTHREADS 4
#define LIFE_US  10000

static void *
work_once(void *arg)
{
	for (int i = 0; i < 1000; i++)
		vmem_free(arg, vmem_malloc(arg, 50000));
	return NULL;
}

static void *
work(void *arg)
{
	for (;;) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work_once, arg) == 0)
			(void)pthread_detach(thread);
		(void)work_once(arg);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	VMEM *vmp = vmem_create(argv[argc - 1], VMEM_MIN_POOL);

	if (vmp == NULL)
		return EXIT_FAILURE;
	for (int i = 0; i < NTHREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work, vmp) != 0)
			return EXIT_FAILURE;
	}
	(void)puts("ready");
	(void)fflush(stdout);
	(void)usleep(LIFE_US);
	(void)execv("/proc/self/exe", argv);
	return EXIT_FAILURE;
}
