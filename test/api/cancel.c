/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cancel.c -- no function is where a cancelled thread ends
 *
 * A thread that is to be cancelled, in the default way, goes through each call
 * of the library as if it were not, and ends at its own next cancellation
 * point: so no lock is left held, no pool frozen, no descriptor open.
 *
 * ctest: threads
 */
#include "harness/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include "harness/fs.h"
#include "harness/threads.h"

#define POOL_BYTES (16 * MIB)

/* what the calls work on */
struct world {
	VMEM *vmp;   /* made in a file */
	VMEM *other; /* of a region */
	void *region;
	VMEM *made;
	void *ptr;
	void *ptrs[200];
	int fd;
	char path[256];
};

static void
create_in_dir(struct world *w)
{
	w->made = vmem_create(test_dir(), POOL_BYTES);
	must(w->made != NULL);
}

static void
create_in_region(struct world *w)
{
	w->made = vmem_create_in_region(w->region, POOL_BYTES);
	must(w->made != NULL);
}

static void
create_in_no_dir(struct world *w)
{
	(void)w;
	must(vmem_create("/no/such/place", POOL_BYTES) == NULL);
}

static void
create_in_fd(struct world *w)
{
	struct vmem_options options;

	must(vmem_options_init(&options, sizeof(options)) == 0);
	options.source = VMEM_SOURCE_FD;
	options.fd = w->fd;
	options.size = POOL_BYTES;
	options.prefault = 1;
	w->made = vmem_create_opts(&options);
	must(w->made != NULL);
}

static void
delete_made(struct world *w)
{
	vmem_delete(w->made);
	w->made = NULL;
}

static void
check(struct world *w)
{
	must(vmem_check(w->vmp) == 1);
	must(vmem_check(NULL) == -1);
}

/* what is found is logged */
static void
check_damaged(struct world *w)
{
	/* the header's checksum is in its second word */
	uint64_t *word = (uint64_t *)(uintptr_t)((uintptr_t)w->other + 4096 +
						 sizeof(uint64_t));

	*word ^= 1;
	must(vmem_check(w->other) == 0);
	*word ^= 1;
	must(vmem_check(w->other) == 1);
}

static void
print_statistics(struct world *w)
{
	vmem_stats_print(w->vmp, "");
	vmem_stats_print(w->vmp, "J");
}

static void
get_statistics(struct world *w)
{
	struct vmem_stats stats;

	must(vmem_stats_get(w->vmp, &stats, sizeof(stats)) == 0);
}

static void
make_and_free_all(struct world *w)
{
	size_t usable;
	void *p;

	for (size_t size = 1; size < POOL_BYTES; size *= 3) {
		p = vmem_malloc(w->vmp, size);
		if (p == NULL)
			break;
		p = vmem_realloc(w->vmp, p, size + 100);
		must(p != NULL && vmem_malloc_usable_size(w->vmp, p) > size);
		must(vmem_pool_of(p) == w->vmp);
		p = vmem_move(w->other, w->vmp, p);
		vmem_free(w->other, p);
	}
	vmem_free(w->vmp, vmem_calloc(w->vmp, 3, 10000));
	vmem_free(w->vmp, vmem_aligned_alloc(w->vmp, 1 << 16, 100));
	vmem_free(w->vmp, vmem_strdup(w->vmp, "text"));
	vmem_free(w->vmp, vmem_wcsdup(w->vmp, L"text"));
	vmem_free(w->vmp, vmem_malloc_at_least(w->vmp, 33, &usable));
	vmem_free_batch(w->vmp, w->ptrs,
		vmem_malloc_batch(w->vmp, 50, NELEM(w->ptrs), w->ptrs));
	/* misuse has a text, and no room is looked for everywhere */
	vmem_free(w->vmp, w->ptrs);
	must(vmem_malloc(w->vmp, 2 * POOL_BYTES) == NULL);
	must(vmem_malloc(w->vmp, POOL_BYTES - 8 * 4096) == NULL);
	must(vmem_errormsg()[0] != '\0');
}

static void
trim(struct world *w)
{
	must(vmem_trim(w->vmp, 0) >= 0);
	must(vmem_decay(w->vmp, 1000) == 0);
}

static void
start_profile(struct world *w)
{
	must(vmem_profile_start(w->vmp, 1) == 0);
}

static void
dump_profile(struct world *w)
{
	must(vmem_profile_dump(w->vmp, w->path) == 0);
	must(vmem_profile_dump(w->vmp, "/no/such/place") == -1);
}

static void
stop_profile(struct world *w)
{
	must(vmem_profile_stop(w->vmp) == 0);
}

static void
library(struct world *w)
{
	(void)w;
	must(vmem_check_version(VMEM_MAJOR_VERSION, VMEM_MINOR_VERSION) ==
		NULL);
	must(vmem_check_version(0, 0) != NULL);
	vmem_set_funcs(NULL, NULL, NULL, NULL, NULL);
}

