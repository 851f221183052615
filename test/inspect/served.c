/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * served.c -- the check of a pool whose memory a thread of the same program
 * serves by a userfaultfd: it does not wait for a thread that it has stopped
 *
 * ctest: not-asan not-tsan not-valgrind
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspect/inspect.h"

#include "harness/test.h"

/* its metadata is not written to when it is made */
#define POOL (8 * GIB)

static int uffd;

/* serve -- a page of zeroes for each that is asked for */
static void *
serve(void *arg)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct uffd_msg m;

	while (read(uffd, &m, sizeof(m)) == sizeof(m)) {
		struct uffdio_zeropage zero = {
			.range = {m.arg.pagefault.address & ~(page - 1), page}};

		(void)ioctl(uffd, UFFDIO_ZEROPAGE, &zero);
	}
	return arg;
}

static bool
begin_serving(const char *mem)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register all = {.range = {(uintptr_t)mem, POOL},
		.mode = UFFDIO_REGISTER_MODE_MISSING};
	pthread_t thread;

	uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) != 0 ||
		ioctl(uffd, UFFDIO_REGISTER, &all) != 0)
		return false;
	must(pthread_create(&thread, NULL, serve, NULL) == 0);
	return true;
}

/* hold -- the pool, until the end; tells whether there is one */
static void __attribute__((noreturn)) hold(int ready)
{
	char *mem, made;
	VMEM *vmp;

	must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	mem = mmap(NULL, POOL, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(mem != MAP_FAILED);
	vmp = vmem_create_in_region(mem, POOL);
	must(vmp != NULL && vmem_malloc(vmp, 100) != NULL);
	made = begin_serving(mem);
	must(write(ready, &made, 1) == 1);
	for (;;)
		(void)pause();
}

static void
tell(void *arg, const char *text)
{
	(void)arg;
	print_error("%s\n", text);
}

static void
check__pages_that_are_served__does_not_wait_for_ever(void **state)
{
	struct source *s;
	struct pool_list list;
	struct check_result result;
	int ends[2], rc;
	char made;
	pid_t pid;

	(void)state;
	must(pipe(ends) == 0);
	pid = fork();
	must(pid >= 0);
	if (pid == 0)
		hold(ends[1]);
	must(read(ends[0], &made, 1) == 1);
	must(close(ends[0]) == 0 && close(ends[1]) == 0);
	if (made == 0) {
		must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
		test_skip("no userfaultfd here");
	}
	/* a check that hangs ends the test, and thereby the child */
	(void)alarm(TEST_CHILD_SECONDS);
	must(source_open_process(&s, pid) == 0);
	must(pool_list_read(&list, s) == 0);
	assert_int_equal(list.npools, 1);
	rc = inspect_check(&result, s, &list.pools[0], tell, NULL);
	(void)alarm(0);
	pool_list_free(&list);
	source_close(s);
	must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	assert_int_equal(rc, 0);
	assert_true(result.fine);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			check__pages_that_are_served__does_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
