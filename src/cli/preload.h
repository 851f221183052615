/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * preload.h -- the preload library, and the dynamic linker's list of them
 */
#ifndef CLI_PRELOAD_H
#define CLI_PRELOAD_H

/*
 * preload_set -- put libvmmalloc at the front of LD_PRELOAD
 *
 * Looked for in LD_LIBRARY_PATH, so that the debug flavour can be chosen as
 * for other programs; then where it lies beside this command; then it is left
 * to the dynamic linker, if that has it in its cache.  Returns 0, or the exit
 * status after saying why.
 */
int preload_set(void);

/*
 * preload_unwinder -- and libgcc at its end, by whose help libvmmalloc walks
 * stacks; it cannot load it itself
 */
int preload_unwinder(void);

#endif
