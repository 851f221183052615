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

#ifdef HAVE_PROBES
#define PROBE2(name, a, b)       DTRACE_PROBE2(libvmem, name, a, b)
#define PROBE3(name, a, b, c)    DTRACE_PROBE3(libvmem, name, a, b, c)
#define PROBE4(name, a, b, c, d) DTRACE_PROBE4(libvmem, name, a, b, c, d)
#else
#define PROBE2(name, a, b)       ((void)0)
#define PROBE3(name, a, b, c)    ((void)0)
#define PROBE4(name, a, b, c, d) ((void)0)
#endif

#endif
