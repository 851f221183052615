/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings.c -- the environment of the preload library
 *
 * A line of the input is a variable: the first letter says which, the rest is
 * its value.  What is wrong ends the process; here it comes back, as die() is
 * replaced when this is linked.
 */
#include "libvmmalloc/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "base/assert.h"
#include "fuzz/kit/fuzz.h"
#include "libvmmalloc.h"

#define NVARIABLES 5u

static const char letters[] = "TDSFL";
static const char *const names[NVARIABLES] = {"VMMALLOC_TIERS",
	"VMMALLOC_POOL_DIR", "VMMALLOC_POOL_SIZE", "VMMALLOC_FORK",
	"VMMALLOC_LOG_STATS"};
static jmp_buf back;

/* the linker's name for what is called instead of die() */
_Noreturn void __wrap_die(const char *fmt, ...) PRINTF_LIKE(1, 2);

_Noreturn void
__wrap_die(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	must(n > 0);
	must(strstr(fmt, "assertion failed") == NULL);
	longjmp(back, 1);
}

static void
set_variables(char *text)
{
	for (unsigned i = 0; i < NVARIABLES; i++)
		must(unsetenv(names[i]) == 0);
	for (char *line; (line = strsep(&text, "\n")) != NULL;) {
		const char *at = *line == '\0' ? NULL : strchr(letters, *line);
		if (at != NULL)
			must(setenv(names[at - letters], line + 1, 1) == 0);
	}
}

static void
must_be_sound(const struct settings *s)
{
	const struct tier_plan *p = &s->plan;
	bool ratio = p->tier[0].share != 0;
	must(p->ntiers >= 1 && p->ntiers <= TIERS_MAX);
	must(s->fork < POOL_FORK_MODES);
	for (unsigned i = 0; i < p->ntiers; i++) {
		const struct tier_spec *t = &p->tier[i];
		must(memchr(t->name, '\0', sizeof(t->name)) != NULL);
		must(memchr(t->path, '\0', sizeof(t->path)) != NULL);
		must(t->path[0] == '/' || t->path[0] == '\0');
		must(t->size >= VMMALLOC_MIN_POOL);
		must((t->share != 0) == ratio && t->share <= RATIO_MOST);
		must(!ratio || t->from == 0);
		/* either no threshold at all, or rising ones */
		must(i < 2 || t->from == 0 || t->from > p->tier[i - 1].from);
		must(i < 2 || (t->from == 0) == (p->tier[1].from == 0));
	}
	must(p->tier[0].from == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings settings; /* zeroed, as the library's is */
	struct input in = {data, data + size};
	char *text = input_text(&in);

	set_variables(text);
	memset(&settings, 0, sizeof(settings));
	if (setjmp(back) == 0) {
		settings_read(&settings);
		must_be_sound(&settings);
	}
	free(text);
	return 0;
}
