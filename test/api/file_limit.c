/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * file_limit.c -- what the library writes to files under a limit of their size
 * (RLIMIT_FSIZE) ends no program, and leaves no signal behind
 */
#include "harness/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void
forbid_files(void)
{
	const struct rlimit none = {0, 0};

	must(setrlimit(RLIMIT_FSIZE, &none) == 0);
}

/* is_waiting -- is the signal blocked in this thread, and has it come? */
static bool
is_waiting(bool *ret_blocked)
{
	sigset_t set;

	must(pthread_sigmask(SIG_SETMASK, NULL, &set) == 0);
	*ret_blocked = sigismember(&set, SIGXFSZ) == 1;
	must(sigpending(&set) == 0);
	return sigismember(&set, SIGXFSZ) == 1;
}

static VMEM *
create(void)
{
	VMEM *vmp = test_file_pool(VMEM_MIN_POOL);

	must(vmem_profile_start(vmp, 1) == 0);
	must(vmem_malloc(vmp, 1000) != NULL);
	return vmp;
}

static void
dump_all(VMEM *vmp)
{
	static const char *const names[] = {"txt", "pb.gz", "folded"};

	for (size_t i = 0; i < NELEM(names); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/profile.%s", test_dir(),
			names[i]);
		errno = 0;
		must(vmem_profile_dump(vmp, path) == -1 && errno == EFBIG);
		must(strstr(vmem_errormsg(), "File too large") != NULL);
	}
}

static int
dump(void *arg)
{
	VMEM *vmp = create();
	bool blocked;

	(void)arg;
	forbid_files();
	dump_all(vmp);
	must(!is_waiting(&blocked) && !blocked);
	return 0;
}

static void
dump__over_the_limit__is_efbig(void **state)
{
	(void)state;
	assert_int_equal(test_child(dump, NULL), 0);
}

/* the program has blocked the signal; arg: and one waits for it */
static int
dump_blocked(void *arg)
{
	const bool *waits = arg;
	VMEM *vmp = create();
	sigset_t set;
	bool blocked;

	must(sigemptyset(&set) == 0 && sigaddset(&set, SIGXFSZ) == 0);
	must(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	if (*waits)
		must(raise(SIGXFSZ) == 0);
	forbid_files();
	dump_all(vmp);
	must(is_waiting(&blocked) == *waits && blocked);
	return 0;
}

static void
dump__program_has_blocked_the_signal__its_own_stays(void **state)
{
	static bool waits[] = {false, true};

	(void)state;
	assert_int_equal(test_child(dump_blocked, &waits[0]), 0);
	assert_int_equal(test_child(dump_blocked, &waits[1]), 0);
}

static int
print(void *arg)
{
	VMEM *vmp = create();
	char path[128];
	int fd;

	(void)arg;
	snprintf(path, sizeof(path), "%s/text", test_dir());
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO);
	forbid_files();
	vmem_stats_print(vmp, NULL);
	/* not by must(), which prints */
	return lseek(fd, 0, SEEK_END) == 0 ? 0 : 1;
}

static void
stats_print__over_the_limit__prints_nothing(void **state)
{
	(void)state;
	assert_int_equal(test_child(print, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump__over_the_limit__is_efbig),
		cmocka_unit_test(
			dump__program_has_blocked_the_signal__its_own_stays),
		cmocka_unit_test(stats_print__over_the_limit__prints_nothing),
	};

	(void)test_dir(); /* of this process, which removes it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
