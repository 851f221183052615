/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * os.c -- the engine's system calls on Linux
 *
 * Nothing here allocates or takes a lock: the preload library is malloc, and
 * some of this runs before its first answer.
 */
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"

/* the largest number of processors that Linux can be built for */
#define NCPUS_MAX 8192

/* instead of a barrier that is denied; a buffer is empty after nanoseconds */
#define BARRIER_WAIT_NS 10000000L

/* os_yield: rounds that only yield, then sleeps from 1 us that double */
#define YIELD_ROUNDS       16u
#define YIELD_LG_SLEEP_MAX 10u
#define YIELD_SLEEP_NS     1000L
#define YIELD_SLEEP_MAX_NS 1000000L

#define HIGH_DESCRIPTOR 200

size_t
os_page_size(void)
{
	/* glibc has it from the auxiliary vector: no system call */
	return (size_t)sysconf(_SC_PAGESIZE);
}

size_t
os_memory_size(void)
{
	struct sysinfo info;
	int saved = errno, rc = sysinfo(&info);

	errno = saved;
	return rc == 0 ? (info.totalram + info.totalswap) * info.mem_unit
		       : SIZE_MAX;
}

static unsigned
count_cpus(void)
{
	cpu_set_t set[NCPUS_MAX / CPU_SETSIZE];
	long n;

	/* those that this process may run on: what arenas are made for */
	if (sched_getaffinity(0, sizeof(set), set) == 0)
		n = CPU_COUNT_S(sizeof(set), set);
	else
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : (unsigned)n;
}

unsigned
os_ncpus(void)
{
	/* atomic; relaxed: every thread that counts finds the same */
	static unsigned ncpus;
	unsigned n = load_relaxed(&ncpus);

	if (n == 0) {
		int saved = errno;

		n = count_cpus();
		store_relaxed(&ncpus, n);
		errno = saved;
	}
	return n;
}

void *
os_map(size_t size)
{
	int saved = errno;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		errno = saved;
		return NULL;
	}
	return p;
}

void *
os_map_sparse(size_t size)
{
	int saved = errno;
	void *p = mmap(NULL, size, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	/* after mlockall(MCL_FUTURE) all of it would be brought into memory */
	if (p != MAP_FAILED)
		(void)munlock(p, size);
	if (p != MAP_FAILED && mprotect(p, size, PROT_READ | PROT_WRITE) != 0) {
		(void)munmap(p, size);
		p = MAP_FAILED;
	}
	errno = saved;
	return p == MAP_FAILED ? NULL : p;
}

void
os_map_huge(void *addr, size_t size)
{
	int saved = errno;

	/* where there are none it goes on without */
	(void)madvise(addr, size, MADV_HUGEPAGE);
	errno = saved;
}

void
os_unmap(void *addr, size_t size)
{
	int saved = errno;

	/* fails only at the limit of mappings, and then they stay mapped */
	(void)munmap(addr, size);
	errno = saved;
}

static bool
membarrier(int cmd)
{
	return syscall(SYS_membarrier, cmd, 0, 0) == 0;
}

bool
os_barrier_init(void)
{
	int saved = errno;
	bool ok = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);

	errno = saved;
	return ok;
}

void
os_barrier(void)
{
	struct timespec left = {0, BARRIER_WAIT_NS};
	int saved = errno;

	/*
	 * The registration belongs to the address space.  Where this process
	 * got a new one (a child that was made without our fork handlers), it
	 * is made again.
	 */
	bool done = membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) ||
		    (os_barrier_init() &&
			    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
	/*
	 * A seccomp filter may have come that denies it.  No processor keeps a
	 * store for itself for anything near this long.
	 */
	while (!done)
		done = syscall(SYS_nanosleep, &left, &left) == 0 ||
		       errno != EINTR;
	errno = saved;
}

/*
 * The operations are not the private ones: a word may lie in a mapping that
 * processes share, and is then known by its place in the file.
 */
void
os_futex_wait(uint32_t *word, uint32_t value)
{
	int saved = errno;

	/* whatever it says (changed, interrupted), the caller looks again */
	(void)syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
	errno = saved;
}

void
os_futex_wake(uint32_t *word, int n)
{
	int saved = errno;

	/* fails only where the page is gone, and then nobody waits there */
	(void)syscall(SYS_futex, word, FUTEX_WAKE, n, NULL, NULL, 0);
	errno = saved;
}

