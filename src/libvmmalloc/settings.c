/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings.c -- what the environment asks of the preload library
 */
#include "libvmmalloc/settings.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/os.h"
#include "libvmmalloc.h"

#define DECIMAL 10u

/* suffix_shift -- powers of two that a letter stands for, 0 for none */
static unsigned
suffix_shift(char letter)
{
	static const char letters[] = "KMGT";
	const char *at = letter == '\0' ? NULL : strchr(letters, letter);
	if (at == NULL && letter >= 'a' && letter <= 'z')
		at = strchr(letters, letter - 'a' + 'A');
	return at == NULL ? 0 : 10 * (unsigned)(at - letters + 1);
}

bool
parse_size(const char *text, const char **end, size_t *ret)
{
	size_t value = 0;
	const char *s = text;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(value, DECIMAL, &value) ||
			__builtin_add_overflow(
				value, (size_t)(*s - '0'), &value))
			return false;
	if (s == text)
		return false;
	unsigned shift = suffix_shift(*s);
	s += shift != 0;
	if (value > SIZE_MAX >> shift)
		return false;
	*ret = value << shift;
	*end = s;
	return true;
}

/* is_device -- a device has its own size: none need be given */
static bool
is_device(const char *path)
{
	int saved = errno;
	struct stat st;
	bool yes = stat(path, &st) == 0 && S_ISCHR(st.st_mode);
	errno = saved;
	return yes;
}

static size_t
read_size(const char *text)
{
	const char *end;
	size_t size;
	while (*text == ' ' || *text == '\t')
		text++;
	if (*text == '-')
		die("negative VMMALLOC_POOL_SIZE");
	text += *text == '+';
	if (!parse_size(text, &end, &size) || *end != '\0')
		die("invalid VMMALLOC_POOL_SIZE value (%s)", text);
	if (size < VMMALLOC_MIN_POOL)
		die("VMMALLOC_POOL_SIZE value is less than minimum (%zu < %zu)",
			size, VMMALLOC_MIN_POOL);
	return size;
}

/* read_pool -- the one tier that VMMALLOC_POOL_DIR and _SIZE are */
static void
read_pool(struct tier_plan *ret)
{
	const char *dir = os_getenv("VMMALLOC_POOL_DIR");
	const char *size = os_getenv("VMMALLOC_POOL_SIZE");
	if (dir == NULL)
		die("environment variable VMMALLOC_POOL_DIR not specified");
	/* not all that is there: to clear it would touch much memory */
	ret->ntiers = 1;
	ret->tier[0].name[0] = '\0';
	ret->tier[0].from = 0;
	ret->tier[0].share = 0;
	if (size != NULL)
		ret->tier[0].size = read_size(size);
	else if (is_device(dir))
		ret->tier[0].size = VMMALLOC_MIN_POOL;
	else
		die("environment variable VMMALLOC_POOL_SIZE not specified");
	tier_set_path(&ret->tier[0], dir, strlen(dir));
}

static enum pool_fork
read_fork(void)
{
	const char *text = os_getenv("VMMALLOC_FORK");
	if (text == NULL)
		return POOL_FORK_PRIVATE;
	if (text[0] >= '0' && text[0] < '0' + POOL_FORK_MODES &&
		text[1] == '\0')
		return (enum pool_fork)(text[0] - '0');
	die("incorrect VMMALLOC_FORK value (%s)", text);
}

void
settings_read(struct settings *ret)
{
	const char *tiers = os_getenv("VMMALLOC_TIERS");
	if (tiers != NULL && *tiers != '\0')
		tier_plan_parse(&ret->plan, tiers);
	else
		read_pool(&ret->plan);
	ret->fork = read_fork();
	const char *stats = os_getenv("VMMALLOC_LOG_STATS");
	ret->stats = stats != NULL && strcmp(stats, "1") == 0;
}
