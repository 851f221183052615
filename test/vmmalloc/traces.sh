#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# traces.sh SRC BUILD -- the traces of the debug flavour, level 3: every call
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
library=${library%/*}/vmem_debug/${library##*/}
if [ ! -e "$library" ]; then
	echo "SKIPPED: no debug flavour is built here"
	exit 77
fi
export VMMALLOC_LOG_LEVEL=3 VMMALLOC_LOG_FILE="$tmp/log"

fine "$(program calls)" linked
fine "$(program loads)" now "$(program object_deep).so"
fine "$(program odd)" _Fork
fine "$(program odd)" clone
ended 3 '' '' "$(program exits)" _exit
ended 3 '' '' "$(program exits)" _Exit

names=$(sed -n '/^global:/,/^local:/s/^\t\([a-zA-Z_]*\);$/\1/p' \
	"$1/src/libvmmalloc/libvmmalloc.map")
[ -n "$names" ] || failed "no names of functions"
for name in $names; do
	grep -q "^<libvmmalloc>: <3> \[[a-z]*\.c:[0-9]* $name\] ." "$tmp/log" ||
		failed "no line of $name"
done

# a program that closes all it has, and opens a file of its own
ended 3 '' '' VMMALLOC_LOG_STATS=1 "$(program exits)" daemon
[ "$(tail -n 1 "$tmp/log")" = '--- End jemalloc statistics ---' ] ||
	failed "no statistics behind the traces"
done_testing
