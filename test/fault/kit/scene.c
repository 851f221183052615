/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * scene.c -- a pool that is made, used and deleted while calls fail
 */
#include "fault/kit/scene.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault/kit/fault.h"
#include "harness/fs.h"
#include "harness/proc.h"

#define OBJECTS       80u
#define RANDOM_ROUNDS (TEST_SANITIZED ? 8u : 20u)
#define RANDOM_MEAN   4u

static struct object {
	unsigned char *at;
	size_t size;
} objects[OBJECTS];

_Noreturn void
scene_broken(const char *file, int line, const char *what)
{
	fault_pause();
	fprintf(stderr,
		"%s:%d: %s\nafter call %u of %u, %s: %s; errno %s; %s\n", file,
		line, what, fault_count(), fault_hits(), fault_name(),
		strerrorname_np(fault_errno()), strerrorname_np(errno),
		vmem_errormsg());
	abort();
}

void
scene_told(void)
{
	int err = errno, cause = fault_errno();
	hold(fault_hits() > 0);
	hold(vmem_errormsg()[0] != '\0');
	/* more than one failure: the last need not be the one that is told */
	if (fault_hits() > 1)
		return;
	/* a mapping that cannot be had is no memory, whatever the reason, and
	 * what cannot be brought behind it is no memory or no space */
	if (fault_was("flock"))
		hold(err == EBUSY);
	else if (fault_was("readlinkat") || fault_was("fstat"))
		hold(err == cause || err == ENODEV);
	else if (fault_was("read"))
		hold(err == EINVAL);
	else if (fault_was("mmap") || fault_was("mprotect"))
		hold(err == ENOMEM || err == cause);
	else if (fault_was("madvise")) /* or the kernel seems not to know it */
		hold(err == ENOMEM || err == ENOSPC || err == ENOTSUP);
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

void *
scene_take(VMEM *vmp, size_t size)
{
	static struct object one;
	take(vmp, &one, size);
	return one.at;
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

void
scene_play(const struct scene *s)
{
	errno = 0;
	VMEM *vmp = s->create();
	if (vmp == NULL) {
		scene_told();
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
		hold(s->region != NULL && fault_was("mprotect"));
		scene_told();
		verify(vmp);
		fault_pause();
		errno = 0;
		vmem_delete(vmp);
		hold(errno == 0);
	}
	fault_pause();
}

/* left_nothing -- but what no program can get rid of when that is refused */
static void
left_nothing(const struct scene *s, struct proc_count before)
{
	hold(s->region == NULL || proc_can_read(s->region));
	if (!fault_was("munmap"))
		hold(proc_is_unchanged(before));
	if (fault_was("unlinkat"))
		/* those whose names could not be taken away */
		must(fs_remove_files(test_dir()));
	else
		hold(fs_nfiles(test_dir()) == s->nfiles);
}

void
scene_sweep(const struct scene *s)
{
	unsigned ncalls, nruns = 0;
	must(setenv("VMEM_OPTIONS", s->options, 1) == 0);
	fault_pause();
	(void)test_dir();
	fault_none();
	scene_play(s); /* what is made once in a process */
	struct proc_count before = proc_count();
	size_t memory = test_vm_size();
	fault_none();
	scene_play(s);
	ncalls = fault_count();
	left_nothing(s, before);
	assert_true(ncalls > 0);
	bool unmapped = true;
	for (unsigned at = 1; at <= ncalls; at++) {
		unsigned which = 0, nerrnos;
		do {
			fault_at(at, which);
			scene_play(s);
			nerrnos = fault_nerrnos();
			left_nothing(s, before);
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
		scene_play(s);
		left_nothing(s, before);
	}
}

void
scene_trim(VMEM *vmp)
{
	errno = 0;
	int rc = vmem_trim(vmp, 0);
	hold(rc == 0 || rc == 1);
	hold(errno == 0);
}
