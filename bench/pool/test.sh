#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# test.sh PROGRAM LIBRARY -- does bench-pool measure, resume and report?  No times are
# judged: the machine may have other work
set -eu
program=$1
library=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
	echo "bench-pool: $1" >&2
	exit 1
}

# a work of one thread, of several, one that makes pools, and a capacity
set -- --memory region --rounds 1 --slice 1 --json "$tmp/figures.json"
"$program" "$@" --works 'pair-64,set-1k-2t,pool,hold-14m' >"$tmp/first"
for work in pair-64 set-1k-2t pool hold-14m; do
	grep -Eq "^$work region +[0-9]" "$tmp/first" ||
		fail "no figure of ours for $work"
done
grep -q '^The targets' "$tmp/first" || fail "no table of targets"

# objects are left alone, or their first words written: then more pages come
"$program" "$@" --works burst-400k --contenders vmem --json "$tmp/left" >"$tmp/out"
"$program" "$@" --works burst-400k --contenders vmem --first-word \
	--json "$tmp/written" >"$tmp/out"
cat "$tmp/left" "$tmp/written" |
	awk '/"held_bytes"/ { held[n++] = $2 + 0 } END { exit !(n == 2 && held[0] < held[1]) }' ||
	fail "no more memory is held by objects that are written to"

# what is there stays, what is new comes
"$program" "$@" --works 'pair-64,pair-16' --resume >"$tmp/second"
grep -q '^pair-16 region' "$tmp/second" || fail "pair-16 was not measured"
[ "$(grep -c '"work": "pair-64"' "$tmp/figures.json")" -eq 1 ] ||
	fail "pair-64 was measured twice"

"$program" --report "$tmp/figures.json" --table behind >"$tmp/third"
grep -q '^Where ours is behind' "$tmp/third" || fail "no table of that name"
! "$program" --report "$tmp/figures.json" --table none 2>"$tmp/error" ||
	fail "a table that is not there was printed"
BENCH_ORIGINAL=$library "$program" --memory region --rounds 1 --slice 1 \
	--works pair-64 --contenders original >"$tmp/fourth"
grep -q '^original: BENCH_ORIGINAL names a newer library' "$tmp/fourth" ||
	fail "ours was taken for the original"
! "$program" --works pair-64 --contenders nobody 2>"$tmp/error" ||
	fail "a contender that is not there was measured"
