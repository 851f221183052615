/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bench-shared -- what threads of one pool have in common
 *
 * Threads work in one pool, on objects of their own and on each other's.  For a
 * thousand operations (a malloc and a free each) are counted: accesses to
 * memory by the library, those to cache lines that one thread wrote and another
 * one accessed, read-modify-write instructions, locks taken, and how often such
 * a line has to move from one processor's cache to another's.  With objects of
 * their own threads share nothing but what is only read: so more processors
 * cost nothing.
 *
 *     bench-shared [--check]     --check: exit code 1 when that is not so
 */
#include "ledger.h"

#include <libvmem.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define POOL_SIZE ((size_t)256 << 20)

enum {
	LIVE = 1000,   /* objects of a thread */
	NOPS = 200000, /* of a thread, counted */
	SIZE_MIN = 16, /* log-uniform: one of eight doublings */
	DOUBLINGS = 8,
	BURST = 256,
	LARGE = 16, /* of LIVE, large in a scene of these */
	LARGE_MIN = 64 << 10,
	LARGE_DOUBLINGS = 4,
};

/*
 * At most so many shared accesses, and lines that move, in a thousand
 * operations, for --check.  Slabs come from the pool's pages, which all threads
 * share, now and then; and large objects from what a heap keeps, as long as its
 * part of what all may keep is enough: these look at what is shared each time.
 */
#define SHARED_MOST      50.0
#define MOVES_MOST       5.0
#define MOVES_MOST_LARGE 1500.0

struct shares {
	double accesses, moves;
};

struct scene;

struct actor {
	_Alignas(128) pthread_t thread;
	struct scene *scene;
	unsigned number;
	uint32_t random;
	void *objects[LIVE];
};

/* what all threads of a run know */
struct scene {
	VMEM *pool;
	void (*act)(struct actor *actor, size_t nops);
	unsigned nactors;
	pthread_barrier_t barrier;
	struct actor actors[LEDGER_THREADS];
	/* objects on their way from a thread to the next one */
	_Alignas(128) void *handed[LEDGER_THREADS][BURST];
};

static uint32_t
next_random(struct actor *actor)
{
	actor->random = actor->random * 1664525u + 1013904223u;
	return actor->random >> 8;
}

static void *
take_from(struct actor *actor, size_t size_min, unsigned doublings)
{
	uint32_t random = next_random(actor);
	size_t size = size_min << random % doublings;
	void *object;

	size += random / doublings % size;
	object = vmem_malloc(actor->scene->pool, size);
	if (object == NULL) {
		fprintf(stderr, "bench-shared: %s\n", vmem_errormsg());
		exit(1);
	}
	return object;
}

static void *
take(struct actor *actor)
{
	return take_from(actor, SIZE_MIN, DOUBLINGS);
}

/* replace_some -- a random one of its first is freed, and a new one made */
static void
replace_some(struct actor *actor, size_t nops, size_t live, size_t size_min,
	unsigned doublings)
{
	for (size_t i = 0; i < nops; i++) {
		void **object = &actor->objects[next_random(actor) % live];

		vmem_free(actor->scene->pool, *object);
		*object = take_from(actor, size_min, doublings);
	}
}

static void
replace(struct actor *actor, size_t nops)
{
	replace_some(actor, nops, LIVE, SIZE_MIN, DOUBLINGS);
}

static void
replace_large(struct actor *actor, size_t nops)
{
	replace_some(actor, nops, LARGE, LARGE_MIN, LARGE_DOUBLINGS);
}

/* burst -- many are made, then all are freed */
static void
burst(struct actor *actor, size_t nops)
{
	void *objects[BURST];

	for (size_t i = 0; i < nops; i += BURST) {
		for (size_t j = 0; j < BURST; j++)
			objects[j] = take(actor);
		for (size_t j = 0; j < BURST; j++)
			vmem_free(actor->scene->pool, objects[j]);
	}
}

