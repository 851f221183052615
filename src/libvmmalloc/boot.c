/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * boot.c -- when the pools cannot answer
 */
#include "libvmmalloc/boot.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/os.h"
#include "libvmmalloc/exit.h"
#include "libvmmalloc/forks.h"
#include "libvmmalloc/settings.h"
#include "libvmmalloc/streams.h"
#include "libvmmalloc/tiers.h"

#define BLOCK_BYTES ((size_t)4096)

enum boot_state { BOOT_NONE, BOOT_UNDER_WAY, BOOT_DONE };

static uint32_t state;                 /* enum boot_state; atomic, futex word */
static TLS_INITIAL_EXEC bool booting;  /* owner thread: it makes the pools */
static TLS_INITIAL_EXEC unsigned held; /* owner thread: forks under way */
static TLS_INITIAL_EXEC bool barred;   /* owner thread: nobody makes them now */

/* objects to be freed when the fork of this thread is over */
struct deferred {
	struct deferred *next;
	size_t n;
	void *object[(BLOCK_BYTES - 2 * sizeof(size_t)) / sizeof(void *)];
};

static TLS_INITIAL_EXEC struct deferred *deferred; /* owner thread */

static struct settings settings;
static pid_t stats_pid; /* the process that shall print; 0: none */

void
boot_defer(void *p)
{
	struct deferred *d = deferred;
	if (d == NULL || d->n == sizeof(d->object) / sizeof(d->object[0])) {
		d = os_map(sizeof(*d));
		if (d == NULL)
			return; /* it stays allocated */
		d->next = deferred;
		deferred = d;
	}
	d->object[d->n++] = p;
}

/* free_deferred -- the pools can answer again; forget: they are the parent's */
static void
free_deferred(bool forget)
{
	struct deferred *d;
	while ((d = deferred) != NULL) {
		for (size_t i = 0; !forget && i < d->n; i++)
			free(d->object[i]);
		deferred = d->next;
		os_unmap(d, sizeof(*d));
	}
}

/*
 * begin -- nobody else makes the pools from here on; false: they are there
 * Waits for another thread that makes them, or forks.
 */
static bool
begin(void)
{
	uint32_t none = BOOT_NONE;
	while (!cas_acquire(&state, &none, BOOT_UNDER_WAY)) {
		/* acquire: pairs with the release in boot_ready() */
		if (load_acquire(&state) == BOOT_DONE)
			return false;
		os_futex_wait(&state, BOOT_UNDER_WAY);
		none = BOOT_NONE;
	}
	return true;
}

/*
 * bar -- until unbar() nobody makes the pools: a child would have half of them,
 * and nobody who goes on.  If somebody does, he ends first.
 */
static void
bar(void)
{
	/* the fork of a signal handler leaves all as it is */
	if (!booting && held == 0 && !barred)
		barred = begin();
}

static void
unbar(void)
{
	if (held > 0 || !barred)
		return;
	barred = false;
	/* release: as in boot_ready() */
	store_release(&state, BOOT_NONE);
	os_futex_wake(&state, INT32_MAX);
}

/* this thread is known to be held before the pools are locked, and until they
 * are not */
void
boot_fork_prepare(const void *stack)
{
	bar();
	held++;
	pool_fork_prepare_on(stack);
}

void
boot_fork_parent(void)
{
	pool_fork_parent();
	held--;
	unbar();
	if (held == 0)
		free_deferred(false);
}

void
boot_fork_child(void)
{
	pool_fork_child();
	held--;
	unbar();
	if (held == 0)
		free_deferred(settings.fork == POOL_FORK_SHARE);
	if (stats_pid != 0)
		stats_pid = getpid();
}

/*
 * make -- the pools; no function of libc that registers something is called
 * here: it may be such a one that has called us, with its lock held
 */
static void
make(void)
{
	log_init("libvmmalloc", "VMMALLOC");
	settings_read(&settings);
	pool_init();
	/* no library can be loaded here: see profile/stack.c */
	auto_profile_init("VMMALLOC_PROFILE", false);
	tiers_create(&settings.plan, settings.fork);
	if (settings.stats) {
		log_keep_stderr();
		stats_pid = getpid();
	}
}

bool
boot_ready(void)
{
	if (likely(load_acquire(&state) == BOOT_DONE))
		return held == 0;
	/* before libc is set up the settings cannot be read */
	if (booting || barred || held > 0 || __environ == NULL)
		return false;
	if (!begin())
		return true;
	int saved = errno;
	booting = true;
	make();
	booting = false;
	/* release: who sees it sees the pools */
	store_release(&state, BOOT_DONE);
	os_futex_wake(&state, INT32_MAX);
	errno = saved;
	return true;
}

bool
boot_is_held(void)
{
	return held > 0;
}

bool
boot_prints_stats(void)
{
	/* a child of vfork has our memory, and is not us */
	bool now = stats_pid != 0 && stats_pid == getpid();
	if (now)
		stats_pid = 0;
	return now;
}

/*
 * The handlers of fork().  Children that are made without libc's handlers do
 * without the lock of the streams, as libc does then.
 */
static void
fork_prepare(void)
{
	/* first: who makes the pools may need a stream */
	bar();
	streams_hold();
	boot_fork_prepare(NULL);
}

static void
fork_parent(void)
{
	boot_fork_parent();
	streams_parent();
}

static void
fork_child(void)
{
	boot_fork_child();
	streams_child();
}

/*
 * is_ours -- is the program's malloc() this library's?  One that is linked to a
 * fixed place and has the address of malloc() has one that it does not define:
 * for all it is then a jump in the program, to ours.
 */
static bool
is_ours(void)
{
	Dl_info info;
	void *sym = NULL;
	void *at = (void *)(uintptr_t)malloc;
	return malloc == own_malloc ||
	       (dladdr1(at, &info, &sym, RTLD_DL_SYMENT) != 0 && sym != NULL &&
		       ((const ElfW(Sym) *)sym)->st_shndx == SHN_UNDEF);
}

/*
 * start -- the first constructor of the process
 *
 * The libraries are linked with -z initfirst.  So the pools are there before
 * anybody else's constructor runs, and our fork handlers are the first to be
 * registered and the nearest to the fork: no other's run while pools are
 * locked. libc's own constructor comes later; it will set __environ to the same
 * value, which the loader gives to all constructors.
 */
__attribute__((constructor)) static void
start(int argc, char *argv[], char *envp[])
{
	(void)argc;
	(void)argv;
	/* not environ: a program may have a variable of that name itself */
	if (__environ == NULL)
		__environ = envp;
	/* else the pools wait for who calls us: other functions of such a
	 * program may need its constructors, as the thread sanitizer's do */
	bool ours = is_ours();
	if (ours)
		(void)boot_ready();
	/* without them a child would work in its parent's heap */
	int err = pthread_atfork(fork_prepare, fork_parent, fork_child);
	if (err != 0)
		die("vmem pool creation failed: %s", strerrordesc_np(err));
	forks_init();
	if (settings.stats || !ours)
		(void)at_quick_exit(exit_print_stats);
}
