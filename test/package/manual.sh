#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# manual.sh SRC BUILD -- each function has its page where it is installed, and
# the examples in the pages run
#
# Each page of section 3 has an example that is a program, and each page of
# section 7 one of some kind.  Of libvmmalloc(7) the shell's lines run, with
# other memory in the place of what few machines have.
set -eu
src=$1
build=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cmake --install "$build" --prefix "$tmp/root" >"$tmp/install.log"
man=$tmp/root/share/man
"$src/tools/map-names" "$src/src/libvmem/libvmem.map" >"$tmp/names"
[ "$(wc -l <"$tmp/names")" -ge 17 ]
while read -r name; do
	# a link to nowhere is no file
	[ -f "$man/man3/$name.3" ] || {
		echo "$name: no page is installed"
		exit 1
	}
	grep -q "Fn $name\\|Fo $name" "$man/man3/$name.3" || {
		echo "$name: its page does not tell of it"
		exit 1
	}
done <"$tmp/names"

# programs PAGE PREFIX -- each literal block with a main() becomes a file
programs() {
	awk -v prefix="$2" '
	/^\.Bd -literal/ { inside = 1; text = ""; next }
	/^\.Ed/ {
		if (text ~ /\nmain\(void\)\n/)
			printf "%s", text >(prefix "" (++n) ".c")
		inside = 0
	}
	inside {
		gsub(/\\e/, "\\")
		gsub(/\\-/, "-")
		text = text $0 "\n"
	}' "$1"
}

for page in "$src"/man/*.[37]; do
	prefix=$tmp/$(basename "$page" | tr . _)_
	programs "$page" "$prefix"
	case $page in
	*.7) sed -n '/^\.Sh EXAMPLES/,$p' "$page" | grep -q '^\.Bd -literal' ;;
	*.3) sed -n '/^\.Sh EXAMPLES/,$p' "$page" | grep -q '^main(void)' ;;
	esac || {
		echo "$(basename "$page"): no example, or none that is a program"
		exit 1
	}
done
n=0
for program in "$tmp"/*.c; do
	n=$((n + 1))
	cc -std=c99 -D_DEFAULT_SOURCE -Wall -Wextra -Wpedantic -Werror \
		-I"$src/include" -o "$program.out" "$program" \
		-L"$build/lib" -lvmem -Wl,-rpath,"$build/lib"
	"$program.out" >"$tmp/out" 2>&1 || {
		echo "$(basename "$program"): exit code $?"
		cat "$tmp/out"
		exit 1
	}
done
echo "$n programs from the pages run"
[ "$n" -ge 8 ]

# the examples of libvmmalloc(7): a line that only sets variables is for the
# program `server`, which is no program of this system
mkdir "$tmp/pool"
echo 'int large;' >"$tmp/large.c"
sed -n '/^\.Sh EXAMPLES/,/^\.Sh DIAGNOSTICS/{/^\.Bd/,/^\.Ed/{
	/^\./d
	s/\\e$/\\/
	s/^\$ //
	s,/mnt/cxl,'"$tmp"'/pool,
	s,/dev/dax0\.0,'"$tmp"'/pool:64M,
	s,/tmp/stats-,'"$tmp"'/stats-,
	s/64G\|8G\|2G\|1G/64M/g
	s/ratio=1:4$/& server/
	s,\<server$,ls '"$tmp"',
	p
}}' "$src/man/libvmmalloc.7" >"$tmp/session"
[ "$(grep -c VMMALLOC_ "$tmp/session")" -ge 6 ]
grep -q 'ratio=1:4 ls' "$tmp/session"
(
	cd "$tmp"
	LD_LIBRARY_PATH=$build/lib sh -e -x session
) >"$tmp/out" 2>&1 || {
	echo "libvmmalloc(7): an example fails"
	cat "$tmp/out"
	exit 1
}
# the compiler's processes have left their statistics
grep -q 'End jemalloc statistics' "$tmp"/stats-*
[ -e "$tmp/large.o" ]
