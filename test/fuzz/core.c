/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * core.c -- the input is a core file, as `vmem check` and others are given one
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/kit/fuzz.h"
#include "inspect/inspect.h"

static void
drop_text(const char *text)
{
	(void)text;
}

static void
drop_finding(void *arg, const char *text)
{
	(void)arg;
	must(text[0] != '\0');
}

static void
look_at(struct source *s, const struct seen_pool *pool)
{
	struct check_result result;
	struct snapshot *snap;
	struct heap_map map;
	static struct figures figures;

	(void)inspect_check(&result, s, pool, drop_finding, NULL);
	if (snapshot_take(&snap, s, pool, SNAPSHOT_ONCE) != 0) {
		must(vmem_errormsg()[0] != '\0');
		return;
	}
	must(figures_read(&figures, snap) == 0);
	must(heap_map_make(&map, snap) == 0);
	heap_map_free(&map);
	must(snapshot_print(snap, "J") == 0);
	snapshot_drop(snap);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source *s;
	struct pool_list list;
	char path[64];
	int fd = memfd_create("core", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	vmem_set_funcs(NULL, NULL, NULL, NULL, drop_text);
	if (source_open_core(&s, path) == 0) {
		must(memchr(source_program(s), '\0', 256) != NULL);
		if (pool_list_read(&list, s) == 0) {
			for (size_t i = 0; i < list.npools; i++)
				look_at(s, &list.pools[i]);
			pool_list_free(&list);
		}
		source_close(s);
	} else {
		must(vmem_errormsg()[0] != '\0');
	}
	must(close(fd) == 0);
	return 0;
}
