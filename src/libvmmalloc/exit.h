/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * exit.h -- the statistics that are printed when the program ends
 */
#ifndef LIBVMMALLOC_EXIT_H
#define LIBVMMALLOC_EXIT_H

/*
 * exit_print_stats -- and write the profiles, if they are asked for and have
 * not been printed; not by a thread that is in the middle of an operation,
 * which is in a signal handler
 */
void exit_print_stats(void);

#endif
