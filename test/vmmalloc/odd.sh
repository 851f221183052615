#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# odd.sh SRC BUILD -- programs that do what few do
#
# ctest: long timeout=120
set -eu
# shellcheck source=test/vmmalloc/preload
. "$(dirname "$0")/preload"
odd=$(program odd)

# as root, with a name space for what it changes; elsewhere without these
changes="closed all-closed cancel daemon fork"
[ "$(id -u)" -ne 0 ] || changes="$changes chroot nobody"

for mode in 1 2 3; do
	for what in _Fork clone vfork handler exec taken jump $changes; do
		# there a child's pool can be had no more
		case $mode-$what in
		2-chroot | 2-nobody) continue ;;
		esac
		fine VMMALLOC_FORK=$mode "$odd" "$what"
	done
done
fine VMMALLOC_FORK=1 "$odd" limited
fine VMMALLOC_FORK=3 "$odd" limited
for what in limited $changes; do
	case $what in limited | chroot | nobody)
		ended 134 '' 'Error (libvmmalloc): pool cloning failed' \
			VMMALLOC_FORK=2 "$odd" "$what"
		;;
	esac
done

# what the program has put in the place of our copy of standard error is not
# written to; the statistics go to where standard error is now
ended 0 '' '___ Begin jemalloc statistics ___*' VMMALLOC_LOG_STATS=1 \
	"$odd" taken

# its own malloc, and no library at all
fine "$(program own)"
fine VMMALLOC_FORK=2 "$(program own)"
fine "$(program own_fork)"
fine "$(program static)"
ended 0 '' '' VMMALLOC_POOL_DIR=/no/such "$(program static)"

# a limit of address space
for mode in 1 2 3; do
	fine VMMALLOC_FORK=$mode VMMALLOC_POOL_SIZE=16M \
		sh -c "ulimit -v 300000; exec \"$odd\" fork"
done
ended 134 '' 'Error (libvmmalloc): vmem pool creation failed: Cannot allocate memory' \
	VMMALLOC_POOL_SIZE=16M \
	sh -c "ulimit -v 15000; LD_PRELOAD=$library exec \"$odd\" fork"
done_testing
