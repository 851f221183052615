#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# readme.sh SRC BUILD -- what the README shows works when it is pasted
#
# Blocks of C and C++ whose first line is a comment with a file's name become
# this file.  Blocks that are marked sh are run in their order, in one shell
# each, with an installed library where a user has one.  Of those marked bash,
# which need root or memory that few machines have, targets of make and options
# of the command are looked up.
#
# ctest: timeout=120
set -euo pipefail
src=$1
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() {
	echo "README.md: $*"
	exit 1
}

if [ ! -x "$build/bin/vmem" ] || ! "$build/bin/vmem" list >"$tmp/out" 2>&1; then
	echo "skipped: the command was built without libraries of its own"
	exit 77
fi
cmake --install "$build" --prefix "$tmp/usr" >"$tmp/log"
libdir=$(dirname "$(find "$tmp/usr" -name libvmem.so.1 | grep -v vmem_debug)")
mkdir "$tmp/home"

# blocks -- N.KIND for each block of code
awk -v folder="$tmp" '
/^```/ {
	if (inside)
		close(file)
	else
		file = sprintf("%s/%03d.%s", folder, ++n, substr($0, 4))
	inside = !inside
	next
}
inside { print >file }' "$src/README.md"

# run FILE -- as a user who has installed it
run() {
	(
		cd "$tmp/home"
		unset LD_PRELOAD VMMALLOC_POOL_DIR VMMALLOC_POOL_SIZE
		export PATH="$tmp/usr/bin:$PATH" LD_LIBRARY_PATH="$libdir"
		export CPATH="$tmp/usr/include" LIBRARY_PATH="$libdir"
		timeout 100 bash -e "$1" </dev/null
	)
}

nrun=0
nlooked=0
for block in "$tmp"/0*.*; do
	case $block in
	*.c | *.cpp)
		name=$(sed -n '1s,^/\* \([a-z.]*\) \*/$,\1,p' "$block")
		[ -z "$name" ] || cp "$block" "$tmp/home/$name"
		;;
	*.sh)
		run "$block" >"$tmp/out" 2>&1 || {
			cat "$tmp/out"
			fail "this fails: $(cat "$block")"
		}
		nrun=$((nrun + 1))
		cat "$tmp/out" >>"$tmp/all"
		;;
	*.bash)
		nlooked=$((nlooked + 1))
		;;
	esac
done
[ "$nrun" -ge 5 ] || fail "$nrun blocks were run"
[ "$nlooked" -ge 3 ] || fail "$nlooked blocks were looked at"

# they do what the text says
expect() {
	grep -Eq -- "$1" "$tmp/all" || {
		cat "$tmp/all"
		fail "nothing printed like: $1"
	}
}
expect '^the last of them is 998001$'
expect '^2 to$'
expect 'End jemalloc statistics'
expect 'sleep'
[ "$(grep -c '^root:' "$tmp/all")" -eq 2 ] || fail "sort was not run twice"
grep -q '^<!DOCTYPE html>' "$tmp/home/heap.html" || fail "there is no map"
# targets of make, and options of the command
grep -Eo '(^|`|sudo )make [a-z-]+' "$src/README.md" |
	while read -r line; do
		grep -Eq "^([a-z -]* )?${line##* }( [a-z -]*)?:" "$src/Makefile" ||
			fail "no such target: $line"
	done
sed -n 's/^vmem run //p' "$tmp"/*.bash | grep -Eo -- '--[a-z]+' | sort -u |
	while read -r option; do
		"$build/bin/vmem" help run | grep -q -- "$option" ||
			fail "vmem run has no $option"
	done
echo "$nrun blocks of commands run"
