#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# life.sh SRC BUILD -- from before the first constructor to after the last
# destructor, of programs in C and C++, preloaded into and linked; and threads
#
# ctest: timeout=120
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
late=$(program object_late).so

# allocation before our constructor and after our destructor
for libraries in "$library $late" "$late $library"; do
	for how_to_end in return quick_exit exit-of-thread fork; do
		ended 3 '' '*' LD_PRELOAD="$libraries" VMMALLOC_LOG_STATS=1 \
			"$(program exits)" $how_to_end
	done
done

if [ -x "$(program lifetime)" ]; then
	object=$(program object_lifetime).so
	for how_to_end in return exit _exit thread full; do
		for pool in 16M 256M; do
			fine VMMALLOC_POOL_SIZE=$pool \
				"$(program lifetime)" $how_to_end
			fine VMMALLOC_POOL_SIZE=$pool LD_PRELOAD= \
				"$(program linked_lifetime)" $how_to_end
		done
		fine "$(program lifetime)" $how_to_end "$object"
		fine LD_PRELOAD="$object $library" \
			"$(program lifetime)" $how_to_end
		fine LD_PRELOAD="$object" \
			"$(program linked_lifetime)" $how_to_end
		# linked, and preloaded as well: it is one library
		fine "$(program linked_lifetime)" $how_to_end
	done
else
	echo "skipped: no C++ compiler"
fi

for what in many keys stack cancel exit; do
	for pool in 14M 256M; do
		fine VMMALLOC_POOL_SIZE=$pool "$(program threads)" $what
	done
	fine VMMALLOC_FORK=2 "$(program threads)" $what
done
# the smallest pool, full
for mode in 1 2 3; do
	fine VMMALLOC_FORK=$mode VMMALLOC_POOL_SIZE=14M "$(program full)"
done
ended 0 '' '___ Begin jemalloc statistics ___*' VMMALLOC_LOG_STATS=1 \
	VMMALLOC_POOL_SIZE=14M "$(program full)"
fine VMMALLOC_TIERS="a:$pools:14M,b:anon:14M" "$(program full)"
done_testing
