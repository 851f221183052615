/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * unload.c LIBRARY -- open and close the library again and again, with pools
 * and threads alive or not, and threads that end after the last close
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL_BYTES ((size_t)14 << 20)
#define NTHREADS   4
#define NROUNDS    200

#define CHECK(cond)                                                            \
	do {                                                                   \
		if (!(cond)) {                                                 \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__,         \
				__LINE__, #cond);                              \
			abort();                                               \
		}                                                              \
	} while (0)

typedef void *create_func(void *addr, size_t size);
typedef void delete_func(void *vmp);
typedef int check_func(void *vmp);
typedef void *malloc_func(void *vmp, size_t size);
typedef void free_func(void *vmp, void *ptr);

struct library {
	void *handle;
	create_func *create;
	delete_func *delete;
	check_func *check;
	malloc_func *malloc;
	free_func *free;
};

static const char *path;

/* where -- the address of a function; POSIX's way from an object pointer */
static void
where(const struct library *lib, const char *name, void *ret_func)
{
	void *at = dlsym(lib->handle, name);

	CHECK(at != NULL);
	memcpy(ret_func, &at, sizeof(at));
}

static struct library
library_open(void)
{
	struct library lib;

	lib.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (lib.handle == NULL)
		(void)fprintf(stderr, "%s\n", dlerror());
	CHECK(lib.handle != NULL);
	where(&lib, "vmem_create_in_region", &lib.create);
	where(&lib, "vmem_delete", &lib.delete);
	where(&lib, "vmem_check", &lib.check);
	where(&lib, "vmem_malloc", &lib.malloc);
	where(&lib, "vmem_free", &lib.free);
	return lib;
}

static void *
region(void)
{
	void *addr = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(addr != MAP_FAILED);
	return addr;
}

/* the thread uses the pool, and lives on while the library is closed */
struct user {
	struct library lib;
	void *vmp;
	pthread_barrier_t used, closed;
	int again; /* use it after the close too */
};

static void
churn(const struct user *u)
{
	for (size_t size = 1; size < 100000; size *= 2) {
		void *p = u->lib.malloc(u->vmp, size);

		CHECK(p != NULL);
		memset(p, 1, size);
		u->lib.free(u->vmp, p);
	}
}

static void *
use(void *arg)
{
	struct user *u = arg;

	churn(u);
	(void)pthread_barrier_wait(&u->used);
	(void)pthread_barrier_wait(&u->closed);
	if (u->again)
		churn(u);
	return NULL;
}

/* close it while `alive` of pool and threads are */
static void
round_of(unsigned i)
{
	struct user u = {.lib = library_open(), .again = (i & 2) != 0};
	int delete_first = (i & 1) != 0 && !u.again;
	pthread_t threads[NTHREADS];

	u.vmp = u.lib.create(region(), POOL_BYTES);
	CHECK(u.vmp != NULL);
	CHECK(pthread_barrier_init(&u.used, NULL, NTHREADS + 1) == 0);
	CHECK(pthread_barrier_init(&u.closed, NULL, NTHREADS + 1) == 0);
	for (unsigned t = 0; t < NTHREADS; t++)
		CHECK(pthread_create(&threads[t], NULL, use, &u) == 0);
	(void)pthread_barrier_wait(&u.used);
	if (delete_first)
		u.lib.delete(u.vmp);
	CHECK(dlclose(u.lib.handle) == 0);
	(void)pthread_barrier_wait(&u.closed);
	for (unsigned t = 0; t < NTHREADS; t++)
		CHECK(pthread_join(threads[t], NULL) == 0);
	/* it is there still, under any name */
	u.lib = library_open();
	CHECK(u.lib.check(u.vmp) == (delete_first ? -1 : 1));
	if (!delete_first)
		u.lib.delete(u.vmp);
	CHECK(dlclose(u.lib.handle) == 0);
	CHECK(munmap(u.vmp, POOL_BYTES) == 0);
	CHECK(pthread_barrier_destroy(&u.used) == 0);
	CHECK(pthread_barrier_destroy(&u.closed) == 0);
}

static unsigned
nmappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned n = 0;
	int c;

	CHECK(maps != NULL);
	while ((c = getc(maps)) != EOF)
		n += c == '\n';
	CHECK(fclose(maps) == 0);
	return n;
}

/* fork handlers are the library's, and are there as well after the close */
static void
fork_once(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

int
main(int argc, char **argv)
{
	unsigned before, after;

	CHECK(argc == 2);
	path = argv[1];
	for (unsigned i = 0; i < 8; i++)
		round_of(i);
	before = nmappings();
	for (unsigned i = 0; i < NROUNDS; i++) {
		round_of(i);
		if (i % 20 == 0)
			fork_once();
	}
	after = nmappings();
	printf("%u rounds, %u mappings, then %u\n", NROUNDS, before, after);
	CHECK(after <= before + 4);
	return 0;
}
