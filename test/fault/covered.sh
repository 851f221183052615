#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# covered.sh SRC BUILD -- has each system call of the libraries failed in a test?
#
# What the libraries import must be in the list of test/fault/kit/call.h, or in
# the one below, and so a new call cannot be forgotten.  What is in the former
# must have failed in one of the tests beside this one, which have left the names
# in BUILD/faults/; so must each thing that the sources ask of a call that does
# many.  Prints one line for each that has not.
#
# ctest: long
set -eu
src=$1
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# no system calls, and calls that cannot fail as they are used: what they tell of
# the process is there (getpid, sysconf), or their arguments are ours
# (pthread_sigmask, clock_gettime), or what they say is no matter (sigtimedwait,
# to take a signal away that there may be); abort and _exit end the process, and fflush
# is before that, for files that are not ours
harmless='__environ __errno_location __stack_chk_fail __sched_cpucount
	__memmove_chk __snprintf_chk __vsnprintf_chk
	_exit abort backtrace clock_gettime dl_iterate_phdr dladdr dladdr1 dlsym
	fflush getpid gettid
	memchr memcmp memcpy memmove memset pthread_setcancelstate
	pthread_sigmask sched_yield secure_getenv sigaddset sigemptyset
	sigfillset sigismember sigpending sigtimedwait snprintf
	strchr strcmp strcspn strerrordesc_np strlen strncmp strnlen strrchr
	strstr strtol strtoll strtoul sysconf vsnprintf wcslen'

# the last call of a process has nobody to fail for; the others are asked for
# where a call has failed already, and one fails at a time; rt_sigprocmask fails
# in any case, since that is what is asked
never='SYS_exit_group|SYS_rt_sigprocmask|MADV_WIPEONFORK|MADV_KEEPONFORK'

find "$build/faults" -type f -exec cat {} + | sort -u >"$tmp/failed"
if [ ! -s "$tmp/failed" ]; then
	echo "SKIPPED: run with the tests of test/fault/, which leave the names"
	exit 77
fi
sed -n 's/^\tCALL(\([a-z_]*\),.*/\1/p' "$src/test/fault/kit/call.h" |
	sort -u >"$tmp/listed"
nm -D --undefined-only "$build/lib/libvmem.so.1" "$build/lib/libvmmalloc.so.1" |
	awk '$1 == "U" { sub(/@.*/, "", $2)
		sub(/^__register_atfork$/, "pthread_atfork", $2)
		sub(/^__cxa_at_quick_exit$/, "at_quick_exit", $2)
		print $2 }' | sort -u >"$tmp/imported"
echo "$harmless" | tr -s ' \t\n' '\n' | sort -u >"$tmp/harmless"
find "$src/src" -name '*.c' ! -path '*/cli/*' ! -path '*/inspect/*' \
	! -name yield.c -exec sed 's|/\*.*||; /^ \*/d' {} + |
	grep -owE 'MADV_[A-Z_]+|POPULATE_(WRITE|READ)|FICLONE|FS_IOC_[A-Z]+|F_GETFL|F_DUPFD[A-Z_]*|SET_VMA|SYS_[a-z_]+' |
	grep -vxE "$never" | sort -u >"$tmp/wished"

failures=0
# each TEXT FILE... -- the lines that the first file has and no other
each() {
	text=$1 first=$2
	shift 2
	sort -u "$@" >"$tmp/others"
	comm -23 "$first" "$tmp/others" >"$tmp/lacking"
	while read -r name; do
		echo "$name: $text"
		failures=$((failures + 1))
	done <"$tmp/lacking"
}

each 'imported, and neither in kit/call.h nor said to be harmless here' \
	"$tmp/imported" "$tmp/listed" "$tmp/harmless"
each 'in kit/call.h, and not imported' "$tmp/listed" "$tmp/imported"
each 'in kit/call.h, and has not failed in any test' "$tmp/listed" \
	"$tmp/failed"

# where a file system cannot be mounted its scene was skipped
sed -n 's/^[a-z]* \(.*\)/\1/p' "$tmp/failed" | sort -u >"$tmp/wishes_failed"
# lacks KIND -- cannot a file system of that kind be mounted here?
lacks() {
	[ "$(id -u)" -ne 0 ] || ! [ -e /dev/loop-control ] ||
		! [ -x "/sbin/mkfs.$1" ] || ! grep -qw "$1" /proc/filesystems
}
# excuse KIND PATTERN
excuse() {
	lacks "$1" || return 0
	echo "not looked at: $2: no $1 to mount"
	grep -E "^$2\$" "$tmp/wished" >>"$tmp/wishes_failed" || true
}
excuse xfs FICLONE
excuse btrfs 'FS_IOC_.*'
each 'in the sources, and has not failed in any test' "$tmp/wished" \
	"$tmp/wishes_failed"

echo "$(wc -l <"$tmp/listed") calls, $(wc -l <"$tmp/wished") by argument," \
	"$failures failures"
# the next run begins anew
find "$build/faults" -type f -delete
[ "$failures" -eq 0 ]