static const struct call {
	const char *name;
	void (*fn)(struct world *w);
} calls[] = {
	{"vmem_create", create_in_dir},
	{"vmem_delete of a file", delete_made},
	{"vmem_create_in_region", create_in_region},
	{"vmem_delete of a region", delete_made},
	{"vmem_create that fails", create_in_no_dir},
	{"vmem_create_opts", create_in_fd},
	{"vmem_delete of a descriptor", delete_made},
	{"vmem_check", check},
	{"vmem_check with a finding", check_damaged},
	{"vmem_stats_print", print_statistics},
	{"vmem_stats_get", get_statistics},
	{"functions on objects", make_and_free_all},
	{"vmem_trim", trim},
	{"vmem_profile_start", start_profile},
	{"functions on objects, with a profile", make_and_free_all},
	{"vmem_profile_dump", dump_profile},
	{"vmem_profile_stop", stop_profile},
	{"vmem_check_version, vmem_set_funcs", library},
};

struct run {
	const struct call *call;
	struct world *world;
	bool returned;
};

static void *
run_cancelled(void *arg)
{
	struct run *run = arg;

	must(pthread_cancel(pthread_self()) == 0);
	run->call->fn(run->world);
	run->returned = true;
	pthread_testcancel();
	return NULL;
}

static size_t
nfds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	(void)snprintf(w->path, sizeof(w->path), "%s/profile.txt", test_dir());
	w->vmp = test_file_pool(POOL_BYTES);
	w->other = test_pool(POOL_BYTES);
	w->region = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(w->region != MAP_FAILED);
	w->fd = open(test_dir(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	must(w->fd >= 0);
	/* this opens the file of the log, which stays open */
	vmem_stats_print(w->vmp, "");
}

static void
world_close(struct world *w)
{
	vmem_delete(w->vmp);
	test_pool_delete(w->other, POOL_BYTES);
	must(munmap(w->region, POOL_BYTES) == 0);
	must(close(w->fd) == 0);
	must(unlink(w->path) == 0);
}

static void
calls__by_a_cancelled_thread__return(void **state)
{
	struct world w;
	size_t open_before;

	(void)state;
	world_open(&w);
	open_before = nfds();
	for (size_t i = 0; i < NELEM(calls); i++) {
		struct run run = {&calls[i], &w, false};
		pthread_t thread;
		void *end;

		assert_int_equal(
			pthread_create(&thread, NULL, run_cancelled, &run), 0);
		assert_int_equal(pthread_join(thread, &end), 0);
		assert_ptr_equal(end, PTHREAD_CANCELED);
		if (!run.returned)
			fail_msg("%s does not return", calls[i].name);
		assert_int_equal(nfds(), open_before);
	}
	assert_int_equal(vmem_check(w.vmp), 1);
	world_close(&w);
}

/* threads that are cancelled at some moment, and what they held is not lost */
static void *
allocate_until_cancelled(void *vmp)
{
	for (unsigned i = 0;; i++) {
		void *p = vmem_malloc(vmp, i % 5000 + 1);

		must(p != NULL);
		if (i % 64 == 0)
			vmem_stats_print(vmp, "");
		vmem_free(vmp, p);
		if (i % 200 == 0)
			pthread_testcancel();
	}
	return NULL;
}

static void
cancel__of_threads_that_allocate__leaves_the_pool_whole(void **state)
{
	VMEM *vmp = test_pool(POOL_BYTES);
	pthread_t threads[8];
	void *end;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		for (size_t i = 0; i < NELEM(threads); i++)
			assert_int_equal(pthread_create(&threads[i], NULL,
						 allocate_until_cancelled, vmp),
				0);
		for (size_t i = 0; i < NELEM(threads); i++) {
			assert_int_equal(pthread_cancel(threads[i]), 0);
			assert_int_equal(pthread_join(threads[i], &end), 0);
			assert_ptr_equal(end, PTHREAD_CANCELED);
		}
		assert_int_equal(vmem_check(vmp), 1);
	}
	/* the heaps of all of them have been given back */
	assert_non_null(vmem_malloc(vmp, 14 * MIB));
	test_pool_delete(vmp, POOL_BYTES);
}

static void *
free_twice_when_cancelled(void *vmp)
{
	void *p = vmem_malloc(vmp, 100);

	must(p != NULL && pthread_cancel(pthread_self()) == 0);
	vmem_free(vmp, p);
	vmem_free(vmp, p);
	return NULL;
}

static int
abort_when_cancelled(void *arg)
{
	(void)arg;
	must(setenv("VMEM_OPTIONS", "abort=1", 1) == 0);
	in_thread(free_twice_when_cancelled, test_pool(POOL_BYTES));
	return 0;
}

/* to write the last words is where the thread would end, alone */
static void
abort__by_a_cancelled_thread__ends_the_process(void **state)
{
	char out[4096];

	(void)state;
	assert_int_equal(
		test_child_output(abort_when_cancelled, NULL, out, sizeof(out)),
		TEST_SIGNAL(SIGABRT));
	assert_non_null(strstr(out, "freed already"));
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls__by_a_cancelled_thread__return),
		cmocka_unit_test(
			cancel__of_threads_that_allocate__leaves_the_pool_whole),
		cmocka_unit_test(
			abort__by_a_cancelled_thread__ends_the_process),
	};

	(void)argc;
	/* the library reads these when it is loaded */
	if (getenv("VMEM_LOG_FILE") == NULL) {
		(void)setenv("VMEM_LOG_FILE", "/dev/null", 1);
		(void)setenv("VMEM_LOG_LEVEL", "4", 1);
		(void)execv("/proc/self/exe", argv);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
