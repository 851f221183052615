/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compiler.h -- names for what the compilers offer beyond C11
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define NOINLINE               __attribute__((noinline))
#define COLD                   __attribute__((cold, noinline))
#define ALWAYS_INLINE          inline __attribute__((always_inline))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ALIGNED(n)             __attribute__((aligned(n)))
#define MAY_ALIAS              __attribute__((may_alias))

/* a symbol that the shared library exports; all others are hidden */
#define EXPORT __attribute__((visibility("default")))

/*
 * The same, of a fast path: it begins a cache line.  Where in a line it begins
 * decides 5 to 10 % of a pair's time, and is else left to what lies before it.
 */
#define EXPORT_FAST EXPORT ALIGNED(64)

/*
 * Thread-local data of a shared library that is reached without a call.  Keep
 * it small: a library that is opened late shares a few hundred spare bytes
 * with all others.
 */
#define TLS_INITIAL_EXEC __thread __attribute__((tls_model("initial-exec")))

/* under the thread sanitizer some waits must be told apart from spinning */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

#endif
