/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * os.h -- the system calls that the engine makes, behind one file
 *
 * Functions return 0 or a negative errno unless said otherwise and keep errno.
 * Thread-safe.
 */
#ifndef BASE_OS_H
#define BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* os_page_size -- bytes of the system's page */
size_t os_page_size(void);

/* os_memory_size -- bytes of memory and swap together; SIZE_MAX: not known */
size_t os_memory_size(void);

/* os_ncpus -- processors online, at least 1 */
unsigned os_ncpus(void);

/* os_map -- private zero memory of our own; NULL when there is none */
void *os_map(size_t size);
void os_unmap(void *addr, size_t size);

/* os_map_sparse -- the same, of which little will be used: it is not locked */
void *os_map_sparse(size_t size);

/* os_map_huge -- by huge pages, please: a part of what was mapped so */
void os_map_huge(void *addr, size_t size);

/*
 * os_barrier_init -- register for os_barrier()
 * Returns whether the kernel offers it.
 */
bool os_barrier_init(void);

/*
 * os_barrier -- a full memory barrier on every processor that runs a thread
 * of this process (membarrier(2), private expedited); some milliseconds where
 * that has been denied since os_barrier_init()
 */
void os_barrier(void);

/* os_futex_wait -- sleep while *word == value; may return at any time */
void os_futex_wait(uint32_t *word, uint32_t value);

/* os_futex_wake -- wake up to `n` threads that wait on the word */
void os_futex_wake(uint32_t *word, int n);

/* os_yield -- let other threads run; `round` grows while nothing happens */
void os_yield(unsigned round);

/* os_is_resident -- is the system page at the address in memory? */
bool os_is_resident(const void *addr);

/* os_is_readable -- can the 8 bytes be read?  They are aligned; no signal. */
bool os_is_readable(const void *addr);

/*
 * os_is_mapped -- is each of n bytes, 1 at least, in some mapping?
 * Of more than a page memcheck thinks that they are read.
 */
bool os_is_mapped(const void *addr, size_t n);

/*
 * os_thread_pointer -- the register that thread-local storage is found by: the
 * base of fs on x86-64, tpidr_el0 on aarch64
 */
uintptr_t os_thread_pointer(void);

/* os_getenv -- secure_getenv(3) */
const char *os_getenv(const char *name);

/*
 * os_cancel_off -- from here on no system call is where a cancelled thread
 * ends; returns what os_cancel_restore() wants
 */
int os_cancel_off(void);
void os_cancel_restore(int state);

/*
 * os_streams_hold -- where standard streams are closed their numbers are taken,
 * by what can be neither read nor written, so that nothing that is opened until
 * os_streams_let() gets one: other threads may print into it
 * Returns what os_streams_let() wants.
 */
unsigned os_streams_hold(void);
void os_streams_let(unsigned held);

/*
 * os_dup_high -- a copy of a descriptor that exec() closes, with a number far
 * from those that programs count on, if there are so many, and no stream's
 * Returns the copy or a negative errno.
 */
int os_dup_high(int fd);

/*
 * os_write_some -- write(2), but over the limit of a file's size (RLIMIT_FSIZE)
 * no SIGXFSZ comes: it would end a program that knows nothing of the file
 * Returns how many bytes, or a negative errno.
 */
long os_write_some(int fd, const void *bytes, size_t size);

/* os_write -- all of a text, or what can be written: the rest is lost */
void os_write(int fd, const char *text, size_t size);

#endif
