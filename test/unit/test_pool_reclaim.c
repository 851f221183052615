/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * test_pool_reclaim.c -- no thread finds a pool full while another, that is
 * alive and does nothing, holds unused memory of it
 *
 * ctest: timeout=300
 */
#include "pool/pool_internal.h"

#include "harness/test.h"

#include <pthread.h>
#include <string.h>

#define POOL_BYTES (14 * MIB)
#define MOST       400000

#define THREADS 4

/* a thread that comes to hold memory that nobody uses, and then idles */
struct idler {
	pthread_t thread;
	void (*hold)(struct idler *self);
	void *kept[2048]; /* objects that stay live */
	size_t nkept;
	void *p[8192];
};

static VMEM *vmp;
static struct idler idlers[THREADS];
static pthread_barrier_t holding, ending; /* all idlers and the main thread */
static void *filler[MOST];                /* the main thread's objects */
static size_t nfiller;

static void *
idle(void *arg)
{
	struct idler *self = arg;

	self->nkept = 0;
	self->hold(self);
	pthread_barrier_wait(&holding);
	pthread_barrier_wait(&ending);
	return NULL;
}

static void *
must_malloc(size_t size)
{
	void *p = vmem_malloc(vmp, size);

	must(p != NULL);
	return p;
}

/* private_heap -- work until the thread has a heap of its own */
static void
private_heap(void)
{
	if (!thread_fast_allowed())
		return; /* there are none on this kernel */
	for (int i = 0; i < 300; i++)
		vmem_free(vmp, must_malloc(24));
	must(thread_entry(vmp)->heap != NULL);
}

/* pass -- allocate n objects and free them, but for each `keep`-th */
static void
pass(struct idler *self, size_t n, size_t size, size_t keep)
{
	must(n <= NELEM(self->p));
	for (size_t i = 0; i < n; i++)
		self->p[i] = must_malloc(size);
	for (size_t i = 0; i < n; i++) {
		if (keep != 0 && i % keep == 0)
			self->kept[self->nkept++] = self->p[i];
		else
			vmem_free(vmp, self->p[i]);
	}
}

static void
hold_lifos(struct idler *self)
{
	private_heap();
	for (size_t size = 16; size <= 8192; size *= 2)
		pass(self, 16, size, 0);
}

static void
hold_empty_slabs(struct idler *self)
{
	private_heap();
	for (size_t size = 64; size <= 4096; size *= 2)
		pass(self, 500 * KIB / size, size, 0);
}

static void
hold_partial_slabs(struct idler *self)
{
	private_heap();
	pass(self, 8192, 64, 60);
}

static void
hold_run_cache(struct idler *self)
{
	private_heap();
	for (size_t npages = 9; npages < 30; npages++)
		pass(self, 1, npages * RUN_PAGE, 0);
}

/* all of them: the main thread frees them, which it does with remote bits */
static void
hold_for_others(struct idler *self)
{
	private_heap();
	pass(self, 2000, 1000, 1);
}

/* the same, and its slabs are all full: they are queued in its inbox */
static void
hold_queued(struct idler *self)
{
	private_heap();
	pass(self, 1500, 200, 1);
	pass(self, 500, 3000, 0);
}

static void
free_kept(struct idler *self)
{
	while (self->nkept > 0)
		vmem_free(vmp, self->kept[--self->nkept]);
}

/* fill -- objects of one size until the pool is full; how many there were */
static size_t
fill(size_t size)
{
	size_t n = 0;

	while (nfiller < MOST) {
		void *p = vmem_malloc(vmp, size);

		if (p == NULL)
			break;
		memset(p, 0x5a, size);
		filler[nfiller++] = p;
		n++;
	}
	must(nfiller < MOST);
	must(errno == ENOMEM);
	return n;
}

static void
empty(void)
{
	while (nfiller > 0)
		vmem_free(vmp, filler[--nfiller]);
}

/*
 * fill_beside -- fill a pool whose idle threads hold what `hold` makes them
 * hold; remote: the main thread has freed their objects
 * Returns how many objects there were.
 */