/* hand_over -- each thread frees what the one before it made */
static void
hand_over(struct actor *actor, size_t nops)
{
	struct scene *scene = actor->scene;
	unsigned before = (actor->number + scene->nactors - 1) % scene->nactors;

	for (size_t i = 0; i < nops; i += BURST) {
		for (size_t j = 0; j < BURST; j++)
			scene->handed[actor->number][j] = take(actor);
		(void)pthread_barrier_wait(&scene->barrier);
		for (size_t j = 0; j < BURST; j++)
			vmem_free(scene->pool, scene->handed[before][j]);
		(void)pthread_barrier_wait(&scene->barrier);
	}
}

static void *
actor_main(void *arg)
{
	struct actor *actor = arg;
	struct scene *scene = actor->scene;

	for (size_t i = 0; i < LIVE; i++)
		actor->objects[i] = take(actor);
	scene->act(actor, NOPS);
	(void)pthread_barrier_wait(&scene->barrier);
	ledger_begin(actor->number);
	scene->act(actor, NOPS);
	ledger_end();
	(void)pthread_barrier_wait(&scene->barrier);
	return NULL;
}

/* play -- run a scene with some threads and print its sums; what a thousand
 * operations share, and move */
static struct shares
play(const char *name, void (*act)(struct actor *actor, size_t nops),
	unsigned nactors)
{
	static struct scene scene;
	void *region = mmap(NULL, POOL_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	double thousands = (double)nactors * NOPS / 1000;
	struct ledger_sums sums;

	memset(&scene, 0, sizeof(scene));
	scene.pool = region == MAP_FAILED
			     ? NULL
			     : vmem_create_in_region(region, POOL_SIZE);
	if (scene.pool == NULL) {
		fprintf(stderr, "bench-shared: %s\n", vmem_errormsg());
		exit(1);
	}
	scene.act = act;
	scene.nactors = nactors;
	(void)pthread_barrier_init(&scene.barrier, NULL, nactors);
	ledger_clear();
	for (unsigned i = 0; i < nactors; i++) {
		struct actor *actor = &scene.actors[i];

		actor->scene = &scene;
		actor->number = i;
		actor->random = i + 1;
		if (pthread_create(&actor->thread, NULL, actor_main, actor))
			exit(1);
	}
	for (unsigned i = 0; i < nactors; i++)
		(void)pthread_join(scene.actors[i].thread, NULL);
	sums = ledger_sum();
	(void)pthread_barrier_destroy(&scene.barrier);
	vmem_delete(scene.pool);
	(void)munmap(region, POOL_SIZE);
	printf("%-26s%8u%10.0f%12.2f%10.2f%8.2f%12llu%10.2f\n", name, nactors,
		(double)sums.accesses / thousands,
		(double)sums.shared / thousands,
		(double)sums.atomics / thousands,
		(double)sums.locks / thousands, (unsigned long long)sums.lines,
		(double)sums.moves / thousands);
	return (struct shares){(double)sums.shared / thousands,
		(double)sums.moves / thousands};
}

int
main(int argc, char **argv)
{
	static const unsigned counts[] = {1, 2, 8};
	static const struct {
		const char *name;
		void (*act)(struct actor *actor, size_t nops);
		struct shares most;
	} own[] = {{"own, replaced", replace, {SHARED_MOST, MOVES_MOST}},
		{"own, in bursts", burst, {SHARED_MOST, MOVES_MOST}},
		{"own, large, replaced", replace_large,
			{INFINITY, MOVES_MOST_LARGE}}};
	bool check = argc == 2 && strcmp(argv[1], "--check") == 0;
	bool over = false;

	if (argc > 1 && !check) {
		fprintf(stderr, "usage: bench-shared [--check]\n");
		return 2;
	}
	printf("a thousand operations\n\n%-26s%8s%10s%12s%10s%8s%12s%10s\n", "",
		"threads", "accesses", "to shared", "atomics", "locks",
		"such lines", "moves");
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]);
			j++) {
			struct shares got =
				play(own[i].name, own[i].act, counts[j]);

			over |= got.accesses > own[i].most.accesses ||
				got.moves > own[i].most.moves;
		}
	for (size_t i = 1; i < sizeof(counts) / sizeof(counts[0]); i++)
		(void)play("freed by another", hand_over, counts[i]);
	if (check && over) {
		fprintf(stderr,
			"bench-shared: threads with objects of their own "
			"share more, or wait for each other more, than may "
			"be\n");
		return 1;
	}
	return 0;
}
