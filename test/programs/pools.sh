#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# pools.sh -- sourced: folders for pools, on file systems of our own
#
# As root these are mounted in a mount namespace of this process and its
# children: whatever ends them, nothing stays mounted.  Else folders serve, and
# $ext4_what and $tmpfs_what say so.
# shellcheck disable=SC2034 # what sources this reads them

# pools_isolate COMMAND... -- begin anew in a mount namespace, where one can be
# had
pools_isolate() {
	[ "$(id -u)" -eq 0 ] && [ -z "${POOLS_ISOLATED:-}" ] || return 0
	unshare --mount --propagation private true 2>/dev/null || return 0
	POOLS_ISOLATED=1 exec unshare --mount --propagation private "$@"
}

# pools_begin FOLDER -- where all is, and what pools_end() takes away
pools_begin() {
	pools=$1
	mounted=()
	huge_knob=/proc/sys/vm/nr_hugepages
	huge_taken=0
	mkdir -p "$pools"
}

# pools_tmpfs SIZE -- sets $tmpfs, and what it is
pools_tmpfs() {
	tmpfs=$pools/tmpfs
	tmpfs_what="tmpfs, $1, mounted"
	mkdir "$tmpfs"
	if ! pools_mount -t tmpfs -o "size=$1" pools "$tmpfs"; then
		tmpfs=$(mktemp -d /dev/shm/pools.XXXXXX)
		tmpfs_what="shm folder, in /dev/shm, not mounted"
	fi
}

# pools_ext4 SIZE -- sets $ext4, and what it is
pools_ext4() {
	ext4=$pools/ext4
	ext4_what="ext4, $1, mounted"
	mkdir "$ext4"
	if truncate -s "$1" "$pools/image" &&
		mkfs.ext4 -q -F -m 0 "$pools/image" 2>/dev/null &&
		pools_mount -o loop "$pools/image" "$ext4"; then
		rmdir "$ext4/lost+found"
	else
		ext4_what="folder, on $(stat -f -c %T "$ext4"), not mounted"
	fi
}

# pools_mount ARGUMENT... FOLDER
pools_mount() {
	[ -n "${POOLS_ISOLATED:-}" ] && mount "$@" 2>/dev/null &&
		mounted+=("${!#}")
}

# pools_huge PAGES -- sets $hugetlb to a file system of huge pages, which are
# taken from the system until pools_end, or fails
pools_huge() {
	local before
	hugetlb=$pools/hugetlb
	[ -n "${POOLS_ISOLATED:-}" ] && [ -w "$huge_knob" ] || return 1
	before=$(cat "$huge_knob")
	echo $((before + $1)) >"$huge_knob"
	huge_taken=$(($(cat "$huge_knob") - before))
	mkdir -p "$hugetlb"
	[ "$huge_taken" -ge "$1" ] &&
		pools_mount -t hugetlbfs -o pagesize=2M pools "$hugetlb" &&
		return
	pools_give_huge
	return 1
}

# pools_give_huge -- as many as were taken: others may have taken some since
pools_give_huge() {
	[ "$huge_taken" -le 0 ] ||
		echo $(($(cat "$huge_knob") - huge_taken)) >"$huge_knob"
	huge_taken=0
}

# pools_full SIZE -- sets $full to a tmpfs of that many bytes, or fails
pools_full() {
	full=$pools/full
	mkdir -p "$full"
	pools_mount -t tmpfs -o "size=$1" pools "$full"
}

# pools_unmount FOLDER -- fails while something is in use there
pools_unmount() {
	local each kept=()
	for each in "${mounted[@]}"; do
		[ "$each" = "$1" ] || kept+=("$each")
	done
	umount "$1" && mounted=("${kept[@]}")
}

# pools_free FOLDER -- blocks free there, when nobody else takes any there
pools_free() {
	local each
	for each in "${mounted[@]}"; do
		[ "$each" != "$1" ] || stat -f -c %f "$1"
	done
}

# pools_end -- leave nothing; what does not want to be unmounted goes with the
# namespace
pools_end() {
	local each
	for each in "${mounted[@]}"; do
		umount "$each" 2>/dev/null || umount -l "$each"
	done
	pools_give_huge
	case ${tmpfs:-} in
	/dev/shm/pools.*) rm -rf "$tmpfs" ;;
	esac
	rm -rf "$pools"
}
