#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# errors.sh SRC BUILD -- what cannot be looked into, and what is said then
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"
limit=10

for command in stats check map; do
	view 2 $command
	has err "^vmem $command: which program\\? say PID, PID:N or --core FILE"
	view 2 $command x
	has err "^vmem $command: 'x' is neither PID nor PID:N"
	view 2 $command 12:
	view 2 $command -5
	view 2 $command 1 2
	has err 'one program or pool at a time'
	view 3 $command 4194304
	has err "^vmem $command: no process 4194304"
	view 3 $command $$
	has err "^vmem $command: process $$ \\(.*\\) has no pools"
	view 5 $command --core "$0"
	has err ': not a core file'
	view 3 $command --core "$tmp/none"
	has err "none: No such file or directory"
	"$vmem" $command --help >"$tmp/out"
	has out 'Exit status: 0 fine'
done

# the help and the manual page have the same exit statuses
for command in check list map profile stats top; do
	"$vmem" $command --help | sed -n '/^Exit status:/,$p' |
		grep -o '\<[0-9][0-9]*\>' | sort -n >"$tmp/statuses"
	sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It //p' \
		"$1/man/vmem-$command.1" >"$tmp/page"
	same statuses page
done
view 2 map --format gif 1
has err "none of text, json, html, svg, png"
view 2 map --color sometimes 1
view 2 map --width 0 1
view 2 list x
view 3 list 4194304
view 3 list $$

hold profiled env VMEM_PROFILE=1 "$bin/view_holder"
profiled=$pid
hold one "$bin/view_holder"
view 3 stats "$pid:2"
has err "process $pid \\(view_holder\\) has no pool 2"
view 3 check "$pid:x"
view 125 map "$pid" -o "$tmp/none/map.svg"
has err "none/map.svg: No such file or directory"
for form in text json html svg png; do
	view 125 map "$pid" --format $form -o /dev/full
	has err "^vmem map: /dev/full: (No space left on device|it cannot be written)$"
	[ "$(wc -l <"$tmp/err")" -eq 1 ] || failed "$form: $(cat "$tmp/err")"
done

# standard output that cannot be written, for whatever reason
for command in "list $pid" "list --json $pid" "stats $pid" "stats -j $pid" \
	"check $pid" "map $pid" "map -f png $pid" "map -f svg $pid" \
	"profile $profiled" "top --batch 3 --delay 0.1 $pid"; do
	for to in /dev/full '&-'; do
		status=0
		eval "timeout $limit '$vmem' $command >$to" 2>"$tmp/err" ||
			status=$?
		[ "$status" -eq 125 ] || failed "$command >$to: status $status"
		has err "^vmem ${command%% *}: the output cannot be written"
		[ "$(wc -l <"$tmp/err")" -eq 1 ] ||
			failed "$command >$to: $(cat "$tmp/err")"
	done
done
# what else has failed is told by the status
status=0
"$vmem" list "$pid" 4194304 >/dev/full 2>"$tmp/err" || status=$?
[ "$status" -eq 3 ] || failed "status $status"
has err 'the output cannot be written'

# a process without memory: dead and not yet buried
sh -c 'exec sleep 0 & exec sleep 5' &
parent=$!
pids="$pids $parent"
sleep 0.3
zombie=$(cat "/proc/$parent/task/$parent/children" 2>/dev/null || true)
if [ -n "$zombie" ]; then
	view 3 stats "${zombie% }"
	has err 'has no memory: it has ended, or is part of the kernel'
fi

# another user's
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$tmp"
	nobody() {
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	}
	cp "$vmem" "$tmp/vmem"
	for command in "stats $pid" "check $pid" "list $pid"; do
		status=0
		# shellcheck disable=SC2086 # words
		nobody "$tmp/vmem" $command >"$tmp/out" 2>"$tmp/err" || status=$?
		[ "$status" -eq 4 ] || failed "$command: status $status"
		has err 'may not be read'
	done
	nobody "$tmp/vmem" list >"$tmp/out" 2>"$tmp/err" ||
		failed "a list of what may be read"
	! grep -q view_holder "$tmp/out" || failed "not to be read, and listed"
fi
done_viewing
