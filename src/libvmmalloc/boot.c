/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * boot.c -- when the pools cannot answer
 */
#include "libvmmalloc/boot.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arith.h"
#include "base/atomic.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/os.h"
#include "libvmmalloc/exit.h"
#include "libvmmalloc/settings.h"
#include "libvmmalloc/tiers.h"

#define ARENA_BYTES ((size_t)256 * 1024)
#define ARENA_ALIGN ((size_t)16)
#define NDEFERRED   256u

enum boot_state { BOOT_NONE, BOOT_UNDER_WAY, BOOT_DONE };

static char arena[ARENA_BYTES] ALIGNED(4096);
static size_t arena_used; /* atomic */

static uint32_t state;                /* enum boot_state; atomic, futex word */
static TLS_INITIAL_EXEC bool booting; /* owner thread: it makes the pools */
static TLS_INITIAL_EXEC bool held;    /* owner thread: its fork is under way */

static void *deferred[NDEFERRED]; /* of the thread that forks or has forked */
static uint32_t ndeferred;        /* atomic */

static struct settings settings;
static pid_t stats_pid; /* the process that shall print; 0: none */

void *
boot_alloc(size_t size, size_t align)
{
	/* the size stands in the word in front */
	align = max_size(align, ARENA_ALIGN);
	if (size > ARENA_BYTES || align > ARENA_BYTES)
		return NULL;
	size_t room = align_up(size, ARENA_ALIGN) + align;
	/* relaxed: nothing but the range is handed over */
	size_t at = fetch_add_relaxed(&arena_used, room);
	if (at > ARENA_BYTES || room > ARENA_BYTES - at) {
		/* back, so that it cannot run over; who came between fails */
		(void)fetch_add_relaxed(&arena_used, -room);
		return NULL;
	}
	char *p = arena + at + ARENA_ALIGN;
	p += align_up((uintptr_t)p, align) - (uintptr_t)p;
	((size_t *)(void *)p)[-1] = size;
	return p;
}

bool
boot_owns(const void *p)
{
	return (uintptr_t)p - (uintptr_t)arena < sizeof(arena);
}

size_t
boot_usable(const void *p)
{
	return ((const size_t *)p)[-1];
}

void
boot_defer(void *p)
{
	/* relaxed: one thread at a time is in the middle of a fork */
	uint32_t n = load_relaxed(&ndeferred);
	if (n == NDEFERRED)
		return;
	deferred[n] = p;
	store_release(&ndeferred, n + 1);
}

void *
boot_deferred(void)
{
	uint32_t n = load_acquire(&ndeferred);
	/* acquire and release: the entry is read before it is given up */
	while (n > 0 && !cas_acq_rel(&ndeferred, &n, n - 1))
		;
	return n > 0 ? deferred[n - 1] : NULL;
}

/*
 * The pool layer's handlers are registered after these, so that this thread is
 * known to be held before the pools are locked... and until they are not.
 */
static void
fork_prepare(void)
{
	held = true;
}

static void
fork_parent(void)
{
	held = false;
}

static void
fork_child(void)
{
	held = false;
	if (stats_pid != 0)
		stats_pid = getpid();
}

static void
make(void)
{
	log_init("libvmmalloc", "VMMALLOC");
	settings_read(&settings);
	(void)pthread_atfork(fork_prepare, fork_parent, fork_child);
	pool_init();
	tiers_create(&settings.plan, settings.fork);
	if (settings.stats) {
		log_keep_stderr();
		stats_pid = getpid();
		(void)at_quick_exit(exit_print_stats);
	}
}

/* wait_made -- by a thread that comes while another makes the pools */
static void
wait_made(void)
{
	/* acquire: pairs with the release in boot_ready() */
	while (load_acquire(&state) != BOOT_DONE)
		os_futex_wait(&state, BOOT_UNDER_WAY);
}

bool
boot_ready(void)
{
	if (likely(load_acquire(&state) == BOOT_DONE))
		return !held;
	/* before libc is set up the settings cannot be read */
	if (booting || environ == NULL)
		return false;
	uint32_t none = BOOT_NONE;
	if (!cas_acquire(&state, &none, BOOT_UNDER_WAY)) {
		wait_made();
		return true;
	}
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
	return held;
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

/* the pools are there when main() begins, whoever has allocated until then */
__attribute__((constructor)) static void
start(void)
{
	(void)boot_ready();
}
