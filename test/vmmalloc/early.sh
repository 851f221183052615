#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# early.sh SRC BUILD -- allocations before main(), and libraries that come first
#
# Each of these once hung at the start, or found the heap used up:
# a table of fork or exit handlers that grew with malloc under libc's lock while
# the pools were made and registered handlers too; objects of other libraries'
# fork handlers, which came from a small arena and were never used again; an
# allocation from .preinit_array, which came from that arena as well.
#
# ctest: long
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
early=$(program early)
object=$(program object_early).so
first=$(program object_first).so

# the program alone
fine "$early" 3 1048576

# with another library; some of the orders have it initialized before ours
for libraries in "$library $object" "$object $library" "$library $first" \
	"$first $library"; do
	# before all constructors there is but a small arena, if not ours is first
	case $libraries in
	*"$first"*) bytes=10000 ;;
	*) bytes=1048576 ;;
	esac
	for what in atfork atexit at_quick_exit; do
		for stats in 0 1; do
			ended 0 '' '*' LD_PRELOAD="$libraries" EARLY=$what \
				VMMALLOC_LOG_STATS=$stats \
				timeout 20 "$early" 3 $bytes
		done
	done
	# 32 MB freed inside forks, and 30 MB of objects that live there
	for mode in 1 2; do
		fine LD_PRELOAD="$libraries" EARLY=forks EARLY_OBJECT=64000 \
			VMMALLOC_POOL_SIZE=14M VMMALLOC_FORK=$mode \
			timeout 50 "$early" 500 $bytes
	done
done
fine LD_PRELOAD="$library $object" EARLY=large "$early" 0 1048576
done_testing
