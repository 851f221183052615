/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * replay.c -- give a target the inputs in files, without a fuzzer
 *
 * Usage: fuzz_NAME FILE|FOLDER...
 * Of a folder every file is taken, in order of the names.  The last line says
 * how many there were; none is a failure.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/kit/fuzz.h"

static unsigned nrun;

static void
run_file(int dir, const char *name)
{
	struct stat st;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && fstat(fd, &st) == 0);
	size_t size = (size_t)st.st_size;
	/* exactly as long as it is: a sanitizer sees what is read behind it */
	uint8_t *data = malloc(size + (size == 0));
	must(data != NULL && read(fd, data, size) == (ssize_t)size);
	must(close(fd) == 0);
	/* the one that does not come back is the last that was named */
	if (getenv("FUZZ_VERBOSE") != NULL)
		fprintf(stderr, "%s\n", name);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	nrun++;
}

static void
run_folder(const char *path)
{
	struct dirent **names;
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n = scandir(path, &names, NULL, alphasort);
	must(dir >= 0 && n >= 0);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.')
			run_file(dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	must(close(dir) == 0);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;
		if (stat(argv[i], &st) != 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return EXIT_FAILURE;
		}
		if (S_ISDIR(st.st_mode))
			run_folder(argv[i]);
		else
			run_file(AT_FDCWD, argv[i]);
	}
	printf("%u inputs\n", nrun);
	return nrun > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
