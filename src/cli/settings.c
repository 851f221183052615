/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings.c -- fork mode, profile and log file of the preload library
 */
#include "cli/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/place.h"

#define FORK     "VMMALLOC_FORK"
#define PROFILE  "VMMALLOC_PROFILE"
#define LOG_FILE "VMMALLOC_LOG_FILE"
#define DECIMAL  10

int
setting_set(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		return refuse(STATUS_FAILED, "%s: %s", name, strerror(errno));
	return 0;
}

/* check_fork_variable -- the library reads numbers, and no words */
static int
check_fork_variable(void)
{
	const char *said = getenv(FORK);

	if (said == NULL || (*said >= '0' && *said <= '3' && said[1] == '\0'))
		return 0;
	return refuse(STATUS_USAGE, FORK ": '%s' is none of 0, 1, 2, 3", said);
}

int
setting_fork(const char *mode)
{
	static const char *const names[] = {
		"none", "private", "copy", "copy-or-private"};
	char number[] = "0";

	if (mode == NULL)
		return check_fork_variable();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		number[0] = (char)('0' + i);
		if (strcmp(mode, names[i]) == 0 || strcmp(mode, number) == 0)
			return setting_set(FORK, number);
	}
	return refuse(STATUS_USAGE,
		"--fork: '%s' is none of none (0), private (1), copy (2), "
		"copy-or-private (3)",
		mode);
}

/* check_file -- can it be written, or made? */
static int
check_file(const char *name, char ret_path[PATH_MAX])
{
	char dir[PATH_MAX];
	size_t len;
	int status = place_absolute("", name, ret_path);

	if (status != 0)
		return status;
	len = (size_t)(strrchr(ret_path, '/') - ret_path);
	memcpy(dir, ret_path, len + 1);
	dir[len + 1] = '\0';
	if (ret_path[len + 1] == '\0')
		errno = EISDIR;
	else if (eaccess(ret_path, W_OK) == 0 ||
		 (errno == ENOENT && eaccess(dir, W_OK | X_OK) == 0))
		return 0;
	return refuse(STATUS_FAILED, "%s: %s", name, strerror(errno));
}

int
setting_log_file(const char *name)
{
	const char *said = getenv(LOG_FILE);
	char path[PATH_MAX];
	int status;

	if (name != NULL) {
		status = check_file(name, path);
		return status != 0 ? status : setting_set(LOG_FILE, path);
	}
	return said == NULL || *said == '\0' ? 0 : check_file(said, path);
}

/* end_of_mean -- of the number in front of a profile's file; NULL: none */
static const char *
end_of_mean(const char *text)
{
	char *end;

	errno = 0;
	if (*text < '0' || *text > '9' || strtoull(text, &end, DECIMAL) == 0 ||
		errno != 0)
		return NULL;
	if (*end != '\0' && strchr("KMG", *end) != NULL)
		end++;
	return *end == '\0' || (*end == ':' && end[1] != '\0') ? end : NULL;
}

/* check_profile_file -- its folder, if that is not another one each time */
static int
check_profile_file(const char *name, char ret_path[PATH_MAX])
{
	const char *slash = strrchr(name, '/');
	const char *percent = strchr(name, '%');

	if (slash != NULL && percent != NULL && percent < slash)
		return place_absolute("", name, ret_path);
	return check_file(name, ret_path);
}

int
setting_profile(const char *text)
{
	const char *what = text == NULL ? PROFILE : "--profile";
	const char *said = text == NULL ? getenv(PROFILE) : text;
	const char *end;
	char path[PATH_MAX], *value;
	int status;

	if (text == NULL && (said == NULL || *said == '\0'))
		return 0;
	end = end_of_mean(said);
	if (end == NULL)
		return refuse(STATUS_USAGE, "%s: '%s' is not MEAN or MEAN:FILE",
			what, said);
	if (*end == '\0')
		return text == NULL ? 0 : setting_set(PROFILE, text);
	status = check_profile_file(end + 1, path);
	if (status != 0 || text == NULL)
		return status;
	if (asprintf(&value, "%.*s:%s", (int)(end - text), text, path) < 0)
		return refuse(STATUS_FAILED, "no memory");
	status = setting_set(PROFILE, value);
	free(value);
	return status;
}
