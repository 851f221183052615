#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# check.sh SRC BUILD -- a program is stopped, its pools verified, and goes on
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"

# state PID -- of its main thread, as ps(1) shows it
state() {
	sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status"
}

# idle; then at full speed, by more threads than processors, again and again
hold idle "$bin/view_holder" -f 2 -r 1
view 0 check "$pid"
[ "$(grep -c 'consistent; stopped for' "$tmp/out")" -eq 3 ] ||
	failed "three verdicts, and not: $(cat "$tmp/out")"
view 0 check --quiet "$pid:2"
[ ! -s "$tmp/out" ] || failed "not quiet: $(cat "$tmp/out")"
release "$pid"
hold busy "$bin/view_holder" -t 6 -f 1 -r 1
i=0
while [ $i -lt 8 ]; do
	view 0 check "$pid"
	i=$((i + 1))
done
[ "$(state "$pid")" != T ] || failed "it was left stopped"

# stopped by us: stays stopped; where a thread is inside that is said
kill -STOP "$pid"
sleep 0.1
status=0
timeout "$limit" "$vmem" check "$pid" >"$tmp/out" 2>"$tmp/err" || status=$?
case $status in
0) has out 'consistent' ;;
5) has err 'is stopped, with a thread inside the pool' ;;
*) failed "a stopped program: status $status, $(cat "$tmp/err")" ;;
esac
sleep 0.1
[ "$(state "$pid")" = T ] || failed "it is $(state "$pid"), not stopped"
kill -CONT "$pid"
sleep 0.1
[ "$(state "$pid")" != T ] || failed "it does not go on"

# the command dies in the middle: the program goes on
i=0
while [ $i -lt 8 ]; do
	"$vmem" check "$pid" >"$tmp/out" 2>&1 &
	checker=$!
	sleep "0.0$i"
	kill -KILL "$checker" 2>/dev/null || true
	wait "$checker" 2>/dev/null || true
	i=$((i + 1))
done
sleep 0.1
case $(state "$pid") in
[Tt]) failed "the program was left stopped" ;;
esac
view 0 check "$pid"

# the program dies in the middle: a message, and an end
i=0
while [ $i -lt 5 ]; do
	hold "dies$i" "$bin/view_holder" -t 2
	(
		sleep "0.0$i"
		kill -KILL "$pid"
	) &
	killer=$!
	status=0
	while [ "$status" -eq 0 ]; do
		timeout "$limit" "$vmem" check "$pid" >"$tmp/out" \
			2>"$tmp/err" || status=$?
	done
	[ "$status" -eq 3 ] || failed "status $status: $(cat "$tmp/err")"
	wait "$killer"
	i=$((i + 1))
done

# pools of which the second alone lies where the command has something: each has
# one verdict
if setarch "$(uname -m)" -R true 2>/dev/null; then
	hold apart setarch "$(uname -m)" -R "$bin/view_apart"
	status=0
	timeout "$limit" setarch "$(uname -m)" -R "$vmem" check "$pid" \
		>"$tmp/out" 2>"$tmp/err" || status=$?
	[ "$status" -eq 0 ] || failed "status $status: $(cat "$tmp/err")"
	[ "$(grep -c consistent "$tmp/out")" -eq 2 ] ||
		failed "two verdicts, and not: $(cat "$tmp/out")"
	release "$pid"
fi

# damaged
hold damaged "$bin/view_holder" -d -f 2
view 1 check "$pid"
has out "pool $pid:1: header: checksum"
has out "pool $pid:2: consistent"
view 1 check --quiet "$pid:1"
view 5 stats "$pid:1"
has err "pool $pid:1: header: checksum"
view 0 list "$pid"
has out '1 file .*header: checksum'
done_viewing
