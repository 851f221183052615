/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * thread_pointer.h -- where a thread has its storage
 *
 * In a core file and of a running thread: what a machine keeps in a register.
 */
#ifndef INSPECT_THREAD_POINTER_H
#define INSPECT_THREAD_POINTER_H

#include <stddef.h>
#include <stdint.h>

struct source;

/* thread_pointer_note -- of a core file: keep the thread pointer, if the note
 * has one */
void thread_pointer_note(
	struct source *s, uint32_t type, const char *text, size_t size);

/* thread_pointer_of -- of a thread that ptrace(2) has stopped; 0: none */
uint64_t thread_pointer_of(int tid);

#endif
