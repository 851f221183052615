/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * profile.c -- the samples of a pool of another process, written to a file
 *
 * The profile is one mapping of the process.  Its stacks are copied, and copied
 * again when the count of changes says that they were being changed meanwhile.
 * A process that changes them without a pause is stopped for one more copy, as
 * no copy would ever be of one moment.  Names are those of the files that the
 * process has mapped, functions that are not exported too.  Those of a core
 * file have none: another process may have its process id by now.
 */
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "inspect/finder.h"
#include "inspect/stop.h"
#include "profile/profile.h"

#define TRIES      20 /* while the process runs */
#define TRY_NS     2000000L
#define STOP_NS    UINT64_C(2000000000) /* until all threads stand still */
#define SLICE_NS   50000L               /* that they run to leave a change */
#define SLICES     100                  /* one change takes microseconds */
#define HEAD_BYTES offsetof(struct profile, bucket)
#define PATH_BYTES 64
#define ELF_BYTES  ((size_t)4096) /* the headers, mostly the build id too */
#define MAPS_BYTES ((size_t)16 << 20)

/* one at a time: the callbacks of a view have no argument */
static Dwfl *names;
static struct source *named;

/* pid_alive -- of a process that is looked into itself; 0: of a core file */
static int
pid_alive(const struct source *s)
{
	return s->ops->refresh != NULL ? source_pid(s) : 0;
}