static size_t
fill_beside(
	void (*hold)(struct idler *self), size_t size, size_t n, bool remote)
{
	size_t count, again;

	vmp = test_pool(POOL_BYTES);
	vmem_free(vmp, must_malloc(1));
	must(pthread_barrier_init(&holding, NULL, (unsigned)n + 1) == 0);
	must(pthread_barrier_init(&ending, NULL, (unsigned)n + 1) == 0);
	for (size_t i = 0; i < n; i++) {
		idlers[i].hold = hold;
		must(pthread_create(
			     &idlers[i].thread, NULL, idle, &idlers[i]) == 0);
	}
	pthread_barrier_wait(&holding);
	for (size_t i = 0; i < n && remote; i++)
		free_kept(&idlers[i]);
	count = fill(size);
	must(vmem_check(vmp) == 1);
	empty();
	for (size_t i = 0; i < n; i++)
		free_kept(&idlers[i]);
	must(vmem_check(vmp) == 1);
	/* what was partly used is whole again, with the threads still there */
	again = fill(size);
	if (again + 64 * KIB / size < count)
		print_message("  %zu again of %zu\n", again, count);
	must(again + 64 * KIB / size >= count);
	empty();
	pthread_barrier_wait(&ending);
	for (size_t i = 0; i < n; i++)
		must(pthread_join(idlers[i].thread, NULL) == 0);
	must(vmem_check(vmp) == 1);
	test_pool_delete(vmp, POOL_BYTES);
	pthread_barrier_destroy(&holding);
	pthread_barrier_destroy(&ending);
	return count;
}

/*
 * assert_all_found -- as many objects as alone, but for the threads' heaps and
 * the bytes of objects that live
 */
static void
assert_all_found(void (*hold)(struct idler *self), bool remote, size_t live)
{
	static const size_t sizes[] = {48, 64, 200, 1000, 4096, 9000, 100000};
	struct run_space rs = {.npages = POOL_BYTES / RUN_PAGE};
	struct heap_dir dir;

	dir_layout(&dir, &rs, HARDENING_DEFAULT);
	for (size_t i = TEST_SANITIZED ? 3 : 0; i < NELEM(sizes); i++) {
		size_t size = sizes[i];
		size_t alone = fill_beside(hold, size, 0, false);

		for (size_t n = 1; n <= THREADS; n += THREADS - 1) {
			size_t beside = fill_beside(hold, size, n, remote);
			size_t given =
				n * ((heap_pages(&dir) + 4) * RUN_PAGE + live);

			/*
			 * and what lies between heaps and descriptors, which
			 * is too short for larger objects and their slabs
			 */
			given += 64 * KIB;
			if (size > RUN_PAGE)
				given += POOL_BYTES / 40 + n * size;
			print_message("  %6zu bytes, %zu idle: %zu of %zu\n",
				size, n, beside, alone);
			assert_true(beside * size + given >= alone * size);
		}
	}
}

static void
alloc__beside_lifos__finds_them(void **state)
{
	(void)state;
	assert_all_found(hold_lifos, false, 0);
}

static void
alloc__beside_empty_slabs__finds_them(void **state)
{
	(void)state;
	assert_all_found(hold_empty_slabs, false, 0);
}

static void
alloc__beside_run_caches__finds_them(void **state)
{
	(void)state;
	assert_all_found(hold_run_cache, false, 0);
}

static void
alloc__beside_slots_freed_by_others__finds_them(void **state)
{
	(void)state;
	assert_all_found(hold_for_others, true, 0);
}

static void
alloc__beside_queued_slabs__finds_them(void **state)
{
	(void)state;
	assert_all_found(hold_queued, true, 0);
}

/* slots between live objects serve their own size, and nothing else */
static void
alloc__beside_partial_slabs__uses_their_slots(void **state)
{
	size_t alone, beside, nlive = 8192 / 60 + 1;

	(void)state;
	alone = fill_beside(hold_partial_slabs, 64, 0, false);
	beside = fill_beside(hold_partial_slabs, 64, THREADS, false);
	print_message("  %zu of %zu\n", beside, alone);
	assert_true((beside + THREADS * nlive) * 64 + THREADS * 48 * KIB >=
		    alone * 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alloc__beside_lifos__finds_them),
		cmocka_unit_test(alloc__beside_empty_slabs__finds_them),
		cmocka_unit_test(alloc__beside_run_caches__finds_them),
		cmocka_unit_test(
			alloc__beside_slots_freed_by_others__finds_them),
		cmocka_unit_test(alloc__beside_queued_slabs__finds_them),
		cmocka_unit_test(alloc__beside_partial_slabs__uses_their_slots),
	};

	pool_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
