/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * forks.c -- each system call around a fork fails, in parent and in child
 *
 * Of pools that are shared with the child, made private, or copied into a file
 * or into memory.  Each run is a process of its own, since what must not fail
 * ends it: with the contract's line, and only where nothing else can be done.
 * Else both sides find what they had, their pools are sound and go on, and
 * nothing is left of a pool that is deleted.
 *
 * ctest: not-valgrind not-tsan not-aarch64 timeout=240
 */
#include "harness/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault/kit/fault.h"
#include "harness/fs.h"
#include "harness/proc.h"
#include "pool/pool.h"
#include "pool/registry.h"

#define NOBJECTS    40u
#define NFORKS      2u
#define ROOM_MIB    64
#define RANDOM_RUNS (TEST_ASAN ? 5u : 15u)
#define RANDOM_MEAN 5u
#define NO_POOL     3 /* exit statuses of a run: it could not be made, */
#define CHILD_ENDED 4 /* a child has ended itself, */
#define WRONG       5 /* a fault */
#define TEXT_MOST   512
#define CLONING     "Error (libvmem): pool cloning failed\n"
#define REMAPPING   "Error (libvmem): remapping failed\n"

struct scene {
	enum pool_fork mode;
	enum fault_side side;
	const char *dir;
	bool in_region;  /* instead of a file */
	bool no_shadow;  /* as if there had been no room for it */
	bool from_start; /* the pool's creation belongs to it */
	/* whose single failure ends the process; words */
	const char *parent, *child;
};

static struct held {
	unsigned char *at;
	size_t size;
} objects[NOBJECTS];

static char *region;

/* hold -- end the run and say which call's failure broke it */
#define hold(cond) ((cond) ? (void)0 : broken(__LINE__, #cond))

static _Noreturn void
broken(int line, const char *what)
{
	fault_pause();
	fprintf(stderr, "forks.c:%d: %s; errno %s; %s\n", line, what,
		strerrorname_np(errno), vmem_errormsg());
	_exit(WRONG);
}

static size_t
size_of(unsigned i)
{
	return i % 8 == 7 ? (size_t)i * 3000 : (size_t)i * 29 + 1;
}

static void
take(VMEM *vmp, struct held *o, size_t size)
{
	errno = 0;
	o->at = vmem_malloc(vmp, size);
	o->size = size;
	if (o->at == NULL)
		hold(errno == ENOMEM);
	else
		memset(o->at, (int)(size % 251), size);
}

static void
give(VMEM *vmp, struct held *o)
{
	for (size_t i = 0; i < o->size && o->at != NULL; i++)
		hold(o->at[i] == o->size % 251);
	vmem_free(vmp, o->at);
	o->at = NULL;
}

/* renew -- some objects, each of which holds what it did */
static void
renew(VMEM *vmp, unsigned from)
{
	for (unsigned i = from; i < NOBJECTS; i += 2) {
		give(vmp, &objects[i]);
		take(vmp, &objects[i], size_of((i + 5) % NOBJECTS));
	}
}

/* verify -- with all calls made again: nothing is lost, and it goes on */
static void
verify(VMEM *vmp)
{
	fault_pause();
	hold(vmem_check(vmp) == 1);
	for (unsigned i = 0; i < NOBJECTS; i++) {
		give(vmp, &objects[i]);
		take(vmp, &objects[i], size_of(i));
		hold(objects[i].at != NULL);
	}
	hold(vmem_check(vmp) == 1);
}

/* left_nothing -- but what cannot be got rid of when that is refused */
static void
left_nothing(VMEM *vmp, struct proc_count before)
{
	errno = 0;
	vmem_delete(vmp);
	hold(errno == 0);
	hold(region == NULL || proc_can_read(region));
	/* what is not known to be the pool's descriptor is left as it is */
	if (!fault_was("munmap") && !fault_was("fstat"))
		hold(proc_is_unchanged(before));
}

static VMEM *
create(const struct scene *s)
{
	struct pool_want want;
	int err = 0;
	if (s->in_region)
		return vmem_create_in_region(region, VMEM_MIN_POOL);
	pool_want_init(&want, BACKING_AT_PATH, VMEM_MIN_POOL, VMEM_MIN_POOL);
	want.backing.path = want.fork_path = s->dir;
	want.backing.sparse = true;
	want.at_fork = s->mode;
	return pool_create(&want, &err);
}

