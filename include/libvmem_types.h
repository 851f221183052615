/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvmem_types.h -- what a pool shall be like, and what it tells of itself
 *
 * Part of <libvmem.h>, which includes it: the structs that its functions take,
 * and their constants.
 */
#ifndef LIBVMEM_TYPES_H
#define LIBVMEM_TYPES_H 1

#include <stddef.h>
#include <stdint.h>

/* where a pool's memory comes from: vmem_options.source */
enum {
	VMEM_SOURCE_PATH,    /* `path`: a directory, or a device DAX node */
	VMEM_SOURCE_FD,      /* `fd`: an empty file, or a device DAX node */
	VMEM_SOURCE_REGION,  /* `addr`: memory that the caller has */
	VMEM_SOURCE_MEMFD,   /* anonymous memory, shared with forked children */
	VMEM_SOURCE_HUGETLB, /* the same in pages of hugetlbfs */
	VMEM_SOURCE_PRIVATE  /* anonymous memory, copied at a fork */
};

/* how free pages of a region go back to the system: vmem_options.give_back */
enum {
	VMEM_GIVE_NONE,    /* not at all */
	VMEM_GIVE_REMOVE,  /* MADV_REMOVE: a shared mapping */
	VMEM_GIVE_DONTNEED /* MADV_DONTNEED: private anonymous memory */
};

/* on which NUMA nodes pages are placed: vmem_options.numa */
enum {
	VMEM_NUMA_DEFAULT,    /* as the kernel does for the thread */
	VMEM_NUMA_BIND,       /* on `numa_nodes`, and nowhere else */
	VMEM_NUMA_INTERLEAVE, /* on them in turn */
	VMEM_NUMA_PREFERRED   /* on them as long as they have room */
};

/* vmem_options.huge_pages: transparent huge pages */
#define VMEM_HUGE_NEVER   (-1) /* none are asked for */
#define VMEM_HUGE_DEFAULT 0    /* where they pay */
#define VMEM_HUGE_ALL     1    /* for all of the pool */

#define VMEM_HARDENING_DEFAULT (-1) /* vmem_options.hardening */
#define VMEM_NAME_SIZE         64   /* of vmem_options.name, with the zero */

/*
 * What a pool shall be like.  Begin with vmem_options_init().  Later versions
 * of the library add members at the end and change none.
 */
struct vmem_options {
	size_t struct_size; /* set by vmem_options_init() */
	int source;         /* VMEM_SOURCE_...; PATH */
	int fd;             /* with FD; stays open and the caller's; -1 */
	const char *path;   /* with PATH; NULL */
	void *addr;         /* with REGION; NULL */
	size_t size;        /* bytes that are reserved at once; 0 */
	size_t max_size;    /* bytes that it may grow to; 0: as size */
	int sparse;     /* 1: reserve nothing at once, but as it is used; 0 */
	int prefault;   /* 1: bring what is reserved into memory; 0 */
	int huge_pages; /* VMEM_HUGE_...; DEFAULT */
	int give_back;  /* with REGION: VMEM_GIVE_...; NONE */
	int numa;       /* VMEM_NUMA_...; DEFAULT */
	int decay_ms;   /* as of vmem_decay(); VMEM_DECAY_DEFAULT */
	const char *numa_nodes; /* such as "0,2-3"; NULL */
	const char *name; /* for people: printable, no \ " ` $ [ ]; NULL */
	int hardening;    /* 0 to 3, or VMEM_HARDENING_DEFAULT, which it is */
	int reserved;     /* 0 */
};

/*
 * The figures of a pool.  All are exact for a pool at rest.  Later versions of
 * the library add members at the end and change none.
 */
struct vmem_stats {
	/* bytes */
	uint64_t mapped;    /* of what has memory or disk space behind it */
	uint64_t allocated; /* of live objects, as they are rounded up */
	uint64_t active;    /* of pages that hold live objects */
	uint64_t free;      /* of pages that nothing uses */
	uint64_t kept;      /* of pages without objects that heaps keep */
	uint64_t metadata;  /* of the pool's own data */
	/* small objects, which share pages, and large ones, which do not */
	uint64_t small_allocated; /* bytes */
	uint64_t small_nmalloc;   /* objects ever allocated */
	uint64_t small_ndalloc;   /* and freed */
	uint64_t large_allocated;
	uint64_t large_nmalloc;
	uint64_t large_ndalloc;
	/* counts */
	uint64_t heaps;     /* heaps inside the pool */
	uint64_t threads;   /* threads that have one of their own */
	uint64_t refused;   /* frees of what was no live object */
	uint64_t reclaims;  /* times that everything was searched for room */
	uint64_t hardening; /* level of the checks of frees, 0 to 3 */
	/* space */
	uint64_t size;       /* bytes of the pool, with what is not mapped */
	uint64_t given_back; /* bytes, in all its life */
	uint64_t no_memory;  /* times that the system had none to give */
};

#endif /* libvmem_types.h */
