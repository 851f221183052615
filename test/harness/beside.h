/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * beside.h -- a look at a pool that other processes work in meanwhile, so that
 * what is looked at keeps becoming something else
 */
#ifndef HARNESS_BESIDE_H
#define HARNESS_BESIDE_H

#include "harness/options.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/threads.h"

#define BESIDE_OBJECTS 300
#define BESIDE_STEPS   3000
#define BESIDE_LG_MOST 14
#define BESIDE_NOTHERS 2

struct beside {
	VMEM *vmp;
	struct deadline end;
	void (*look)(VMEM *vmp);
};

/* beside_work -- rounds of one size after the other, with nothing in between */
static inline void
beside_work(size_t idx, struct rng *rng, void *arg)
{
	const struct beside *b = arg;
	char *ptr[BESIDE_OBJECTS] = {NULL};

	(void)idx;
	while (!deadline_is_over(b->end)) {
		size_t high = (size_t)2 << rng_between(rng, 0, BESIDE_LG_MOST);

		for (unsigned i = 0; i < BESIDE_STEPS; i++) {
			char **at =
				&ptr[rng_between(rng, 0, BESIDE_OBJECTS - 1)];

			vmem_free(b->vmp, *at);
			*at = vmem_malloc(b->vmp, rng_between(rng, 1, high));
			if (*at != NULL)
				**at = 'b';
		}
		for (unsigned i = 0; i < BESIDE_OBJECTS; i++) {
			vmem_free(b->vmp, ptr[i]);
			ptr[i] = NULL;
		}
		if (rng_between(rng, 0, 1) == 0)
			must(vmem_trim(b->vmp, 0) >= 0);
		else
			must(vmem_thread_flush(NULL) == 0);
	}
}

/* beside_look -- from a process that the pool counts as a user of it */
static inline void
beside_look(const struct beside *b)
{
	vmem_free(b->vmp, vmem_malloc(b->vmp, 100));
	while (!deadline_is_over(b->end))
		b->look(b->vmp);
}

/*
 * beside_run -- look again and again, for so long, at a new pool of a level of
 * hardening: in children while the parent works, or the other way round
 */
static inline void
beside_run(int level, bool child_looks, uint64_t ms, void (*look)(VMEM *vmp))
{
	struct beside b = {.vmp = create_level(level, VMEM_MIN_POOL),
		.end = deadline_in(ms),
		.look = look};
	pid_t pid[BESIDE_NOTHERS];
	int status;

	vmem_free(b.vmp, vmem_malloc(b.vmp, 100));
	for (size_t i = 0; i < NELEM(pid); i++) {
		pid[i] = fork();
		must(pid[i] >= 0);
		if (pid[i] != 0)
			continue;
		(void)alarm(TEST_CHILD_SECONDS);
		(void)signal(SIGSEGV, SIG_DFL);
		if (child_looks)
			beside_look(&b);
		else
			threads_run(1, beside_work, &b, "child");
		_exit(0);
	}
	if (child_looks)
		threads_run(2, beside_work, &b, "parent");
	else
		beside_look(&b);
	for (size_t i = 0; i < NELEM(pid); i++) {
		must(waitpid(pid[i], &status, 0) == pid[i]);
		assert_int_equal(status, 0);
	}
	if (vmem_check(b.vmp) != 1)
		fail_msg("%s", vmem_errormsg());
	assert_int_equal(stats_of(b.vmp).refused, 0);
	vmem_delete(b.vmp);
}

#endif
