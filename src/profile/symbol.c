/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * symbol.c -- names for addresses of the process
 *
 * The dynamic linker knows exported functions only.  For all others there is
 * the place in the file, which addr2line(1) and pprof can look up.
 */
#include "profile/symbol.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

size_t
symbol_name(uintptr_t pc, char *ret, size_t size)
{
	Dl_info info;
	/* the call is the instruction before */
	if (dladdr((void *)(pc - 1), &info) == 0 || info.dli_sname == NULL)
		return 0;
	size_t n = strlen(info.dli_sname);
	n = n < size ? n : size - 1;
	memcpy(ret, info.dli_sname, n);
	ret[n] = '\0';
	return n;
}

void
symbol_text(uintptr_t pc, char *ret, size_t size)
{
	Dl_info info;
	if (symbol_name(pc, ret, size) > 0)
		return;
	if (dladdr((void *)(pc - 1), &info) == 0 || info.dli_fname == NULL) {
		(void)snprintf(ret, size, "0x%zx", (size_t)pc);
		return;
	}
	const char *slash = strrchr(info.dli_fname, '/');
	(void)snprintf(ret, size, "%s+0x%zx",
		slash != NULL ? slash + 1 : info.dli_fname,
		(size_t)(pc - 1 - (uintptr_t)info.dli_fbase));
}
