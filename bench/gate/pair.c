/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * pair.c -- malloc and free of 64 bytes, N times, for an instruction count
 *
 *     gate-pair WORK N
 *
 * WORK is one, kept, eight, sized, other, whole, or empty- and one of these.
 *
 * `one` uses one pool, `kept` one where each object lives while seven others
 * are allocated, `eight` eight pools in turn, `sized` one with
 * vmem_free_sized(), `other` one where another thread frees what this one has
 * allocated, 1,000 at a time, `whole` malloc() and free(), which a preloaded
 * library may give another meaning.  The empty works are the same
 * loops with the arguments put where a call wants them, and no calls: the
 * difference between the two is the call instructions, the way through the
 * PLT, and the library.
 */
#include <errno.h>
#include <libvmem.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { NPOOLS = 8, NKEPT = 8, SIZE = 64, WARM = 1000, BATCH = 1000 };

#define REGIONS  ((uintptr_t)0x1000400000)
#define DISTANCE ((size_t)16 << 20)

static VMEM *pools[NPOOLS];

/* what goes to the thread that frees; a NULL in front ends it */
static struct {
	sem_t due, done;
	void *objects[BATCH];
	bool calls; /* else its loop alone */
} other;

/*
 * put_malloc, put_free -- what a call takes, gives and may change, without it
 */
#if defined(__x86_64__)
#define CLOBBERS "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc"

static inline void *
put_malloc(VMEM *pool, size_t size)
{
	void *object;

	__asm__ volatile(""
			 : "=a"(object), "+D"(pool), "+S"(size)
			 :
			 : CLOBBERS);
	return object;
}

static inline void
put_free(VMEM *pool, void *object)
{
	__asm__ volatile("" : "+D"(pool), "+S"(object) : : "rax", CLOBBERS);
}
#else
static inline void *
put_malloc(VMEM *pool, size_t size)
{
	void *object;

	__asm__ volatile("" : "=r"(object), "+r"(pool), "+r"(size));
	return object;
}

static inline void
put_free(VMEM *pool, void *object)
{
	__asm__ volatile("" : "+r"(pool), "+r"(object) : : "memory");
}
#endif

static __attribute__((noinline)) void
one(size_t n)
{
	VMEM *pool = pools[0];

	for (size_t i = 0; i < n; i++)
		vmem_free(pool, vmem_malloc(pool, SIZE));
}

/* kept -- what is freed is not what was allocated last */
static __attribute__((noinline)) void
kept(size_t n)
{
	VMEM *pool = pools[0];
	void *objects[NKEPT] = {NULL};

	for (size_t i = 0; i < n; i++) {
		vmem_free(pool, objects[i % NKEPT]);
		objects[i % NKEPT] = vmem_malloc(pool, SIZE);
	}
	for (size_t i = 0; i < NKEPT; i++)
		vmem_free(pool, objects[i]);
}

static __attribute__((noinline)) void
empty_kept(size_t n)
{
	VMEM *pool = pools[0];
	void *objects[NKEPT] = {NULL};

	for (size_t i = 0; i < n; i++) {
		put_free(pool, objects[i % NKEPT]);
		objects[i % NKEPT] = put_malloc(pool, SIZE);
	}
}

static __attribute__((noinline)) void
eight(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		VMEM *pool = pools[i % NPOOLS];

		vmem_free(pool, vmem_malloc(pool, SIZE));
	}
}

static __attribute__((noinline)) void
sized(size_t n)
{
	VMEM *pool = pools[0];

	for (size_t i = 0; i < n; i++)
		vmem_free_sized(pool, vmem_malloc(pool, SIZE), SIZE);
}

/* empty_sized -- one more argument to put where the call wants it */
static __attribute__((noinline)) void
empty_sized(size_t n)
{
	VMEM *pool = pools[0];

	for (size_t i = 0; i < n; i++) {
		size_t size = SIZE;
		void *object = put_malloc(pool, SIZE);

#if defined(__x86_64__)
		__asm__ volatile("" : "+d"(size));
#else
		__asm__ volatile("" : "+r"(size));
#endif
		put_free(pool, object);
	}
}

static void *
free_for_other(void *arg)
{
	VMEM *pool = pools[0];

	/* after so many pairs it has a heap of its own */
	for (size_t i = 0; i < WARM; i++)
		vmem_free(pool, vmem_malloc(pool, SIZE));
	for (;;) {
		(void)sem_wait(&other.due);
		if (other.objects[0] == NULL)
			return arg;
		if (other.calls)
			for (size_t i = 0; i < BATCH; i++)
				vmem_free(pool, other.objects[i]);
		else
			for (size_t i = 0; i < BATCH; i++)
				put_free(pool, other.objects[i]);
		(void)sem_post(&other.done);
	}
}

