#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run_pool.sh SRC BUILD -- with the real library: the heap is where it was put
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

vmem=$build/bin/vmem
if [ ! -e "$build/lib/libvmmalloc.so.1" ]; then
	echo "SKIPPED: libvmmalloc is not built here"
	exit 77
fi
run="run --dir $tmp/pool --size 32M"

# shellcheck disable=SC2086 # words, here and below
{
	prints "$(readlink -f "$build")/lib/libvmmalloc.so.1" \
		$run -- printenv LD_PRELOAD
	prints hello $run -- sh -c 'echo hello'
	"$vmem" $run -- cat /proc/self/maps >"$tmp/maps"
	grep -q " $tmp/pool/.*(deleted)" "$tmp/maps" ||
		failed "no pool is mapped: $(cat "$tmp/maps")"
	[ -z "$(ls -A "$tmp/pool")" ] || failed "a file was left"
	for mode in none private copy copy-or-private; do
		prints 3 $run --fork $mode -- sh -c 'expr 1 + 2'
	done
	prints 3 run --tiers "dram:anon:32M,slow:$tmp/pool:32M,threshold=64K" \
		-- sh -c 'expr 1 + 2'
	prints hello $run --stats --log-file "$tmp/log" -- echo hello
	grep -q 'End jemalloc statistics' "$tmp/log" ||
		failed "no statistics in the log file"
}
done_expecting
