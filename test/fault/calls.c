/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * calls.c -- each system call fails once, in all ways it may, and at random
 *
 * A scene is made once to count its calls, and then again for each call and
 * errno.  Whatever fails: nothing that was there is lost, the pool is sound and
 * goes on, errno and message tell, and in the end no descriptor, mapping or
 * file is left.
 *
 * ctest: not-valgrind not-tsan timeout=120
 */
#include "harness/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault/kit/fault.h"
#include "harness/fs.h"
#include "harness/proc.h"
#include "pool/pool.h"

#define OBJECTS       80u
#define POOL_SIZE     ((size_t)16 * MIB)
#define RANDOM_ROUNDS (TEST_SANITIZED ? 8u : 20u)
#define RANDOM_MEAN   4u

struct object {
	unsigned char *at;
	size_t size;
};

struct scene {
	const char *options;     /* VMEM_OPTIONS */
	void (*then)(VMEM *vmp); /* what is done with the pool, or NULL */
	bool in_region;
	bool on_node;   /* by mbind(2); in a file */
	bool in_thread; /* another thread takes objects as well */
};

static struct object objects[OBJECTS];
static char *region;

/* hold -- end the program and say which call's failure broke it */
#define hold(cond) ((cond) ? (void)0 : broken(__LINE__, #cond))

static _Noreturn void
broken(int line, const char *what)
{
	fault_pause();
	fprintf(stderr,
		"calls.c:%d: %s\nafter call %u of %u, %s: %s; errno %s; %s\n",
		line, what, fault_count(), fault_hits(), fault_name(),
		strerrorname_np(fault_errno()), strerrorname_np(errno),
		vmem_errormsg());
	abort();
}

/* told -- a call of the library has failed: is it said right? */
static void
told(void)
{
	int err = errno, cause = fault_errno();
	hold(fault_hits() > 0);
	hold(vmem_errormsg()[0] != '\0');
	/* more than one failure: the last need not be the one that is told */
	if (fault_hits() > 1)
		return;
	/* a mapping that cannot be had is no memory, whatever the reason, and
	 * what cannot be brought behind it is no memory or no space */
	if (fault_was("mmap") || fault_was("mprotect"))
		hold(err == ENOMEM || err == cause);
	else if (fault_was("madvise"))
		hold(err == ENOMEM || err == ENOSPC);
	else if (fault_was("fallocate") && cause == ENOMEM)
		hold(err == ENOSPC);
	else
		hold(err == cause);
}

static void
take(VMEM *vmp, struct object *o, size_t size)
{
	errno = 0;
	o->at = vmem_malloc(vmp, size);
	if (o->at == NULL) {
		hold(errno == ENOMEM);
		return;
	}
	hold(errno == 0);
	o->size = size;
	memset(o->at, (int)(size % 251), size);
}

static void
give(VMEM *vmp, struct object *o)
{
	for (size_t i = 0; i < o->size && o->at != NULL; i++)
		hold(o->at[i] == o->size % 251);
	vmem_free(vmp, o->at);
	o->at = NULL;
}

static size_t
size_of(unsigned i)
{
	return i % 10 == 9 ? (size_t)i * 3000 : (size_t)i * 13 + 1;
}

static void *
other_thread(void *arg)
{
	fault_resume();
	for (unsigned i = OBJECTS / 2; i < OBJECTS; i++)
		take(arg, &objects[i], size_of(i));
	return NULL;
}

static void
use(const struct scene *s, VMEM *vmp)
{
	unsigned n = s->in_thread ? OBJECTS / 2 : OBJECTS;
	for (unsigned i = 0; i < n; i++)
		take(vmp, &objects[i], size_of(i));
	if (s->in_thread) {
		pthread_t thread;
		fault_pause();
		must(pthread_create(&thread, NULL, other_thread, vmp) == 0);
		must(pthread_join(thread, NULL) == 0);
	}
	for (unsigned i = 0; i < OBJECTS; i += 3)
		give(vmp, &objects[i]);
	if (s->then != NULL)
		s->then(vmp);
	for (unsigned i = 0; i < OBJECTS; i += 3)
		take(vmp, &objects[i], size_of(OBJECTS - i));
}

