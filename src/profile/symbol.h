/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * symbol.h -- names for addresses of the process
 */
#ifndef PROFILE_SYMBOL_H
#define PROFILE_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

#define SYMBOL_MOST ((size_t)512) /* bytes of a name */

/*
 * symbol_name -- the exported function that a return address leads into
 * Returns its length; 0 when there is none that is known.
 */
size_t symbol_name(uintptr_t pc, char *ret, size_t size);

/* symbol_text -- the name, or FILE+0xOFFSET, or the address */
void symbol_text(uintptr_t pc, char *ret, size_t size);

#endif
