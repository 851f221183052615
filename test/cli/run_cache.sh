#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run_cache.sh SRC BUILD -- a library that only the dynamic linker knows of
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"
own_mounts "$0" "$@"

mv "$tmp/prefix/lib" "$tmp/elsewhere"
${CC:-cc} -shared -fPIC -Wl,-soname,libvmmalloc.so.1 \
	-o "$tmp/elsewhere/libvmmalloc.so.1" -xc /dev/null
{
	echo "$tmp/elsewhere"
	cat /etc/ld.so.conf
} >"$tmp/ld.so.conf"
PATH=$PATH:/sbin:/usr/sbin ldconfig -X -f "$tmp/ld.so.conf" -C "$tmp/cache"
mount --bind "$tmp/cache" /etc/ld.so.cache
prints libvmmalloc.so.1 run -d "$tmp/pool" -s 16M -- printenv LD_PRELOAD
"$vmem" run -d "$tmp/pool" -s 16M cat /proc/self/maps |
	grep -q "$tmp/elsewhere/libvmmalloc.so.1" ||
	failed "it is not what the dynamic linker took"
umount /etc/ld.so.cache
done_expecting
