#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# exec.sh SRC BUILD -- looked into while it executes a program: each call ends,
# and the program goes on
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"

hold execs "$bin/view_execs"
i=0
while [ $i -lt 100 ]; do
	status=0
	timeout "$limit" "$vmem" check "$pid" >"$tmp/out" 2>"$tmp/err" ||
		status=$?
	# there are pools, and they hold; or none yet, or no more
	case $status in
	0 | 3 | 5) ;;
	*) failed "status $status, $(cat "$tmp/err")" ;;
	esac
	i=$((i + 1))
done
kill -0 "$pid" 2>/dev/null || failed "the program has ended"
release "$pid"

done_viewing
