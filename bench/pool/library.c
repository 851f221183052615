/* SPDX-License-Identifier: BSD-3-Clause */
#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TLS_VARIABLE "GLIBC_TUNABLES"
#define TLS_SETTING  "glibc.rtld.optional_static_tls=65536"

void
library_make_room(char **argv)
{
	const char *setting = getenv(TLS_VARIABLE);

	if (setting == NULL || strcmp(setting, TLS_SETTING) != 0)
		if (setenv(TLS_VARIABLE, TLS_SETTING, 1) == 0)
			(void)execv("/proc/self/exe", argv);
}

const char *
library_load(const char *file, const struct library_function *functions)
{
	static char why[256];
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL) {
		(void)snprintf(why, sizeof(why), "%s", dlerror());
		return why;
	}
	for (; functions->name != NULL; functions++) {
		void *found = dlsym(library, functions->name);

		if (found == NULL) {
			(void)snprintf(why, sizeof(why), "%s", dlerror());
			return why;
		}
		/* ISO C has no way from void * to a function pointer */
		memcpy(functions->place, &found, sizeof(found));
	}
	return NULL;
}
