#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# stats.sh SRC BUILD -- the statistics at the end, however the program ends
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
exits=$(program exits)

# ntexts FILE -- how many statistics are in it
ntexts() {
	grep -c '^___ Begin jemalloc statistics ___$' "$1" || true
}

# printed N HOW -- so many, whole ones, and the program's own status
printed() {
	ended 3 '' '*' VMMALLOC_LOG_STATS=1 "$exits" "$2"
	[ "$(ntexts "$tmp/err")" -eq "$1" ] ||
		failed "$2: $(ntexts "$tmp/err") texts, not $1"
	[ "$1" -eq 0 ] || tail -n 1 "$tmp/err" |
		grep -q '^--- End jemalloc statistics ---$' ||
		failed "$2: no end: $(tail -n 1 "$tmp/err")"
}

for how_to_end in return _exit _Exit quick_exit _exit-in-thread \
	_Exit-in-thread quick_exit-in-thread exit-of-thread busy vfork; do
	printed 1 $how_to_end
done
# the child is a process with a pool of its own
printed 2 fork
# a program that has closed standard error, as many do at their end
printed 1 closed
# where nothing can be written
ended 3 '' '' VMMALLOC_LOG_STATS=1 sh -c "exec \"$exits\" return 2>&-"
ended 3 '' '' VMMALLOC_LOG_STATS=1 sh -c "exec \"$exits\" return 2>/dev/full"
ended 3 '' '' "$exits" return
ended 3 '' '' VMMALLOC_LOG_STATS=0 "$exits" return

# to a file, each process to its own when the name ends so
mkdir "$tmp/logs"
ended 3 '' '' VMMALLOC_LOG_STATS=1 VMMALLOC_LOG_FILE="$tmp/logs/x-" \
	"$exits" return
for log in "$tmp"/logs/*; do
	case ${log##*/x-} in
	*[!0-9]*) failed "log file: $log" ;;
	esac
done
[ "$(ntexts "$tmp"/logs/x-*)" -eq 1 ] || failed "log file without statistics"

# a relative name is one of the folder in which the program began
cd "$tmp/logs"
ended 0 '' '' VMMALLOC_LOG_STATS=1 VMMALLOC_LOG_FILE=relative sh -c "cd /"
[ "$(ntexts "$tmp/logs/relative")" -eq 1 ] || failed "relative log file"
done_testing
