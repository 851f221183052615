/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * attack.h -- one misuse of one heap, and what comes of it
 *
 *	attack HEAP ATTACK SIZE
 *
 * HEAP is "level-0" to "level-3", a pool of that hardening level, or "malloc",
 * whatever malloc(3) is in this process.  What happens is told in words, a line
 * each, as it happens, since the process may die of it; table.py reads them:
 *
 *	ready    the heap has objects in it; the attack begins
 *	done     the attack has not stopped the process
 *	refused  the heap has said so during the attack
 *	later    the heap has said so after it
 *	twice    memory of a live object was handed out again
 *	changed  bytes of an object are not what was written into it
 *	check    vmem_check() finds the pool damaged
 *	none     there is no such thing on this heap
 *	end      the last word
 */
#ifndef ATTACK_ATTACK_H
#define ATTACK_ATTACK_H

#include <stdbool.h>
#include <stddef.h>

/* heap.c: the heap under attack */
bool heap_open(const char *name);
void *heap_take(size_t size);
void heap_give(void *p);
size_t heap_usable(void *p);
/* heap_give_elsewhere -- by a thread of its own */
void heap_give_elsewhere(void *p);
/* heap_has_told -- has it refused anything since the last call? */
bool heap_has_told(void);
bool heap_is_damaged(void);
/* of a pool only, else NULL: its own data, and an object of another pool */
void *heap_header(void);
void *heap_metadata(void);
void *heap_other_object(size_t size);

/* objects.c: live objects, whose bytes are known */
void objects_take(size_t n, size_t size);
/* objects_forget -- the object at p is live no more */
void objects_forget(const void *p);
/* objects_holds -- is a live one at p? */
bool objects_holds(const void *p);
/* objects_pair -- two live ones, the second as close behind the first as any */
void objects_pair(char **ret_first, char **ret_second);
/* objects_give -- compare all and free them */
void objects_give(void);

void say(const char *word);

#endif
