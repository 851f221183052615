# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=dash
#
# filesystems.sh -- for `vm`: file systems that are mounted with DAX, and FAT,
# which not every kernel has

VMEM_TEST_BLOCK=$(block_dax 448)
export VMEM_TEST_BLOCK VMEM_TEST_FILTER

plan 13

for kind in EXT4_DAX XFS_DAX; do
	VMEM_TEST_FILTER="*(FS_$kind)"
	check "every test on $kind" api_filesystems
done
# it is written from end to end
for which in fills_checks larger_than killed; do
	VMEM_TEST_FILTER="*$which*(FS_VFAT)"
	check "FAT: $which" api_filesystems
done
unset VMEM_TEST_FILTER

# has_dax TYPE -- without page cache, for sure
has_dax() {
	mount -t "$1" | grep "$VMEM_TEST_BLOCK on /mnt .*dax=always"
}

# heap SIZE MODE PROGRAM... -- with its heap in a pool there
heap() {
	size=$1
	mode=$2
	shift 2
	env LD_PRELOAD="$LIBRARY" VMMALLOC_POOL_DIR=/mnt \
		VMMALLOC_POOL_SIZE="$size" VMMALLOC_FORK="$mode" "$@"
}

# the last one stays mounted
for kind in ext4 xfs; do
	umount /mnt 2>/dev/null
	if [ "$kind" = ext4 ]; then
		/sbin/mkfs.ext4 -qF -b 4096 "$VMEM_TEST_BLOCK"
	else
		/sbin/mkfs.xfs -qf -m reflink=0 "$VMEM_TEST_BLOCK"
	fi
	mount -t "$kind" -o dax "$VMEM_TEST_BLOCK" /mnt
	check "$kind is mounted with DAX" has_dax "$kind"
	check "api/create on $kind" env TMPDIR=/mnt api_create
done
# listed PATTERN -- by the command
listed() {
	vmem devices | sed -n '/^Mounted with DAX/,/^Other/p' | grep "$1"
}
check "devices: a DAX mount" listed '^  /mnt  *[0-9]*M  xfs$'
check "forks on xfs, private" heap 16M 1 vmmalloc_forks orphan
check "forks on xfs, copied" heap 16M 2 vmmalloc_forks orphan
# shellcheck disable=SC2016 # perl's variables
check "perl on xfs" heap 64M 1 perl -e '
	$h{$_} = "x" x ($_ % 3000) for 1 .. 20000; exit 0'
