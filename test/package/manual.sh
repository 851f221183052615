#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# manual.sh SRC BUILD -- each function has its page where it is installed, and
# the programs in the pages run
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
	programs "$page" "$tmp/$(basename "$page" | tr . _)_"
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
[ "$n" -ge 5 ]
