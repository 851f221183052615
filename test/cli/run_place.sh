#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run_place.sh SRC BUILD -- directories and devices that are named
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

says 2 "vmem run: --dir and --device cannot both be given" \
	run --dir "$tmp/pool" --device /dev/dax0.0 true
says 125 "vmem run: $tmp/none: No such file or directory" \
	run --dir "$tmp/none" true
says 125 "vmem run: : No such file or directory" run --dir "" true
says 125 "vmem run: $library: Not a directory" run --dir "$library" true
says 125 "vmem run: /dev/null: Not a directory" run --dir /dev/null true

says 125 "vmem run: $tmp/dax0.0: No such file or directory" \
	run --device "$tmp/dax0.0" true
says 125 "vmem run: $tmp/pool: not a character device" \
	run --device "$tmp/pool" true
says 125 "vmem run: $library: not a character device" \
	run --device "$library" true
says 125 "vmem run: /dev/null: not a device DAX node" \
	run --device /dev/null true

# more than any file system here has, up to the largest number
for size in 8000000T=8796093022208000000 \
	9223372036854775807=9223372036854775807; do
	status=0
	"$vmem" run -d "$tmp/pool" -s "${size%=*}" true 2>"$tmp/err" ||
		status=$?
	pattern="^vmem run: $tmp/pool: not enough free space: ${size#*=} bytes asked for, [0-9]* free\$"
	[ "$status" -eq 125 ] || failed "status $status for $size"
	[ "$(grep -c '' "$tmp/err")$(grep -c "$pattern" "$tmp/err")" = 11 ] ||
		failed "$size: $(cat "$tmp/err")"
done

# where nothing is named
place() {
	prints "$1" run -s 14M -- printenv VMMALLOC_POOL_DIR
}
mkdir "$tmp/a" "$tmp/b"
place /tmp
export TMPDIR="$tmp/a"
place "$tmp/a"
export VMMALLOC_POOL_DIR="$tmp/b"
place "$tmp/b"
prints "$tmp/pool" run -s 14M -d "$tmp/pool" -- printenv VMMALLOC_POOL_DIR
export VMMALLOC_POOL_DIR=
says 2 "vmem run: VMMALLOC_POOL_DIR: it is set, and empty" run true
export VMMALLOC_POOL_DIR="$tmp/none"
says 125 "vmem run: $tmp/none: No such file or directory" run true
export VMMALLOC_POOL_DIR=/dev/null
says 125 "vmem run: /dev/null: not a device DAX node" run true
unset VMMALLOC_POOL_DIR TMPDIR

# a relative path stays true for what the program starts elsewhere
cd "$tmp"
prints "$(pwd)/pool" run -s 14M -d pool -- printenv VMMALLOC_POOL_DIR
cd /

# rights
mkdir "$tmp/private"
chmod 500 "$tmp/private"
if as_nobody true; then
	command=$vmem
	vmem=as_nobody
	says 125 "vmem run: $tmp/private: Permission denied" \
		"$command" run -d "$tmp/private" -s 14M true
else
	echo "rights cannot be given up here, and are not tested"
fi
done_expecting
