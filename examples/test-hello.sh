#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# test-hello.sh SRC BUILD -- hello says hello, and says why when it cannot
set -eu

hello=$2/bin/hello
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail()
{
	echo "test-hello: $*" >&2
	exit 1
}

[ "$("$hello" "$tmp")" = "hello from a pool in $tmp" ] || fail "no hello"
[ -z "$(ls -A "$tmp")" ] || fail "a file was left in the folder"

if "$hello" "$tmp/nowhere" 2>"$tmp/error"; then
	fail "a folder that is not there was taken"
fi
grep -q "nowhere: .*No such file or directory" "$tmp/error" ||
	fail "the error does not say why: $(cat "$tmp/error")"
