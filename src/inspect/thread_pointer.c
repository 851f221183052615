/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread_pointer.c -- where a thread has its storage
 */
#include "inspect/thread_pointer.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "inspect/source.h"

#define MOST_THREADS ((size_t)1 << 20)

#if defined(__x86_64__)
#define REGISTERS NT_PRSTATUS
typedef struct user_regs_struct registers;

static uint64_t
pointer_in(const registers *r)
{
	return r->fs_base;
}

/* note_registers -- in a core file they lie in a larger struct */
static bool
note_registers(registers *ret, const char *text, size_t size)
{
	struct elf_prstatus status;
	_Static_assert(sizeof(status.pr_reg) == sizeof(*ret), "the registers");
	if (size < sizeof(status))
		return false;
	memcpy(&status, text, sizeof(status));
	memcpy(ret, &status.pr_reg, sizeof(*ret));
	return true;
}
#elif defined(__aarch64__)
#define REGISTERS NT_ARM_TLS
typedef uint64_t registers;

static uint64_t
pointer_in(const registers *r)
{
	return *r;
}

static bool
note_registers(registers *ret, const char *text, size_t size)
{
	if (size < sizeof(*ret))
		return false;
	memcpy(ret, text, sizeof(*ret));
	return true;
}
#endif

void
thread_pointer_note(
	struct source *s, uint32_t type, const char *text, size_t size)
{
	registers r;
	if (type != REGISTERS || s->nthreads == MOST_THREADS ||
		!note_registers(&r, text, size))
		return;
	uint64_t *more =
		realloc(s->thread_pointers, (s->nthreads + 1) * sizeof(*more));
	if (more == NULL)
		return;
	s->thread_pointers = more;
	s->thread_pointers[s->nthreads++] = pointer_in(&r);
}

uint64_t
thread_pointer_of(int tid)
{
	registers r;
	struct iovec io = {&r, sizeof(r)};
	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)REGISTERS, &io) !=
			0 ||
		io.iov_len != sizeof(r))
		return 0;
	return pointer_in(&r);
}