/* open_mapped -- a file that begins with what is mapped at base, or -1 */
static int
open_mapped(const char *path, uint64_t base)
{
	char of_file[ELF_BYTES], mapped[ELF_BYTES];
	struct stat st;
	/* not opened before it is known to be no device */
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : pread(fd, of_file, ELF_BYTES, 0);
	if (fd >= 0 &&
		(n <= 0 || source_read(named, base, mapped, (size_t)n) != 0 ||
			memcmp(of_file, mapped, (size_t)n) != 0)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/*
 * find_elf -- the file of a mapping
 * Its path may lead elsewhere: the process may have another root or other
 * mounts than we, and other files may have come to lie there.  Device and inode
 * tell little, as file systems with layers or subvolumes show others in the map
 * than stat(2) does.
 */
static int
find_elf(Dwfl_Module *module, void **data, const char *path, Dwarf_Addr base,
	char **ret_path, Elf **ret_elf)
{
	char *its_own = NULL;
	if (path[0] != '/')
		return dwfl_linux_proc_find_elf(
			module, data, path, base, ret_path, ret_elf);
	if (asprintf(&its_own, "/proc/%d/root%s", pid_alive(named), path) < 0)
		return -1;
	int fd = open_mapped(its_own, base);
	if (fd < 0)
		fd = open_mapped(path, base);
	free(its_own);
	/* debug information is looked for beside it, and compared */
	if (fd >= 0)
		*ret_path = strdup(path);
	return fd;
}

static Dwfl *
names_open(struct source *s)
{
	static char *no_path;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &no_path,
	};
	int pid = pid_alive(s);
	Dwfl *dwfl = pid > 0 ? dwfl_begin(&callbacks) : NULL;
	named = s;
	if (dwfl != NULL && (dwfl_linux_proc_report(dwfl, pid) != 0 ||
				    dwfl_report_end(dwfl, NULL, NULL) != 0)) {
		dwfl_end(dwfl);
		dwfl = NULL;
	}
	return dwfl;
}

static Dwfl_Module *
module_at(uintptr_t pc)
{
	return names == NULL ? NULL : dwfl_addrmodule(names, pc - 1);
}

static size_t
name(uintptr_t pc, char *ret, size_t size)
{
	Dwfl_Module *module = module_at(pc);
	const char *text = NULL;
	if (module != NULL)
		text = dwfl_module_addrname(module, pc - 1);
	if (text == NULL)
		return 0;
	(void)snprintf(ret, size, "%s", text);
	source_clean_text(ret);
	return strlen(ret);
}

static void
text(uintptr_t pc, char *ret, size_t size)
{
	Dwarf_Addr start = 0;
	const char *file = NULL;
	Dwfl_Module *module = module_at(pc);
	if (name(pc, ret, size) > 0)
		return;
	if (module != NULL)
		file = dwfl_module_info(
			module, NULL, &start, NULL, NULL, NULL, NULL, NULL);
	if (file == NULL) {
		(void)snprintf(ret, size, "0x%zx", (size_t)pc);
		return;
	}
	const char *slash = strrchr(file, '/');
	(void)snprintf(ret, size, "%s+0x%zx", slash != NULL ? slash + 1 : file,
		(size_t)(pc - 1 - start));
	source_clean_text(ret);
}

/* read_maps -- the text of /proc/PID/maps; "" for a core file */
static char *
read_maps(const struct source *s)
{
	char path[PATH_BYTES];
	size_t n = 0;
	FILE *f = NULL;
	char *to = malloc(MAPS_BYTES);
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", pid_alive(s));
	if (to != NULL && pid_alive(s) > 0)
		f = fopen(path, "re");
	if (f != NULL) {
		n = fread(to, 1, MAPS_BYTES - 1, f);
		(void)fclose(f);
	}
	if (to != NULL)
		to[n] = '\0';
	return to;
}

/* copy_once -- the header and the stacks; -EAGAIN: they were being changed */
static int
copy_once(struct source *s, uint64_t at, struct profile *head,
	struct profile_stack *stacks)
{
	uint64_t changes = 0;
	int rc = source_read(s, at, head, HEAD_BYTES);
	if (rc != 0)
		return source_why(s, rc, "the profile");
	if (head->magic != PROFILE_MAGIC ||
		head->stack_size != sizeof(*stacks) || head->mean == 0 ||
		head->nstacks > PROFILE_STACKS)
		return fail(EPROTO, "what should be a profile is none");
	rc = source_read(s, (uintptr_t)head->stacks, stacks,
		head->nstacks * sizeof(*stacks));
	if (rc == 0)
		rc = source_read(s, at + offsetof(struct profile, changes),
			&changes, sizeof(changes));
	if (rc != 0)
		return source_why(s, rc, "the profile");
	if (changes != head->changes || changes % 2 != 0)
		return fail(EAGAIN, "the profile changed while it was read");
	for (uint32_t i = 0; i < head->nstacks; i++)
		if (stacks[i].nframes > PROFILE_DEPTH)
			return fail(EPROTO, "what should be a profile is none");
	return 0;
}

/*
 * copy_stopped -- a copy of one moment, of a process that never pauses
 * Who was stopped amid a change runs on for a slice, and is stopped again.
 */
static int
copy_stopped(struct source *s, uint64_t at, struct profile *head,
	struct profile_stack *stacks)
{
	struct stopped stopped;
	int rc = stop_begin(&stopped, source_pid(s), stop_now_ns() + STOP_NS);
	if (rc != 0)
		return rc;
	rc = copy_once(s, at, head, stacks);
	for (unsigned i = 0; i < SLICES && rc == -EAGAIN; i++) {
		rc = stop_breathe(&stopped, SLICE_NS, STOP_NS);
		if (rc == 0)
			rc = copy_once(s, at, head, stacks);
	}
	(void)stop_end(&stopped);
	return rc;
}

static int
copy(struct source *s, uint64_t at, struct profile_view *v,
	struct profile_stack *stacks)
{
	struct profile *head = calloc(1, sizeof(*head));
	if (head == NULL)
		return fail(ENOMEM, "no memory for the profile");
	int rc = copy_once(s, at, head, stacks);
	bool alive = pid_alive(s) > 0; /* a core file does not change */
	for (unsigned i = 1; i < TRIES && alive && rc == -EAGAIN; i++) {
		stop_sleep_ns(TRY_NS);
		rc = copy_once(s, at, head, stacks);
	}
	if (rc == -EAGAIN && alive)
		rc = copy_stopped(s, at, head, stacks);
	if (rc == 0) {
		v->mean = head->mean;
		v->nsampled = head->nsampled;
		v->ndropped = head->ndropped;
		v->nstacks = head->nstacks;
		v->stacks = stacks;
	}
	free(head);
	return rc;
}

/* find -- where the pool's profile is */
static int
find(struct source *s, const struct seen_pool *pool, uint64_t *ret)
{
	struct libraries libraries;
	struct registry registry;
	struct record rec;
	int rc = finder_libraries(&libraries, s);
	if (rc == 0)
		rc = finder_record(s, &libraries, pool, &registry, &rec);
	if (rc != 0)
		return rc;
	if (rec.profile == NULL)
		return fail(ENOENT,
			"no profile: the program has to call "
			"vmem_profile_start(3), or be run with VMEM_PROFILE");
	*ret = (uintptr_t)rec.profile;
	return 0;
}

int
inspect_profile(struct source *s, const struct seen_pool *pool,
	const char *path, int fd)
{
	uint64_t at = 0;
	struct profile_view view = {.name = name, .text = text};
	int rc = find(s, pool, &at);
	if (rc != 0)
		return rc;
	struct profile_stack *stacks = calloc(PROFILE_STACKS, sizeof(*stacks));
	char *maps = read_maps(s);
	if (stacks == NULL || maps == NULL)
		rc = fail(ENOMEM, "no memory for the profile");
	else
		rc = copy(s, at, &view, stacks);
	if (rc == 0) {
		view.maps = maps;
		names = names_open(s);
		rc = profile_write(&view, profile_format_of(path), fd);
		if (names != NULL)
			dwfl_end(names);
		names = NULL;
	}
	free(maps);
	free(stacks);
	return rc;
}