/* verify -- with all calls made again: nothing is lost, and it goes on */
static void
verify(VMEM *vmp)
{
	fault_pause();
	hold(vmem_check(vmp) == 1);
	for (unsigned i = 0; i < OBJECTS; i++) {
		give(vmp, &objects[i]);
		take(vmp, &objects[i], size_of(i));
		hold(objects[i].at != NULL);
	}
	hold(vmem_check(vmp) == 1);
	for (unsigned i = 0; i < OBJECTS; i++)
		give(vmp, &objects[i]);
	hold(vmem_check(vmp) == 1);
	fault_resume();
}

static VMEM *
create(const struct scene *s)
{
	struct pool_want want;
	int err = 0;
	if (s->in_region)
		return vmem_create_in_region(region, POOL_SIZE);
	if (!s->on_node)
		return vmem_create(test_dir(), POOL_SIZE);
	pool_want_init(&want, BACKING_AT_PATH, POOL_SIZE, POOL_SIZE);
	want.backing.path = test_dir();
	want.backing.numa.policy = NUMA_BIND;
	want.backing.numa.nodes[0] = 1;
	VMEM *vmp = pool_create(&want, &err);
	errno = err;
	return vmp;
}

/* play -- the scene, under the plan that is on */
static void
play(const struct scene *s)
{
	errno = 0;
	VMEM *vmp = create(s);
	if (vmp == NULL) {
		told();
		fault_pause();
		return;
	}
	hold(errno == 0);
	use(s, vmp);
	verify(vmp);
	errno = 0;
	vmem_delete(vmp);
	if (errno != 0) {
		/* the first page of a region cannot be opened: nothing is gone
		 */
		hold(s->in_region && fault_was("mprotect"));
		told();
		verify(vmp);
		fault_pause();
		errno = 0;
		vmem_delete(vmp);
		hold(errno == 0);
	}
	fault_pause();
}

/* remove_files -- those whose names could not be taken away */
static void
remove_files(void)
{
	DIR *dir = opendir(test_dir());
	const struct dirent *e;
	must(dir != NULL);
	while ((e = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), e->d_name, 0);
	(void)closedir(dir);
}

/* left_nothing -- but what no program can get rid of when that is refused */
static void
left_nothing(struct proc_count before)
{
	hold(region == NULL || proc_can_read(region));
	if (!fault_was("munmap"))
		hold(proc_is_unchanged(before));
	if (fault_was("unlinkat"))
		remove_files();
	else
		hold(fs_nfiles(test_dir()) == 0);
}

static void
sweep(const struct scene *s)
{
	unsigned ncalls, nruns = 0;
	must(setenv("VMEM_OPTIONS", s->options, 1) == 0);
	fault_pause();
	(void)test_dir();
	fault_none();
	play(s); /* what is made once in a process */
	struct proc_count before = proc_count();
	size_t memory = test_vm_size();
	fault_none();
	play(s);
	ncalls = fault_count();
	left_nothing(before);
	assert_true(ncalls > 0);
	bool unmapped = true;
	for (unsigned at = 1; at <= ncalls; at++) {
		unsigned which = 0, nerrnos;
		do {
			fault_at(at, which);
			play(s);
			nerrnos = fault_nerrnos();
			left_nothing(before);
			unmapped &= !fault_was("munmap");
			if (fault_was("munmap"))
				before = proc_count();
			nruns++;
		} while (++which < nerrnos);
	}
	if (unmapped && !TEST_SANITIZED)
		assert_true(test_vm_size() <= memory + MIB);
	print_message("%u calls, %u runs\n", ncalls, nruns);
	for (unsigned seed = 1; seed <= RANDOM_ROUNDS; seed++) {
		before = proc_count();
		fault_random(RANDOM_MEAN + seed % 16, seed);
		play(s);
		left_nothing(before);
	}
}

static void
trim(VMEM *vmp)
{
	errno = 0;
	int rc = vmem_trim(vmp, 0);
	hold(rc == 0 || rc == 1);
	hold(errno == 0);
}

