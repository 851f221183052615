#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# output.sh SRC BUILD -- what cannot be written is no success
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

# lost NAME WHY -- how the last one ended, and what it said
lost() {
	[ "$status" -eq 125 ] || failed "$1, $2: status $status"
	[ "$(cat "$tmp/err")" = "$1: the output cannot be written: $2" ] ||
		failed "$1, $2: says $(cat "$tmp/err")"
}

# loses NAME ARG... -- to a full disk, and to a closed descriptor
loses() {
	name=$1
	shift
	if [ -c /dev/full ]; then
		status=0
		"$vmem" "$@" >/dev/full 2>"$tmp/err" || status=$?
		lost "$name" "No space left on device"
	fi
	status=0
	"$vmem" "$@" >&- 2>"$tmp/err" || status=$?
	lost "$name" "Bad file descriptor"
}

loses vmem --help
loses vmem --version
loses vmem help
loses "vmem run" help run
loses "vmem run" run --usage
loses "vmem devices" devices

# who writes nothing loses nothing
status=0
"$vmem" run --dir "$tmp/pool" --size 16M true >&- 2>"$tmp/err" || status=$?
[ "$status" -eq 0 ] || failed "status $status: $(cat "$tmp/err")"
# shellcheck disable=SC2016 # the inner shell expands it
"$vmem" run --dir "$tmp/pool" --size 16M sh -c '[ ! -e /proc/$$/fd/1 ]' >&- ||
	failed "a closed descriptor is open in the program"
done_expecting
