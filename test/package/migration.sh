#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# migration.sh SRC BUILD -- docs/migration.md names what there is
#
# Functions, kinds and variables of memkind are looked up in its headers and
# library, and each of its functions is told of; our names are looked up in our
# header; the code compiles.
set -eu
src=$1
page=$src/docs/migration.md
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0

# words PATTERN -- of the page
words() {
	grep -Eow "$1" "$page" | sort -u
}

# every WHAT NAMES LIST -- the names of one file are in the other
every() {
	comm -23 "$2" "$3" >"$tmp/missing"
	[ ! -s "$tmp/missing" ] || {
		sed "s/\$/: $1/" "$tmp/missing"
		status=1
	}
}

words '(vmem|VMEM)_[A-Za-z_]+[a-zA-Z]' | grep -v 'VMEM_\(OPTIONS\|LOG_\)' |
	grep -v '^vmem_\(probes\|debug\)$' >"$tmp/ours"
grep -Ehow '(vmem|VMEM)_\w+' "$src"/include/libvmem.h "$src"/include/libvmem_types.h | sort -u >"$tmp/header"
every "is not in libvmem.h" "$tmp/ours" "$tmp/header"

# the first block of C is a part of a function
{
	printf '#include <libvmem.h>\nint main(void)\n{\n'
	awk '/^```c$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$page"
	printf 'return pool == NULL;\n}\n'
} >"$tmp/code.c"
cc -std=c99 -Wall -Wextra -Werror -fsyntax-only -I"$src/include" "$tmp/code.c"

headers=/usr/include/memkind.h
[ -e "$headers" ] || {
	echo "memkind's names were not looked up: no $headers"
	exit "$status"
}
headers="$headers /usr/include/memkind_memtier.h"
library=$(find /usr/lib -name libmemkind.so.0 | head -n 1)
words '(memkind|memtier)_[a-z_]+[a-z]' >"$tmp/named"
# shellcheck disable=SC2086 # two files
grep -Eoh '\b(memkind|memtier)_[a-z_]+' $headers | sort -u >"$tmp/there"
every "is not in memkind" "$tmp/named" "$tmp/there"
# shellcheck disable=SC2086
sed 's,///.*,,' $headers | grep -Eo '\b(memkind|memtier)_[a-z_]+\(' |
	tr -d '(' | sort -u >"$tmp/functions"
every "a function of memkind that is not told of" "$tmp/functions" \
	"$tmp/named"
words 'MEMKIND_[A-Z_]+[A-Z]' | grep -v '^MEMKIND_MEM_' >"$tmp/named"
# shellcheck disable=SC2086
{
	grep -Eoh '\bMEMKIND_[A-Z_]+' $headers
	strings "$library" | grep -Eo '\bMEMKIND_[A-Z_]+'
} | sort -u >"$tmp/there"
every "is not in memkind" "$tmp/named" "$tmp/there"
exit "$status"
