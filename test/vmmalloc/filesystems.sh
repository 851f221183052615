#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# filesystems.sh SRC BUILD -- forks with the pool on ext4, xfs, btrfs and tmpfs,
# and how much each copies of a pool of 4 GiB with 50 MiB in use
#
# ctest: long timeout=240
set -eu
if [ "$(id -u)" -eq 0 ] && [ -z "${VMEM_OWN_MOUNTS:-}" ] &&
	unshare -m true 2>/dev/null; then
	VMEM_OWN_MOUNTS=1
	export VMEM_OWN_MOUNTS
	exec unshare -m --propagation private "$0" "$@"
fi
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
if [ -z "${VMEM_OWN_MOUNTS:-}" ]; then
	echo "SKIPPED: no file systems can be mounted here"
	exit 77
fi
trap 'umount "$pools" 2>/dev/null || :; rm -rf "$tmp"' EXIT

# on TYPE -- mount one at $pools; 10 GiB, of which little is there
on() {
	if [ "$1" = tmpfs ]; then
		mount -t tmpfs -o size=10g none "$pools"
		return
	fi
	command -v "mkfs.$1" >/dev/null || return 1
	rm -f "$tmp/image"
	truncate -s 10G "$tmp/image"
	"mkfs.$1" -q "$tmp/image" >"$tmp/mkfs" 2>&1 &&
		mount -o loop "$tmp/image" "$pools" || return 1
	rm -rf "$pools/lost+found"
}

for type in tmpfs ext4 xfs btrfs; do
	on $type 2>"$tmp/why" || {
		echo "skipped: no $type: $(cat "$tmp/why")"
		continue
	}
	case $type in tmpfs | ext4) modes="1 2 3" ;; *) modes=2 ;; esac
	for mode in $modes; do
		VMMALLOC_FORK=$mode
		export VMMALLOC_FORK
		# what is reserved ahead counts as well: 8 MiB at most
		fine VMMALLOC_POOL_SIZE=4G "$(program twin)" 50 64
		sed "s/^/$type, mode $mode: /" "$tmp/out"
	done
	# forks.sh has these on tmpfs in all modes
	[ $type = tmpfs ] || for what in tree threads; do
		fine VMMALLOC_FORK=2 VMMALLOC_POOL_SIZE=32M \
			"$(program forks)" $what
	done
	[ "$(df -k --output=used "$pools" | tail -n 1)" -lt 200000 ] ||
		failed "$type: space is not given back"
	umount "$pools"
done
done_testing
