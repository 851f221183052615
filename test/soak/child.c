/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * child.c -- forked children, most of them killed at a random moment
 *
 * A child works in pools that are its own: its copies of the private ones, and
 * new ones, also in files.  What it shares with its parent it leaves alone.
 */
#include "soak/soak.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/objects.h"

/* use_copies -- objects of the parent are freed, others take their place */
static void
use_copies(struct soak *s, struct rng *rng)
{
	for (unsigned i = 0; i < 500; i++) {
		struct station *at =
			&s->at[rng_between(rng, 0, SOAK_POOLS - 1)];
		size_t slot = rng_between(rng, 0, SOAK_SLOTS - 1);
		struct item *item;

		if (!at->private)
			continue;
		/* not compared: another thread may have been writing to it
		 * while the kernel copied */
		item = atomic_exchange(&at->slots[slot], NULL);
		vmem_free(at->vmp, item);
		item_free(s, at->vmp, item_new(s, at->vmp, rng));
	}
	for (unsigned i = 0; i < SOAK_POOLS; i++)
		must(!s->at[i].private || vmem_check(s->at[i].vmp) == 1);
}

static void
use_new_pool(struct soak *s, struct rng *rng)
{
	VMEM *vmp = vmem_create(s->dir, VMEM_MIN_POOL);
	struct objects set;

	must(vmp != NULL);
	objects_init(&set, vmp);
	objects_churn(&set, rng, 1000, 10000);
	must(vmem_check(vmp) == 1);
	objects_fini(&set);
	must(vmem_trim(vmp, 0) >= 0);
	vmem_delete(vmp);
}

static _Noreturn void
live(struct soak *s, uint64_t seed, bool forever)
{
	struct rng rng;

	must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	rng_init_from(&rng, seed);
	for (;;) {
		use_copies(s, &rng);
		use_new_pool(s, &rng);
		if (!forever)
			_exit(0);
	}
}

/* must_be_empty -- nobody has left a file there */
static void
must_be_empty(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	must(d != NULL);
	while ((e = readdir(d)) != NULL)
		must(strcmp(e->d_name, ".") == 0 ||
			strcmp(e->d_name, "..") == 0);
	must(closedir(d) == 0);
}

static void
one_child(struct rng *rng, struct soak *s)
{
	bool killed = rng_between(rng, 0, 3) != 0;
	uint64_t seed = rng_next(rng);
	int status;
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0)
		live(s, seed, killed);
	if (killed) {
		soak_wait(rng, 100000);
		must(kill(pid, SIGKILL) == 0);
		atomic_fetch_add(&s->nkills, 1);
	}
	must(waitpid(pid, &status, 0) == pid);
	if (killed)
		must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	else
		must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	atomic_fetch_add(&s->nforks, 1);
}

void
child_run(struct rng *rng, struct soak *s)
{
	while (!deadline_is_over(s->end)) {
		one_child(rng, s);
		must(vmem_check(s->at[s->nforks % SOAK_POOLS].vmp) == 1);
		must_be_empty(s->dir);
		soak_wait(rng, 100000);
	}
}
