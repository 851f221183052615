/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * report.c -- what the address sanitizer reports, and what is added to it
 *
 * Lines are printed by the function that prints the sanitizer's last line, the
 * summary.  It is the one public function that prints where reports go.
 *
 * Source  sanitizer/asan_interface.h, common_interface_defs.h and
 *         lsan_interface.h.
 */
#include "base/report.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define LINE 1024 /* bytes of a line */

/* names of the sanitizer: there where it is in the process */
void __asan_set_error_report_callback(void (*callback)(const char *text))
	__attribute__((weak));
void *__asan_get_report_address(void) __attribute__((weak));
int __asan_address_is_poisoned(const volatile void *p) __attribute__((weak));
void __asan_load1_noabort(void *p) __attribute__((weak));
void __asan_report_error(void *pc, void *bp, void *sp, void *p, int is_write,
	size_t size) __attribute__((weak));
void __sanitizer_symbolize_pc(void *pc, const char *fmt, char *ret, size_t size)
	__attribute__((weak));
void __sanitizer_report_error_summary(const char *text) __attribute__((weak));
void __lsan_do_leak_check(void) __attribute__((weak));

static void (*describe_address)(const void *address); /* set once */

/* at_report -- called by the sanitizer, which holds locks of its own */
static void
at_report(const char *text)
{
	(void)text;
	const void *address = __asan_get_report_address();
	if (address != NULL)
		describe_address(address);
}

bool
report_begin(void (*describe)(const void *address))
{
	if (__asan_set_error_report_callback == NULL ||
		__asan_get_report_address == NULL)
		return false;
	describe_address = describe;
	__asan_set_error_report_callback(at_report);
	return true;
}

static void
print_line(const char *text)
{
	if (__sanitizer_report_error_summary != NULL) {
		__sanitizer_report_error_summary(text);
		return;
	}
	log_print(text);
	log_print("\n");
}

void
report_print(const char *fmt, ...)
{
	char text[LINE];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_line(text);
}

void
report_frame(unsigned n, const void *pc)
{
	/* newer ones give several texts: what has been inlined comes first */
	char text[LINE] = "";
	if (__sanitizer_symbolize_pc != NULL)
		__sanitizer_symbolize_pc(
			(void *)(uintptr_t)pc, "%p %F %L", text, sizeof(text));
	text[LINE - 1] = '\0';
	if (text[0] == '\0')
		report_print("    #%u %p", n, pc);
	for (size_t at = 0; at < LINE && text[at] != '\0';
		at += strlen(text + at) + 1)
		report_print("    #%u %s", n, text + at);
}

NOINLINE void
report_wrong(const void *p)
{
	void *at = (void *)(uintptr_t)p, *frame = __builtin_frame_address(0);
	if (__asan_address_is_poisoned != NULL &&
		__asan_load1_noabort != NULL &&
		__asan_address_is_poisoned(p) != 0)
		/* unlike the other call it minds `halt_on_error` */
		__asan_load1_noabort(at);
	else if (__asan_report_error != NULL)
		__asan_report_error(
			__builtin_return_address(0), frame, frame, at, 0, 1);
}

void
report_leaks(void)
{
	if (__lsan_do_leak_check != NULL)
		__lsan_do_leak_check();
}
