#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# forks.sh SRC BUILD -- what VMMALLOC_FORK promises, with forks without exec
#
# ctest: long timeout=240
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
forks=$(program forks)

# the default is 1
for mode in 1 2 3; do
	for what in tree busy many threads orphan closed; do
		fine VMMALLOC_FORK=$mode "$forks" $what
	done
	# the shell itself, in pipelines and substitutions
	# shellcheck disable=SC2016 # for the inner shell
	ended 0 '3 500500 done' '' VMMALLOC_FORK=$mode VMMALLOC_POOL_SIZE=16M \
		bash -c 'a=$(for i in 1 2 3; do (echo $i | cat); done | wc -l)
			s=0; while read -r n; do s=$((s + n)); done < <(
				for i in {1..1000}; do echo $i; done)
			echo $a $s $(echo done)'
done
fine "$forks" tree

# stacks that are heap memory: the file cannot be copied under a thread's feet
for mode in 1 2 3; do
	for what in coroutine thread clone; do
		fine VMMALLOC_FORK=$mode "$(program stacks)" $what
	done
done

# private memory: the kernel copies it, whatever the mode is
for what in tree many threads orphan closed; do
	fine VMMALLOC_TIERS=heap:anon:64M "$forks" $what
done
fine VMMALLOC_TIERS=heap:anon:64M VMMALLOC_FORK=2 "$forks" tree

# the children start another program, and nothing else
for mode in 0 1; do
	fine VMMALLOC_FORK=$mode VMMALLOC_POOL_SIZE=16M "$forks" exec 2
done
ended 0 'a
b' '' VMMALLOC_FORK=0 sh -c 'echo a; /bin/echo b'

# no room for a second pool
small=$tmp/small
mkdir "$small"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=80m none "$small"; then
	trap 'umount "$small"; rm -rf "$tmp"' EXIT
	pool="VMMALLOC_POOL_DIR=$small VMMALLOC_POOL_SIZE=75M"
	# shellcheck disable=SC2086 # words
	{
		ended 134 '' 'Error (libvmmalloc): pool cloning failed' \
			VMMALLOC_FORK=2 $pool "$forks" time
		fine VMMALLOC_FORK=3 $pool "$forks" time
		fine VMMALLOC_FORK=3 $pool "$forks" tree
		fine VMMALLOC_FORK=1 $pool "$forks" tree
		fine VMMALLOC_FORK=1 $pool "$forks" full
	}
	[ -z "$(ls -A "$small")" ] || failed "files are left"
else
	echo "skipped: no file system to fill, as this is not root"
fi

for mode in 1 2; do
	fine VMMALLOC_FORK=$mode VMMALLOC_POOL_SIZE=256M "$forks" time
	echo "fork with 50 MiB in use, mode $mode: $(cat "$tmp/out")"
done
done_testing
