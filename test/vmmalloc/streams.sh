#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# streams.sh SRC BUILD -- forks in the middle of other threads' stdio
#
# ctest: timeout=240
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
streams=$(program streams)

for mode in 1 2 3; do
	for what in cookie lines; do
		fine VMMALLOC_FORK=$mode "$streams" $what
	done
done
done_testing