void
os_yield(unsigned round)
{
	int saved = errno;
	struct timespec ts = {0};

	if (round < YIELD_ROUNDS) {
		(void)sched_yield(); /* cannot fail on Linux */
	} else {
		unsigned lg = round - YIELD_ROUNDS;

		if (lg >= YIELD_LG_SLEEP_MAX)
			ts.tv_nsec = YIELD_SLEEP_MAX_NS;
		else
			ts.tv_nsec = YIELD_SLEEP_NS << lg;
		/*
		 * Woken early is as good.  Not nanosleep(3): there a thread
		 * that was cancelled would end, maybe with a lock held.
		 */
		(void)syscall(SYS_nanosleep, &ts, NULL);
	}
	errno = saved;
}

int
os_cancel_off(void)
{
	int state;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

void
os_cancel_restore(int state)
{
	(void)pthread_setcancelstate(state, NULL);
}

unsigned
os_streams_hold(void)
{
	int saved = errno, fd;
	unsigned held = 0;

	/* without a number to spare the call that comes next fails */
	while ((fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0) {
		if (fd > STDERR_FILENO) {
			(void)close(fd);
			break;
		}
		held |= 1u << fd;
	}
	errno = saved;
	return held;
}

void
os_streams_let(unsigned held)
{
	int saved = errno;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if ((held >> fd & 1) != 0)
			(void)close(fd);
	errno = saved;
}

int
os_dup_high(int fd)
{
	int saved = errno;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);

	/* the limit may be lower than that */
	if (copy < 0)
		copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (copy < 0)
		copy = -errno;
	errno = saved;
	return copy;
}

/* take_pending -- a signal that is blocked and has come to this thread */
static void
take_pending(const sigset_t *set)
{
	static const struct timespec at_once;

	while (sigtimedwait(set, NULL, &at_once) < 0 && errno == EINTR)
		;
}

long
os_write_some(int fd, const void *bytes, size_t size)
{
	int saved = errno;
	sigset_t set, old, before;
	ssize_t n;

	(void)sigemptyset(&set);
	(void)sigemptyset(&before);
	(void)sigaddset(&set, SIGXFSZ);
	(void)pthread_sigmask(SIG_BLOCK, &set, &old);
	/* what waits already, since the program has blocked it, is not ours */
	if (sigismember(&old, SIGXFSZ) == 1)
		(void)sigpending(&before);
	n = write(fd, bytes, size);
	if (n < 0)
		n = -errno;
	if (n == -EFBIG && sigismember(&before, SIGXFSZ) != 1)
		take_pending(&set);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return n;
}

void
os_write(int fd, const char *text, size_t size)
{
	int saved = errno;

	while (size > 0) {
		long n = os_write_some(fd, text, size);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			break; /* nobody is left to hear of it */
		text += n;
		size -= (size_t)n;
	}
	errno = saved;
}

const char *
os_getenv(const char *name)
{
	return secure_getenv(name);
}

/* in_core -- mincore(2) of the page at an address; 0 or a negative errno */
static int
in_core(const void *addr, unsigned char *ret)
{
	int saved = errno;
	uintptr_t page = (uintptr_t)addr & ~(uintptr_t)(os_page_size() - 1);
	int err = mincore((void *)page, 1, ret) == 0 ? 0 : -errno;
	errno = saved;
	return err;
}

bool
os_is_resident(const void *addr)
{
	unsigned char in;
	/* what cannot be told counts as being elsewhere */
	return in_core(addr, &in) == 0 && (in & 1) != 0;
}

bool
os_is_readable(const void *addr)
{
	int saved = errno;
	/* a set of signals is read before what is to be done with it is found
	 * to be nothing that there is */
	bool faults = syscall(SYS_rt_sigprocmask, -1, addr, NULL,
			      sizeof(uint64_t)) != 0 &&
		      errno == EFAULT;
	errno = saved;
	return !faults;
}

bool
os_is_mapped(const void *addr, size_t n)
{
	int saved = errno;
	size_t into = (uintptr_t)addr & (os_page_size() - 1);
	unsigned char in;
	if (into + n <= os_page_size())
		return in_core(addr, &in) != -ENOMEM;
	/* asynchronous, it only looks for gaps; a refusal tells of none */
	bool gap = msync((char *)(uintptr_t)addr - into, into + n, MS_ASYNC) !=
			   0 &&
		   errno == ENOMEM;
	errno = saved;
	return !gap;
}

#if defined(__x86_64__)
uintptr_t
os_thread_pointer(void)
{
	uintptr_t pointer;

	/* the first word there is the address itself */
	__asm__("mov %%fs:0, %0" : "=r"(pointer));
	return pointer;
}
#elif defined(__aarch64__)
uintptr_t
os_thread_pointer(void)
{
	uintptr_t pointer;

	__asm__("mrs %0, tpidr_el0" : "=r"(pointer));
	return pointer;
}
#endif
