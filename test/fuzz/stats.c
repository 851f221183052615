/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stats.c -- any options for the statistics; with J the text is JSON
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz/kit/fuzz.h"

#define OBJECTS 700u

static char *printed;
static size_t nprinted;

static void
keep(const char *text)
{
	size_t n = strlen(text);
	printed = realloc(printed, nprinted + n + 1);
	must(printed != NULL);
	memcpy(printed + nprinted, text, n + 1);
	nprinted += n;
}

/* a_pool -- with small and large objects in it */
static VMEM *
a_pool(void)
{
	static VMEM *vmp;
	if (vmp != NULL)
		return vmp;
	void *region = mmap(NULL, VMEM_MIN_POOL, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(region != MAP_FAILED);
	vmp = vmem_create_in_region(region, VMEM_MIN_POOL);
	must(vmp != NULL);
	for (size_t i = 0; i < OBJECTS; i++) {
		void *p = vmem_malloc(vmp, i * i / 16 + 1);
		if (i % 3 == 0)
			vmem_free(vmp, p);
	}
	return vmp;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	char *opts = input_text(&in);
	VMEM *vmp = a_pool();

	vmem_set_funcs(NULL, NULL, NULL, NULL, keep);
	errno = 0;
	vmem_stats_print(vmp, opts);
	must(errno == 0 && nprinted > 0);
	if (strchr(opts, 'J') != NULL) {
		json_t *json = json_loads(printed, 0, NULL);
		must(json_is_object(json));
		json_decref(json);
	}
	free(printed);
	printed = NULL;
	nprinted = 0;
	free(opts);
	return 0;
}
