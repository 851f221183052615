#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run_mounts.sh SRC BUILD -- the free space of file systems, and device DAX
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"
own_mounts "$0" "$@"
trap 'umount "$tmp/fs" 2>/dev/null || :; rm -rf "$tmp"' EXIT
mkdir "$tmp/fs"

# on TYPE OPTIONS -- mount one in the place of the last
on() {
	umount "$tmp/fs" 2>/dev/null || :
	mount -t "$1" -o "$2" none "$tmp/fs"
}

# chosen BYTES -- without --size
chosen() {
	prints "$1" run -d "$tmp/fs" -- printenv VMMALLOC_POOL_SIZE
}

# refused ASKED FREE ARG...
refused() {
	asked=$1
	free=$2
	shift 2
	says 125 "vmem run: $tmp/fs: not enough free space: $asked bytes asked for, $free free" \
		run -d "$tmp/fs" "$@" true
}

on tmpfs size=64g
chosen 4294967296
on tmpfs size=1g
chosen 134217728
on tmpfs size=1020m
chosen 132120576
on tmpfs size=16m
chosen 14680064
exits 0 run -d "$tmp/fs" -s 16M true
refused 16777217 16777216 -s 16777217
on tmpfs size=10m
refused 14680064 10485760
on tmpfs size=64m,ro
says 125 "vmem run: $tmp/fs: Read-only file system" run -d "$tmp/fs" true

# no limit, so nothing is known
on ramfs mode=755
says 125 "vmem run: $tmp/fs: how much is free there is not known; say --size" \
	run -d "$tmp/fs" true
exits 0 run -d "$tmp/fs" -s 14M true

# huge pages: those that the kernel has
if on hugetlbfs pagesize=2M 2>/dev/null; then
	"$vmem" run -d "$tmp/fs" -s 1T true 2>"$tmp/err" && status=0 ||
		status=$?
	[ "$status" -eq 125 ] || failed "status $status on hugetlbfs"
	grep -q "not enough free space: 1099511627776 bytes asked for, [0-9]* free" \
		"$tmp/err" || failed "hugetlbfs: $(cat "$tmp/err")"
	on hugetlbfs pagesize=2M,size=12M
	"$vmem" run -d "$tmp/fs" true 2>"$tmp/err" && status=0 || status=$?
	grep -q "14680064 bytes asked for" "$tmp/err" ||
		failed "hugetlbfs of 12 MiB: $status, $(cat "$tmp/err")"
fi

# a device DAX node, by what sysfs says: /dev/null has taken its place
umount "$tmp/fs" 2>/dev/null || :
mount -t tmpfs none /sys/dev/char
mkdir /sys/dev/char/1:3
ln -s ../../../../../bus/dax /sys/dev/char/1:3/subsystem
device="run --device /dev/null"
# shellcheck disable=SC2086 # words, here and below
{
	says 125 "vmem run: /dev/null: the kernel does not tell its size" \
		$device true
	echo 266338304 >/sys/dev/char/1:3/size
	prints 266338304 $device -- printenv VMMALLOC_POOL_SIZE
	prints 266338304 $device -s 14M -- printenv VMMALLOC_POOL_SIZE
	prints /dev/null $device -- printenv VMMALLOC_POOL_DIR
	export VMMALLOC_POOL_SIZE=1T
	prints 266338304 $device -- printenv VMMALLOC_POOL_SIZE
	export VMMALLOC_POOL_DIR=/dev/null
	prints 266338304 run printenv VMMALLOC_POOL_SIZE
	unset VMMALLOC_POOL_SIZE VMMALLOC_POOL_DIR
	exits 0 $device -s 266338304 true
	says 125 "vmem run: /dev/null: the device is too small: 1073741824 bytes asked for, 266338304 there" \
		$device -s 1G true
	echo 14680063 >/sys/dev/char/1:3/size
	says 125 "vmem run: /dev/null: the device is too small: 14680064 bytes asked for, 14680063 there" \
		$device true

	ln -sfn ../../../../../class/dax /sys/dev/char/1:3/subsystem
	echo 16777216 >/sys/dev/char/1:3/size
	exits 0 $device true
	ln -sfn ../../../../../class/mem /sys/dev/char/1:3/subsystem
	says 125 "vmem run: /dev/null: not a device DAX node" $device true
}
ln -sfn ../../../../../bus/dax /sys/dev/char/1:3/subsystem
if mknod -m 600 "$tmp/dax0.0" c 1 3 2>/dev/null; then
	command=$vmem
	vmem=as_nobody
	says 125 "vmem run: $tmp/dax0.0: Permission denied" \
		"$command" run --device "$tmp/dax0.0" true
fi
done_expecting
