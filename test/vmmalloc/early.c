/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * early.c NFORKS BYTES -- a program that allocates so much before constructors
 * run, and forks so often; EARLY_OBJECT is a size to be freed inside each fork
 */
#include <dlfcn.h>
#include <stdlib.h>

#include "check.h"

static char *object, *small;
static size_t size;

/* the loader gives main's arguments */
static void
before_all(int argc, char *argv[])
{
	CHECK(argc == 3);
	size = (size_t)atol(argv[2]);
	object = malloc(size);
	small = calloc(10, 10);
	CHECK(object != NULL && small != NULL);
	memset(object, 1, size);
}

static void (*const preinit[])(int, char *[])
	__attribute__((section(".preinit_array"), used)) = {before_all};

/* forks -- each with an object that a handler frees, if there is one */
static void
forks(int nforks)
{
	void **freed = dlsym(RTLD_DEFAULT, "early_object");
	const int *seen = dlsym(RTLD_DEFAULT, "early_nforks");
	const char *bytes = getenv("EARLY_OBJECT");

	for (int i = 0; i < nforks; i++) {
		pid_t pid;

		if (bytes != NULL) {
			CHECK(freed != NULL);
			*freed = malloc((size_t)atol(bytes));
			CHECK(*freed != NULL);
		}
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			_exit(0);
		CHECK_CHILD(pid);
	}
	if (bytes != NULL)
		CHECK(seen != NULL && *seen == nforks);
}

int
main(int argc, char *argv[])
{
	CHECK(argc == 3);
	forks(atoi(argv[1]));
	CHECK(object[0] == 1 && object[size - 1] == 1 && small[99] == 0);
	free(object);
	free(small);
	return 0;
}
