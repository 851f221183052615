#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# top.sh SRC BUILD -- the live view, as text and in a terminal
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"

hold first "$bin/view_holder" -f 2 -t 2 -m 64
first=$pid
hold second "$bin/view_holder_static" -r 1
second=$pid

view 0 top --batch 3 --delay 0.2 "$first" "$second"
[ "$(grep -c '^vmem top .* 2 programs, 4 pools of 160M' "$tmp/out")" -eq 3 ] ||
	failed "three updates: $(cat "$tmp/out")"
[ "$(grep -Ec "^ *$first view_holder +1 +64.0M .*%" "$tmp/out")" -eq 3 ] ||
	failed "the first pool: $(cat "$tmp/out")"
# the second update knows how many were allocated since the first
has out "^ *$first view_holder +1 .* [0-9.]+[kM] +[0-9]+% +[0-9]+% "
has out "^ *$second view_holder_sta +1 .* 0 +[0-9]+% +[0-9]+% "
view 0 top --batch 1 --sort pid "$second" "$first"
[ "$(awk 'NR > 2 && NF { print $1 }' "$tmp/out" | uniq | tr '\n' ' ')" = \
	"$first $second " ] || failed "not by pid: $(cat "$tmp/out")"
view 0 top --batch 1
has out "^ *$second view_holder_sta +2 "

# a program that ends meanwhile is said; the others are shown on
hold third "$bin/view_holder"
(
	sleep 1
	kill -KILL "$pid"
) &
view 3 top --batch 15 --delay 0.2 "$pid" "$first"
has err "^vmem top: (no )?process $pid"
[ "$(wc -l <"$tmp/err")" -eq 1 ] || failed "$(cat "$tmp/err")"
[ "$(grep -c '^vmem top ' "$tmp/out")" -eq 15 ] || failed "not 15 updates"
hold fourth "$bin/view_holder"
(
	sleep 1
	kill -KILL "$pid"
) &
view 3 top --batch 1000 --delay 0.2 "$pid"
has err "^vmem top: (no )?process $pid"

view 2 top
has err 'this is no terminal; say --batch N'
view 2 top --batch x
view 2 top --batch -1
view 2 top --delay 0
view 2 top --sort size
has err 'none of used, allocations, live, fragmentation, pid'
view 3 top --batch 1 4194304
view 3 top --batch 1 $$

# in a terminal
command -v tmux >/dev/null || {
	echo "SKIPPED in part: no tmux here"
	done_viewing
}
# Each terminal has a server of its own: one that is told to end may take the
# next terminal's request yet, and end with it.
terminals=0
screen() {
	tmux -S "$tmp/terminal$terminals" "$@"
}
# terminal COMMAND -- in place of the one before, if there is one
terminal() {
	screen kill-server 2>/dev/null || true
	terminals=$((terminals + 1))
	screen -f /dev/null new-session -d -x 120 -y 40 "$1"
}
# shows PATTERN -- within some seconds
shows() {
	tries=0
	until screen capture-pane -p 2>/dev/null | tee "$tmp/screen" |
		grep -Eq -- "$1"; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || {
			failed "the screen does not show '$1':"
			cat "$tmp/screen"
			return 0
		}
		sleep 0.1
	done
}
trap 'screen kill-server 2>/dev/null || true; release_all; rm -rf "$tmp"' EXIT
terminal "LANG=C.UTF-8 LC_ALL=C.UTF-8 '$vmem' top -d 0.2 $first $second; \
	echo \"ended with \$?\"; sleep 100"
shows '2 programs, 4 pools of 160M.* by used'
shows "^ *$first view_holder +[12] .* [0-9.]+[kM] +[0-9]+% +[0-9]+%"
shows "^Pool $first:[12], view_holder, file in "
shows '^ *SIZE +HOLDS +POOL% +OBJECTS +IN USE +ALLOC/S'
shows '^ large +[0-9.]+K '
[ "$(wc -l <"$tmp/screen")" -le 40 ] || failed "lines are wrapped"
screen send-keys End
shows "^Pool $second:"
screen send-keys k k
shows "^Pool $first:"
screen send-keys s
shows 'by allocations'
screen send-keys h
shows 'pause and go on'
screen send-keys h Space
shows 'go on \(paused\)'
screen send-keys Space - -
shows 'every 0\.8 s'
# what has ended is gone, and a smaller window has room
release "$second"
shows '1 program, 2 pools of 128M'
screen resize-window -x 60 -y 12
shows '^q quit  h help'
screen resize-window -x 20 -y 3
sleep 0.5
screen resize-window -x 100 -y 30
shows "^Pool $first:"
screen send-keys q
shows 'ended with 0'

# colours, unless they are forbidden
coloured() {
	shows '1 program, 2 pools'
	screen capture-pane -e -p >"$tmp/screen"
	screen send-keys q
	grep -q "$(printf '\033\[[0-9;]*3[0-7]m')" "$tmp/screen"
}
terminal "'$vmem' top $first; sleep 100"
coloured || failed "no colours"
terminal "NO_COLOR=1 '$vmem' top $first; sleep 100"
! coloured || failed "colours: $(cat "$tmp/screen")"
done_viewing
