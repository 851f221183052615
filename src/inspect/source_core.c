/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * source_core.c -- a process that has left a core file
 *
 * libelf reads the headers and the notes; the memory is read with pread(2)
 * where the program headers say it is.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "inspect/source.h"
#include "inspect/thread_pointer.h"

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#else
#define OWN_MACHINE EM_AARCH64
#endif

#define MOST_SEGMENTS ((size_t)1 << 20)

/* a piece of memory in the file */
struct segment {
	uint64_t address, size; /* bytes that the file has of it */
	uint64_t offset;
};

struct core {
	int fd;
	Elf *elf;
	struct segment *segments; /* in order of addresses */
	size_t nsegments;
};

static int
compare_segments(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;
	return (x->address > y->address) - (x->address < y->address);
}

static int
compare_regions(const void *a, const void *b)
{
	const struct region *x = a, *y = b;
	return (x->low > y->low) - (x->low < y->low);
}

/* segment_of -- what the file has from an address on, or NULL */
static const struct segment *
segment_of(const struct core *core, uint64_t address)
{
	size_t low = 0, high = core->nsegments;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (core->segments[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == 0)
		return NULL;
	const struct segment *g = &core->segments[low - 1];
	return address - g->address < g->size ? g : NULL;
}

static int
read_memory(struct source *s, uint64_t from, void *to, size_t size)
{
	const struct core *core = s->own;
	char *at = to;
	while (size > 0) {
		const struct segment *g = segment_of(core, from);
		if (g == NULL)
			return -EFAULT;
		uint64_t skip = from - g->address;
		size_t n =
			size < g->size - skip ? size : (size_t)(g->size - skip);
		ssize_t got = pread(core->fd, at, n, (off_t)(g->offset + skip));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EFAULT; /* the file was cut off */
		at += got;
		from += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

static void
close_core(struct source *s)
{
	struct core *core = s->own;
	if (core == NULL)
		return;
	if (core->elf != NULL)
		(void)elf_end(core->elf);
	if (core->fd >= 0)
		(void)close(core->fd);
	free(core->segments);
	free(core);
}

static int
add_segment(struct source *s, const GElf_Phdr *p)
{
	struct core *core = s->own;
	struct region r = {.low = p->p_vaddr,
		.high = p->p_vaddr + p->p_memsz,
		.writable = (p->p_flags & PF_W) != 0,
		.name = (char[]){""}};
	if (p->p_memsz == 0 || r.high < r.low)
		return 0;
	if (p->p_filesz > 0 && p->p_filesz <= p->p_memsz &&
		p->p_offset <= INT64_MAX - p->p_filesz)
		core->segments[core->nsegments++] =
			(struct segment){p->p_vaddr, p->p_filesz, p->p_offset};
	return source_add_region(s, &r);
}

/*
 * note_end -- whether the file ends before what a header says is in it
 * What is left may be enough: a pool's objects are not needed.
 */
static void
note_end(struct source *s, const GElf_Phdr *p, uint64_t file_size)
{
	if (p->p_type != PT_LOAD && p->p_type != PT_NOTE)
		return;
	if (p->p_filesz > 0 && (p->p_offset > file_size ||
				       p->p_filesz > file_size - p->p_offset))
		s->cut_off = true;
}

/* note_files -- which regions are of files: count, page size, ranges, names */
static void
note_files(struct source *s, const char *text, size_t size)
{
	struct range {
		uint64_t low, high, offset;
	} range;
	uint64_t head[2];
	if (size < sizeof(head))
		return;
	memcpy(head, text, sizeof(head));
	const char *ranges = text + sizeof(head), *end = text + size;
	if (head[0] > (size - sizeof(head)) / sizeof(range))
		return;
	const char *name = ranges + head[0] * sizeof(range);
	for (uint64_t i = 0; i < head[0]; i++) {
		size_t len = strnlen(name, (size_t)(end - name));
		if (name + len == end)
			return;
		memcpy(&range, ranges + i * sizeof(range), sizeof(range));
		struct region *r =
			(struct region *)(uintptr_t)source_region(s, range.low);
		char *copy = r == NULL ? NULL : strdup(name);
		if (copy != NULL) {
			source_clean_path(copy);
			free(r->name);
			r->name = copy;
			r->of_file = true;
		}
		name += len + 1;
	}
}

static void
note_process(struct source *s, const char *text, size_t size)
{
	struct elf_prpsinfo info;
	if (size < sizeof(info))
		return;
	memcpy(&info, text, sizeof(info));
	s->pid = info.pr_pid;
	size_t len = strnlen(info.pr_fname, sizeof(info.pr_fname));
	memcpy(s->program, info.pr_fname, len);
	s->program[len] = '\0';
	source_clean_text(s->program);
}

static void
read_notes(struct source *s, const GElf_Phdr *p)
{
	const struct core *core = s->own;
	Elf_Data *data = elf_getdata_rawchunk(
		core->elf, (int64_t)p->p_offset, p->p_filesz, ELF_T_NHDR);
	GElf_Nhdr head;
	size_t name, text, at = 0;
	while (data != NULL &&
		(at = gelf_getnote(data, at, &head, &name, &text)) > 0) {
		const char *from = (const char *)data->d_buf + text;
		if (head.n_type == NT_FILE)
			note_files(s, from, head.n_descsz);
		else if (head.n_type == NT_PRPSINFO)
			note_process(s, from, head.n_descsz);
		else
			thread_pointer_note(
				s, head.n_type, from, head.n_descsz);
	}
}

static int
read_headers(struct source *s, const char *path)
{
	struct core *core = s->own;
	GElf_Ehdr e;
	size_t n = 0;
	if (core->elf == NULL || gelf_getehdr(core->elf, &e) == NULL ||
		e.e_type != ET_CORE)
		return fail(EPROTO, "%s: not a core file", path);
	if (e.e_machine != OWN_MACHINE ||
		gelf_getclass(core->elf) != ELFCLASS64)
		return fail(EPROTO, "%s: of another machine", path);
	if (elf_getphdrnum(core->elf, &n) != 0 || n == 0 || n > MOST_SEGMENTS)
		return fail(EPROTO, "%s: no memory in it", path);
	core->segments = calloc(n, sizeof(*core->segments));
	if (core->segments == NULL)
		return fail(ENOMEM, "no memory for %zu segments", n);
	GElf_Phdr p;
	struct stat st;
	if (fstat(core->fd, &st) != 0)
		return fail_sys(errno, "%s", path);
	for (size_t i = 0; i < n; i++) {
		if (gelf_getphdr(core->elf, (int)i, &p) == NULL)
			return fail(EPROTO, "%s: cut off", path);
		note_end(s, &p, (uint64_t)st.st_size);
		int rc = p.p_type == PT_LOAD ? add_segment(s, &p) : 0;
		if (rc != 0)
			return rc;
	}
	qsort(core->segments, core->nsegments, sizeof(*core->segments),
		compare_segments);
	if (s->nregions > 0)
		qsort(s->regions, s->nregions, sizeof(*s->regions),
			compare_regions);
	/* names and threads, now that the regions are known */
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(core->elf, (int)i, &p) != NULL &&
			p.p_type == PT_NOTE)
			read_notes(s, &p);
	return 0;
}

static const struct source_ops ops = {.read = read_memory, .close = close_core};

int
source_open_core(struct source **ret, const char *path)
{
	struct source *s = source_new(&ops);
	if (s == NULL)
		return -ENOMEM;
	struct core *core = calloc(1, sizeof(*core));
	int rc = 0;
	s->own = core;
	if (core == NULL) {
		rc = fail(ENOMEM, "no memory");
	} else {
		core->fd = open(path, O_RDONLY | O_CLOEXEC);
		if (core->fd < 0)
			rc = fail_sys(errno, "%s", path);
	}
	if (rc == 0 && core != NULL) {
		(void)elf_version(EV_CURRENT);
		core->elf = elf_begin(core->fd, ELF_C_READ, NULL);
		rc = read_headers(s, path);
	}
	if (rc != 0) {
		source_close(s);
		return rc;
	}
	*ret = s;
	return 0;
}
