#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# settings.sh SRC BUILD -- what the environment may and may not say
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"

# wrong TEXT VARIABLE=VALUE... -- ends so, before the program has begun
wrong() {
	text="Error (libvmmalloc): $1"
	shift
	ended 134 '' "$text" "$@" echo begun
}

# in the order in which they are looked at
how=bare
wrong 'environment variable VMMALLOC_POOL_DIR not specified' NONE=1
wrong 'environment variable VMMALLOC_POOL_DIR not specified' \
	VMMALLOC_POOL_SIZE=-1 VMMALLOC_FORK=4
wrong 'environment variable VMMALLOC_POOL_SIZE not specified' \
	VMMALLOC_POOL_DIR=/no/such VMMALLOC_FORK=4

how=run
wrong 'negative VMMALLOC_POOL_SIZE' VMMALLOC_POOL_SIZE=-1 VMMALLOC_FORK=4
wrong 'negative VMMALLOC_POOL_SIZE' VMMALLOC_POOL_SIZE=' -20000000'
for size in '' x 14M8 16MB 1.5G 0x1000000 16777216z 99999999999999999999 \
	18446744073709551616 16777216T; do
	wrong "invalid VMMALLOC_POOL_SIZE value ($size)" \
		VMMALLOC_POOL_SIZE="$size" VMMALLOC_FORK=4
done
wrong 'VMMALLOC_POOL_SIZE value is less than minimum (1048576 < 14680064)' \
	VMMALLOC_POOL_SIZE=1048576 VMMALLOC_FORK=4
wrong 'VMMALLOC_POOL_SIZE value is less than minimum (14680063 < 14680064)' \
	VMMALLOC_POOL_SIZE=14680063
wrong 'VMMALLOC_POOL_SIZE value is less than minimum (0 < 14680064)' \
	VMMALLOC_POOL_SIZE=0
for mode in 4 -1 '' 11 a '1 '; do
	wrong "incorrect VMMALLOC_FORK value ($mode)" VMMALLOC_FORK="$mode" \
		VMMALLOC_POOL_DIR=/no/such
done
long=/$(printf '%05000d' 0)
wrong 'incorrect VMMALLOC_FORK value (9)' VMMALLOC_FORK=9 \
	VMMALLOC_POOL_DIR="$long"
wrong 'vmem pool creation failed: File name too long' VMMALLOC_POOL_DIR="$long"
wrong 'vmem pool creation failed: No such file or directory' \
	VMMALLOC_POOL_DIR=/no/such
# an empty name is not the current directory
wrong 'incorrect VMMALLOC_FORK value (9)' VMMALLOC_FORK=9 VMMALLOC_POOL_DIR=
wrong 'vmem pool creation failed: No such file or directory' VMMALLOC_POOL_DIR=
wrong 'invalid VMMALLOC_TIERS: a tier is NAME:anon|PATH[:SIZE] (heap::64M)' \
	VMMALLOC_TIERS=heap::64M
wrong 'vmem pool creation failed: No such device' VMMALLOC_POOL_DIR=/dev/null
wrong 'vmem pool creation failed: Not a directory' VMMALLOC_POOL_DIR="$0"
wrong 'vmem pool creation failed: No space left on device' \
	VMMALLOC_POOL_SIZE=4000G

# sizes that are fine
for size in 14680064 14336K 14M 16777216 16m 1G +16777216 ' 16M'; do
	ended 0 begun '' VMMALLOC_POOL_SIZE="$size" echo begun
done
for mode in 0 1 2 3; do
	ended 0 begun '' VMMALLOC_FORK=$mode echo begun
done

# what has no meaning is not looked at
ended 0 begun '' JE_VMEM_MALLOC_CONF=garbage PMEM_MMAP_HINT=garbage echo begun

# a relative directory, though the program changes to another
(
	cd "$tmp"
	failures=0
	for mode in 1 2; do
		ended 0 '1
2' '' VMMALLOC_POOL_DIR=pools VMMALLOC_FORK=$mode \
			sh -c 'cd /; (echo 1); (cd /tmp; echo 2)'
	done
	[ "$failures" -eq 0 ]
) || failed "relative directory"

# one that is relative to a directory that is gone is not another one
mkdir "$tmp/gone"
(
	cd "$tmp/gone"
	rmdir "$tmp/gone"
	failures=0
	for tiers in '' heap:tmp:64M; do
		wrong 'vmem pool creation failed: No such file or directory' \
			VMMALLOC_POOL_DIR=tmp VMMALLOC_TIERS="$tiers"
		wrong 'incorrect VMMALLOC_FORK value (9)' VMMALLOC_FORK=9 \
			VMMALLOC_POOL_DIR=tmp VMMALLOC_TIERS="$tiers"
	done
	[ "$failures" -eq 0 ]
) || failed "directory that is gone"

# the log file of the statistics, and one that cannot be
ended 0 begun '' VMMALLOC_LOG_STATS=1 VMMALLOC_LOG_FILE="$tmp/log" echo begun
grep -q 'Begin jemalloc statistics' "$tmp/log" || failed "no log file"
done_testing
