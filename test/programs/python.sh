#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# python.sh -- parts of Python's own tests; all memory comes from malloc

needs python3 command -v python3
needs libpython3.11-testsuite python3 -c 'import test.test_dict'
pool 768M
forks 2 3
tight 1 '^MemoryError'

# modules -- those that take seconds, and no network; for times also without
# those that wait
modules() {
	echo test_dict test_list test_re test_unicode
	[ "$LEVEL" = bench ] || echo test_thread
	[ "$LEVEL" != bench ] || echo test_json
	[ "$LEVEL" = full ] || return 0
	echo test_gc test_json test_set test_array test_ast test_bisect \
		test_buffer test_bytes test_bz2 test_codecs test_collections \
		test_deque test_descr test_email \
		test_float test_fork1 test_functools test_generators \
		test_hashlib test_heapq test_itertools test_long \
		test_memoryview test_mmap test_ordered_dict test_pickle \
		test_sort test_string test_struct test_threading \
		test_tokenize test_weakref test_zlib
}

work() {
	# shellcheck disable=SC2046 # a list of words
	under python3 "$PROGRAMS/unittests.py" $(modules)
}

exhaust() {
	under python3 -c 'kept = [bytearray(100000) for _ in range(10000)]'
}