static _Noreturn void
be_child(const struct scene *s, VMEM *vmp, struct proc_count before)
{
	renew(vmp, 0);
	/* in a copy: it may not be known, but is not called damage */
	hold(vmem_check(vmp) != 0);
	verify(vmp);
	/* what is shared is the parent's as well, and it gets it back */
	if (s->mode != POOL_FORK_SHARE)
		left_nothing(vmp, before);
	_exit(0);
}

/* wait_for -- a child; returns whether it has ended itself */
static bool
wait_for(pid_t pid)
{
	int status;
	hold(pid > 0);
	while (waitpid(pid, &status, 0) != pid)
		hold(errno == EINTR);
	if (WIFSIGNALED(status))
		hold(WTERMSIG(status) == SIGABRT);
	else
		hold(WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* run -- the scene, under the plan that is on; in a process of its own */
static int
run(void *arg)
{
	const struct scene *s = arg;
	struct proc_count before = proc_count();
	bool ended = false;
	fault_own();
	if (s->from_start)
		fault_resume();
	VMEM *vmp = create(s);
	if (vmp == NULL)
		return NO_POOL;
	if (s->no_shadow) {
		struct backing *b = &registry_at(0)->backing;
		must(munmap(b->shadow, b->size) == 0);
		b->shadow = NULL;
	}
	for (unsigned i = 0; i < NOBJECTS; i++)
		take(vmp, &objects[i], size_of(i));
	fault_resume();
	for (unsigned i = 0; i < NFORKS; i++) {
		pid_t pid = fork();
		if (pid == 0)
			be_child(s, vmp, before);
		/* a guest changes what its parent has */
		if (s->mode != POOL_FORK_SHARE)
			renew(vmp, 1);
		fault_pause();
		ended |= wait_for(pid);
		if (s->mode == POOL_FORK_SHARE && !s->in_region)
			for (unsigned o = 0; o < NOBJECTS; o++)
				objects[o].at = NULL;
		fault_resume();
		renew(vmp, 0);
	}
	verify(vmp);
	left_nothing(vmp, before);
	return ended ? CHILD_ENDED : 0;
}

/* is_last_lines -- what the contract says of such an end: of the parent's, and
 * of each of its children's */
static bool
is_last_lines(const struct scene *s, const char *text)
{
	bool any = *text != '\0';
	while (*text != '\0') {
		if (strncmp(text, REMAPPING, strlen(REMAPPING)) == 0)
			text += strlen(REMAPPING);
		else if (s->mode == POOL_FORK_COPY &&
			 strncmp(text, CLONING, strlen(CLONING)) == 0)
			text += strlen(CLONING);
		else
			return false;
	}
	return any;
}

/* judge -- what has become of a run */
static void
judge(const struct scene *s, int status, const char *text)
{
	bool ended = status == TEST_SIGNAL(SIGABRT) || status == CHILD_ENDED;
	bool told = is_last_lines(s, text) || fault_was("write");
	bool allowed = fault_hits() > 1 ||
		       (s->side != FAULT_CHILDREN && fault_is_of(s->parent)) ||
		       (s->side != FAULT_HERE && fault_is_of(s->child));
	bool fine = (status == 0 && *text == '\0') ||
		    (status == NO_POOL && s->from_start) ||
		    (ended && told && allowed);
	if (!fine)
		fail_msg("status %d after call %u, %u failed, last %s: %s; %s",
			status, fault_count(), fault_hits(), fault_name(),
			strerrorname_np(fault_errno()), text);
	if (s->dir != NULL)
		assert_int_equal(fs_nfiles(s->dir), 0);
}

static void
play(const struct scene *s)
{
	char text[TEXT_MOST];
	fault_pause();
	int status = test_child_output(
		run, (void *)(uintptr_t)s, text, sizeof(text));
	fault_pause();
	judge(s, status, text);
}

static void
sweep(const struct scene *s)
{
	unsigned ncalls, nruns = 0;
	fault_none();
	fault_side(s->side);
	play(s);
	ncalls = fault_count();
	assert_true(ncalls > 0);
	for (unsigned at = 1; at <= ncalls; at++) {
		unsigned which = 0, nerrnos;
		do {
			fault_at(at, which);
			fault_side(s->side);
			play(s);
			nerrnos = TEST_ASAN ? 1 : fault_nerrnos();
			nruns++;
		} while (++which < nerrnos);
	}
	print_message("%u calls, %u runs\n", ncalls, nruns);
}

static void
at_random(const struct scene *s)
{
	for (unsigned seed = 1; seed <= RANDOM_RUNS; seed++) {
		fault_random(RANDOM_MEAN + seed % 16, seed);
		fault_side(FAULT_EVERYWHERE);
		play(s);
	}
}

/* all -- in the parent, in its children, and at random in both */
static void
all(struct scene s)
{
	s.side = FAULT_HERE;
	sweep(&s);
	s.side = FAULT_CHILDREN;
	sweep(&s);
	s.side = FAULT_EVERYWHERE;
	at_random(&s);
}

static void
shared_file__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	all((struct scene){.mode = POOL_FORK_SHARE, .dir = test_dir()});
}

static void
region__each_call_fails__nothing_is_lost(void **state)
{
	(void)state;
	region = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(region != MAP_FAILED);
	all((struct scene){.mode = POOL_FORK_SHARE, .in_region = true});
	must(munmap(region, VMEM_MIN_POOL) == 0);
	region = NULL;
}

#define REMAPS "mprotect mremap"
#define CLONES "open ftruncate fallocate pwrite"

static void
private__each_call_fails__is_so_or_ends(void **state)
{
	(void)state;
	all((struct scene){.mode = POOL_FORK_PRIVATE,
		.dir = test_dir(),
		.parent = REMAPS});
}

static void
copied_file__each_call_fails__is_so_or_ends(void **state)
{
	(void)state;
	all((struct scene){.mode = POOL_FORK_COPY,
		.dir = test_dir(),
		.parent = CLONES,
		.child = "mmap"});
}

static void
copied_memory__each_call_fails__is_so_or_ends(void **state)
{
	(void)state;
	all((struct scene){.mode = POOL_FORK_PRIVATE,
		.dir = test_dir(),
		.no_shadow = true,
		.parent = "mmap",
		.child = "mremap"});
}

/* with what is kept of the file for both ways */
static void
copied_or_private__each_call_fails__is_so_or_ends(void **state)
{
	(void)state;
	all((struct scene){.mode = POOL_FORK_COPY_OR_PRIVATE,
		.dir = test_dir(),
		.from_start = true,
		.child = "mmap"});
}

static void
tmpfs__each_call_fails__is_so_or_ends(void **state)
{
	struct fs fs;
	(void)state;
	fs_mount_or_skip(&fs, FS_TMPFS, ROOM_MIB);
	all((struct scene){
		.mode = POOL_FORK_PRIVATE, .dir = fs.path, .parent = REMAPS});
	all((struct scene){.mode = POOL_FORK_COPY,
		.dir = fs.path,
		.parent = CLONES,
		.child = "mmap"});
	assert_true(fs_unmount(&fs));
}

/* the file system lets two files share blocks, so nothing is copied */
static void
shared_blocks__each_call_fails__is_so_or_ends(void **state)
{
	struct fs fs;
	(void)state;
	fs_mount_or_skip(&fs, FS_XFS, ROOM_MIB);
	all((struct scene){.mode = POOL_FORK_COPY,
		.dir = fs.path,
		.parent = CLONES,
		.child = "mmap"});
	all((struct scene){.mode = POOL_FORK_COPY_OR_PRIVATE,
		.dir = fs.path,
		.child = "mmap"});
	assert_true(fs_unmount(&fs));
}

/* they are copied to private memory, or through a mapping of the twin */
static void
huge_pages__each_call_fails__is_so_or_ends(void **state)
{
	struct fs fs;
	(void)state;
	fs_mount_or_skip(&fs, FS_HUGETLBFS, ROOM_MIB);
	all((struct scene){.mode = POOL_FORK_PRIVATE,
		.dir = fs.path,
		.parent = "mmap",
		.child = "mremap"});
	all((struct scene){.mode = POOL_FORK_COPY,
		.dir = fs.path,
		.parent = "open ftruncate fallocate mmap fstatfs",
		.child = "mmap"});
	all((struct scene){.mode = POOL_FORK_COPY_OR_PRIVATE,
		.dir = fs.path,
		.child = "mmap mremap"});
	assert_true(fs_unmount(&fs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared_file__each_call_fails__nothing_is_lost),
		cmocka_unit_test(region__each_call_fails__nothing_is_lost),
		cmocka_unit_test(private__each_call_fails__is_so_or_ends),
		cmocka_unit_test(copied_file__each_call_fails__is_so_or_ends),
		cmocka_unit_test(copied_memory__each_call_fails__is_so_or_ends),
		cmocka_unit_test(
			copied_or_private__each_call_fails__is_so_or_ends),
		cmocka_unit_test(tmpfs__each_call_fails__is_so_or_ends),
		cmocka_unit_test(shared_blocks__each_call_fails__is_so_or_ends),
		cmocka_unit_test(huge_pages__each_call_fails__is_so_or_ends),
	};

	fault_pause();
	fault_share();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
