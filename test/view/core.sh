#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# core.sh SRC BUILD -- a core file shows what the program did
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"

command -v gcore >/dev/null || {
	echo "SKIPPED: no gcore (gdb) here"
	exit 77
}
hold live "$bin/view_holder" -f 2 -r 1
gcore -o "$tmp/core" "$pid" >"$tmp/log" 2>&1 || {
	cat "$tmp/log"
	failed "gcore"
}
core=$tmp/core.$pid
view 0 list --core "$core"
[ "$(grep -c view_holder "$tmp/out")" -eq 3 ] || failed "$(cat "$tmp/out")"
for n in 1 2 3; do
	view 0 stats --core "$core" $n
	same out live/stats.$n
	view 0 stats --json --core "$core" $n
	same out live/json.$n
done
view 0 check --core "$core"
[ "$(grep -c ': consistent$' "$tmp/out")" -eq 3 ] || failed "$(cat "$tmp/out")"
view 3 check --core "$core" 4
release "$pid"

# a process that has the same id may be anything: no names of its
hold sampled env VMEM_PROFILE=1 "$bin/view_holder"
gcore -o "$tmp/sampled" "$pid" >"$tmp/log" 2>&1 || failed "gcore"
view 0 profile "$pid"
has out '^ +#[0-9]+ +0x[0-9a-f]+ main$'
view 0 profile --core "$tmp/sampled.$pid"
has out '^ +#0 +0x[0-9a-f]+ 0x[0-9a-f]+$'
! grep -E '^ +#[0-9]+ +0x[0-9a-f]+ [^0]' "$tmp/out" ||
	failed "names of another process"
view 0 profile -o "$tmp/sampled.pb.gz" --core "$tmp/sampled.$pid"
! gzip -dc "$tmp/sampled.pb.gz" | grep -aq /view_holder ||
	failed "files of another process"
release "$pid"

# cut off anywhere: a message, and never that there were no pools
size=$(stat -c %s "$core")
for part in 0 64 1000 4096 65536 $((size / 4)) $((size / 2)) $((size - 9999)); do
	head -c "$part" "$core" >"$tmp/cut"
	for command in list stats check; do
		status=0
		# shellcheck disable=SC2046
		timeout "$limit" "$vmem" $command --core "$tmp/cut" \
			$([ $command = list ] || echo 3) \
			>"$tmp/out" 2>"$tmp/err" || status=$?
		[ "$status" -le 5 ] || failed "$command, $part bytes: $status"
		[ "$status" -eq 0 ] || [ -s "$tmp/err" ] ||
			[ -s "$tmp/out" ] || failed "$command, $part: silent"
		[ "$status" -ne 3 ] || failed "$command, $part: $(cat "$tmp/err")"
	done
done

# as long as the program's own data is not in it the pools cannot be found
head -c $((size / 3)) "$core" >"$tmp/cut"
for command in list stats check map; do
	status=0
	# shellcheck disable=SC2046
	timeout "$limit" "$vmem" $command --core "$tmp/cut" \
		$([ $command = list ] || echo 1) \
		>"$tmp/out" 2>"$tmp/err" || status=$?
	[ "$status" -eq 5 ] || [ "$status" -eq 0 ] ||
		failed "$command, a third: status $status"
done

# of a static program with threads, at full speed: a verdict, or why there is
# none
hold busy "$bin/view_holder_static" -t 3
gcore -o "$tmp/busy" "$pid" >"$tmp/log" 2>&1 || failed "gcore"
core=$tmp/busy.$pid
view 0 stats --core "$core"
status=0
"$vmem" check --core "$core" >"$tmp/out" 2>"$tmp/err" || status=$?
case $status in
0) has out 'consistent' ;;
5) has err 'when the core file was made a thread was inside the pool' ;;
*) failed "busy core: status $status: $(cat "$tmp/out" "$tmp/err")" ;;
esac

# as the kernel writes it
pattern=$(cat /proc/sys/kernel/core_pattern)
case $pattern in
*[/\|]*) ;;
*)
	mkdir "$tmp/dump" "$tmp/aborted"
	(cd "$tmp/dump" && exec prlimit --core=unlimited \
		"$bin/view_holder" -a "$tmp/aborted") >/dev/null 2>&1 || true
	for core in "$tmp"/dump/*; do
		[ -e "$core" ] || failed "the kernel has written no core file"
		view 0 stats --json --core "$core"
		same out aborted/json.1
		view 0 check --core "$core"
	done
	;;
esac
done_viewing
