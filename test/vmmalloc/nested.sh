#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# nested.sh SRC BUILD -- forks in trees, in fork handlers and in signal handlers
#
# ctest: long timeout=240
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
nested=$(program nested)

for mode in 1 2 3; do
	for what in tree handlers signals; do
		fine VMMALLOC_FORK=$mode timeout 60 "$nested" $what
	done
done
for what in tree handlers signals; do
	fine VMMALLOC_TIERS=heap:anon:64M timeout 60 "$nested" $what
done

# handlers that run while the pools stand still, as no other library's do: one
# that asks to be initialized before ours has registered them
fine LD_PRELOAD="$library $(program object_first).so" EARLY=nested \
	timeout 60 "$(program early)" 20 1000
done_testing