static void
profile(VMEM *vmp)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/profile", test_dir());
	errno = 0;
	if (vmem_profile_start(vmp, 1) != 0) {
		told();
		return;
	}
	take(vmp, &objects[0], 100);
	unsigned hits = fault_hits();
	errno = 0;
	if (vmem_profile_dump(vmp, path) != 0)
		told();
	else if (fault_hits() == hits + 1 && fault_errno() != EINTR)
		hold(strcmp(fault_name(), "write") != 0);
	hold(vmem_profile_stop(vmp) == 0);
	fault_pause();
	(void)unlink(path);
	fault_resume();
}

static void
figures(VMEM *vmp)
{
	struct vmem_stats stats;
	errno = 0;
	int rc = vmem_check(vmp);
	hold(rc == 1 || (rc == -1 && errno == ENOMEM));
	errno = 0;
	if (vmem_stats_get(vmp, &stats, sizeof(stats)) != 0)
		told();
	vmem_stats_print(vmp, "J");
}

static void
file__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	sweep(&(struct scene){.options = ""});
}

static void
sparse_file__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	sweep(&(struct scene){.options = "sparse=1,decay=0", .then = trim});
}

static void
prefaulted_file__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	sweep(&(struct scene){.options = "prefault=1,huge=1", .then = trim});
}

static void
region__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	region = mmap(NULL, POOL_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(region != MAP_FAILED);
	sweep(&(struct scene){.options = "sparse=1,hardening=2",
		.then = trim,
		.in_region = true});
	must(munmap(region, POOL_SIZE) == 0);
	region = NULL;
}

static void
profile__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	sweep(&(struct scene){.options = "sparse=1", .then = profile});
}

static void
figures__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	sweep(&(struct scene){.options = "sparse=1", .then = figures});
}

static void
threads__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	sweep(&(struct scene){
		.options = "sparse=1", .then = trim, .in_thread = true});
}

static void
node__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	sweep(&(struct scene){.options = "sparse=1", .on_node = true});
}

static void
old_system__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	fault_old_system(true);
	sweep(&(struct scene){.options = "sparse=1"});
	fault_old_system(false);
}

/* again -- this program, in which every call of the name fails */
static int
again(void *name)
{
	must(setenv(FAULT_ALWAYS, name, 1) == 0);
	(void)execl("/proc/self/exe", "calls", (char *)NULL);
	return 1;
}

static void
start__calls_that_always_fail__works(void **state)
{
	(void)state;
	assert_int_equal(test_child(again, (char[]){"pthread_key_create"}), 0);
	assert_int_equal(test_child(again, (char[]){"syscall"}), 0);
	assert_int_equal(test_child(again, (char[]){"getrandom"}), 0);
}

/* play_all -- what that program does */
static int
play_all(void)
{
	const struct scene plain = {.options = ""};
	const struct scene threads = {
		.options = "sparse=1", .then = trim, .in_thread = true};
	fault_pause();
	(void)test_dir();
	fault_none();
	play(&plain);
	must(setenv("VMEM_OPTIONS", threads.options, 1) == 0);
	fault_none();
	play(&threads);
	return EXIT_SUCCESS;
}

static void
drop_text(const char *text)
{
	(void)text;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file__each_call_fails__nothing_is_lost),
		cmocka_unit_test(sparse_file__each_call_fails__nothing_is_lost),
		cmocka_unit_test(
			prefaulted_file__each_call_fails__nothing_is_lost),
		cmocka_unit_test(region__each_call_fails__nothing_is_lost),
		cmocka_unit_test(profile__each_call_fails__nothing_is_lost),
		cmocka_unit_test(figures__each_call_fails__nothing_is_lost),
		cmocka_unit_test(threads__each_call_fails__nothing_is_lost),
		cmocka_unit_test(node__each_call_fails__nothing_is_lost),
		cmocka_unit_test(old_system__each_call_fails__nothing_is_lost),
		cmocka_unit_test(start__calls_that_always_fail__works),
	};

	vmem_set_funcs(NULL, NULL, NULL, NULL, drop_text);
	if (getenv(FAULT_ALWAYS) != NULL)
		return play_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
