/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe.h -- places where a tracer can look on: vmem_probes(7) lists them
 *
 * A probe is one instruction that does nothing, and a note in the file that
 * says where it is and where its arguments are (systemtap's format, which
 * bpftrace, perf, gdb and systemtap read).  The arguments must cost nothing
 * either: numbers and pointers that are at hand.  Probes belong on slow paths,
 * because what they name has to be kept in some register.
 *
 * Where the header is missing at build time there are no probes.
 */
#ifndef BASE_PROBE_H
#define BASE_PROBE_H

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#define HAVE_PROBES 1
#endif
#endif

/* clang looks into the header's macros for what is no C11 */
#ifdef __clang__
/* _Pragma takes one literal, and that is long */
/* clang-format off */
#define PROBE_BEGIN                                                            \
	_Pragma("clang diagnostic push")                                       \
		_Pragma("clang diagnostic ignored \"-Wpedantic\"")             \
			_Pragma("clang diagnostic ignored \"-Wgnu-zero-variadic-macro-arguments\"")
#define PROBE_END _Pragma("clang diagnostic pop")
/* clang-format on */
#else
#define PROBE_BEGIN
#define PROBE_END
#endif

#ifdef HAVE_PROBES
#define PROBE2(name, a, b)                                                     \
	PROBE_BEGIN DTRACE_PROBE2(libvmem, name, a, b) PROBE_END
#define PROBE3(name, a, b, c)                                                  \
	PROBE_BEGIN DTRACE_PROBE3(libvmem, name, a, b, c) PROBE_END
#define PROBE4(name, a, b, c, d)                                               \
	PROBE_BEGIN DTRACE_PROBE4(libvmem, name, a, b, c, d) PROBE_END
#else
#define PROBE2(name, a, b)       ((void)0)
#define PROBE3(name, a, b, c)    ((void)0)
#define PROBE4(name, a, b, c, d) ((void)0)
#endif

#endif
