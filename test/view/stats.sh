#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# stats.sh SRC BUILD -- the statistics from outside are those from inside
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"

# shared and static, files and regions: byte for byte, with nothing to warn of
for program in holder holder_static; do
	hold $program "$bin/view_$program" -f 2 -r 1
	for n in 1 2 3; do
		view 0 stats "$pid:$n"
		same out $program/stats.$n
		[ ! -s "$tmp/err" ] || failed "$(cat "$tmp/err")"
		view 0 stats --json "$pid:$n"
		same out $program/json.$n
	done
	view 0 stats --omit gmbl "$pid:1"
	has out '^arenas\[0\]:'
	! grep -q -e '^Version' -e '^bins' "$tmp/out" || failed "not omitted"
	view 2 stats "$pid"
	has err "process $pid \\(view_.*\\) has 3 pools; say which: 1, 2, 3"
	release "$pid"
done

# the debug flavour has the same structs
hold debug env LD_LIBRARY_PATH="$build/lib/vmem_debug" "$bin/view_holder"
view 0 stats --json "$pid"
same out debug/json.1
release "$pid"

# damaged, and nothing changes it: what does not hold is left out, that is said
hold wrong "$bin/view_holder" -w
view 1 stats "$pid"
same out wrong/stats.1
has err "pool $pid:1 looks damaged: nothing changes it, .* \`vmem check\` says more"
view 1 map --format json "$pid"
has err "pool $pid:1 looks damaged: "
jq -e '.exact | not' "$tmp/out" >/dev/null || failed "exact"
view 1 check "$pid"
has out "pool $pid:1: page 0: page map of a page without a run"
release "$pid"

# in use at full speed: figures that fit together
hold busy "$bin/view_holder" -t 4 -f 2 -m 64
i=0
while [ $i -lt 8 ]; do
	view 0 stats --json "$pid:$((i % 2 + 1))"
	! grep "damaged" "$tmp/err" || failed "busy, not damaged"
	jq -e '.allocated <= .active and .active <= .mapped and .free <= .mapped
		and ([.bins[].live] | min) >= 0
		and ([.bins[] | .live * .size] | add) <= .mapped
		and ([.large[].live] | min) >= 0' "$tmp/out" >/dev/null || {
		failed "figures that cannot be"
		cat "$tmp/out"
	}
	# stopped: nothing changes, and a thread may be in the middle of it
	kill -STOP "$pid"
	view 0 stats "$pid:$((i % 2 + 1))"
	! grep "damaged" "$tmp/err" || failed "stopped, not damaged"
	kill -CONT "$pid"
	i=$((i + 1))
done
kill -0 "$pid" || failed "the busy program has ended"
done_viewing