/* hand_over -- n objects in all, or what looks like them without `calls` */
static void
hand_over(size_t n, bool calls)
{
	VMEM *pool = pools[0];
	pthread_t thread;

	other.calls = calls;
	if (sem_init(&other.due, 0, 0) != 0 ||
		sem_init(&other.done, 0, 0) != 0 ||
		pthread_create(&thread, NULL, free_for_other, NULL) != 0) {
		fprintf(stderr, "gate-pair: %s\n", strerror(errno));
		exit(1);
	}
	for (size_t left = n; left >= BATCH; left -= BATCH) {
		if (calls)
			for (size_t i = 0; i < BATCH; i++)
				other.objects[i] = vmem_malloc(pool, SIZE);
		else
			for (size_t i = 0; i < BATCH; i++)
				other.objects[i] = put_malloc(pool, SIZE);
		other.objects[0] = calls ? other.objects[0] : &other;
		(void)sem_post(&other.due);
		(void)sem_wait(&other.done);
	}
	other.objects[0] = NULL;
	(void)sem_post(&other.due);
	(void)pthread_join(thread, NULL);
}

static void
to_other(size_t n)
{
	hand_over(n, true);
}

static void
empty_to_other(size_t n)
{
	hand_over(n, false);
}

static __attribute__((noinline)) void
whole(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		void *object = malloc(SIZE);

		/* else the compiler leaves both calls out */
		__asm__ volatile("" : "+r"(object));
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) it is the same */
		free(object);
	}
}

static __attribute__((noinline)) void
empty_whole(size_t n)
{
	for (size_t i = 0; i < n; i++) {
#if defined(__x86_64__)
		size_t size = SIZE;
		void *object;

		__asm__ volatile(""
				 : "=a"(object), "+D"(size)
				 :
				 : "rsi", CLOBBERS);
		__asm__ volatile("" : "+D"(object) : : "rax", "rsi", CLOBBERS);
#else
		size_t size = SIZE;
		void *object;

		__asm__ volatile("" : "=r"(object), "+r"(size));
		__asm__ volatile("" : "+r"(object) : : "memory");
#endif
	}
}

static __attribute__((noinline)) void
empty_one(size_t n)
{
	VMEM *pool = pools[0];

	for (size_t i = 0; i < n; i++)
		put_free(pool, put_malloc(pool, SIZE));
}

static __attribute__((noinline)) void
empty_eight(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		VMEM *pool = pools[i % NPOOLS];

		put_free(pool, put_malloc(pool, SIZE));
	}
}

static const struct {
	const char *name;
	void (*run)(size_t n);
} works[] = {
	{"one", one},
	{"kept", kept},
	{"eight", eight},
	{"sized", sized},
	{"other", to_other},
	{"whole", whole},
	{"empty-one", empty_one},
	{"empty-kept", empty_kept},
	{"empty-eight", empty_eight},
	{"empty-sized", empty_sized},
	{"empty-other", empty_to_other},
	{"empty-whole", empty_whole},
};

/*
 * make_pools -- eight pools in regions, each used enough to be warm
 *
 * Where a pool lies decides its place in the thread's table; two that meet
 * there cost more.  These do not meet, whatever was mapped before.
 */
static int
make_pools(void)
{
	char *regions =
		mmap((void *)REGIONS, NPOOLS * DISTANCE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				MAP_FIXED_NOREPLACE,
			-1, 0);

	if (regions == MAP_FAILED) {
		fprintf(stderr, "gate-pair: %s\n", strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < NPOOLS; i++) {
		char *region = regions + i * DISTANCE;

		pools[i] = vmem_create_in_region(region, VMEM_MIN_POOL);
		/* an object that stays, so that no slab becomes empty */
		if (pools[i] == NULL || vmem_malloc(pools[i], SIZE) == NULL) {
			fprintf(stderr, "gate-pair: %s\n", vmem_errormsg());
			return -1;
		}
	}
	one(WARM);
	eight((size_t)WARM * NPOOLS);
	return 0;
}

int
main(int argc, char **argv)
{
	size_t n = argc == 3 ? (size_t)strtoul(argv[2], NULL, 10) : 0;

	if (n > 0 && make_pools() != 0)
		return 1;
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		if (n > 0 && strcmp(argv[1], works[i].name) == 0) {
			works[i].run(n);
			return 0;
		}
	fprintf(stderr, "usage: gate-pair "
			"one|kept|eight|sized|other|whole|empty-WORK N\n");
	return 2;
}
