#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# site.sh SRC BUILD -- the documentation as pages: made, and nothing leads to
# nowhere
set -eu
src=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for tool in cmark-gfm mandoc; do
	command -v "$tool" >"$tmp/out" || {
		echo "skipped: no $tool"
		exit 77
	}
done
"$src/tools/make-site" "$tmp/site"
# shellcheck disable=SC2046 # words
"$src/tools/check-site" "$tmp/site" \
	$("$src/tools/map-names" "$src/src/libvmem/libvmem.map")
[ "$(find "$tmp/site" -name '*.html' | wc -l)" -ge 30 ]
# names of functions lead to their page, in texts and in the manual
grep -q '<a class="name" href="man/vmem_trim.3.html#vmem_trim">' \
	"$tmp/site/index.html"
grep -q 'href="vmem_create.3.html#vmem_delete"' "$tmp/site/man/libvmem.7.html"
# two runs give the same bytes
"$src/tools/make-site" "$tmp/again"
diff -r "$tmp/site" "$tmp/again"
