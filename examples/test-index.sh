#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# test-index.sh SRC BUILD -- vmem-index finds what `grep -w` finds
#
# A small tree is made on the fly: texts with known and with pseudo-random
# words, an empty file, a binary one, a compressed one, a symbolic link, and
# names with blanks.
set -eu
LC_ALL=C
export LC_ALL

index=$2/bin/vmem-index
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/tree

fail()
{
	echo "test-index: $*" >&2
	exit 1
}

# make_tree -- 300 files of 200 lines over a vocabulary of 3000 words
make_tree()
{
	mkdir -p "$tree/a/b" "$tree/with blank"
	awk -v tree="$tree" 'BEGIN {
		srand(20240229)
		split("a a/b", folders, " ")
		folders[3] = "with blank"
		for (i = 0; i < 300; i++) {
			name = tree "/" folders[i % 3 + 1] "/text" i
			for (j = 0; j < 200; j++) {
				line = ""
				for (k = 0; k < 8; k++) {
					n = int(3000 * rand() ^ 3)
					line = line "w" n substr(" ,.;-", \
						int(5 * rand()) + 1, 1)
				}
				print line >name
			}
			close(name)
		}
	}'
	printf 'Needle in_one place; NEEDLE again\nneedles\n' >"$tree/a/one"
	printf 'first line\n\nhay needle hay w1' >"$tree/with blank/two"
	printf 'needle\0binary' >"$tree/binary"
	printf 'needle\n' | gzip >"$tree/needle.gz"
	: >"$tree/empty"
	ln -s a/one "$tree/link"
}

# expect WORD... -- the texts that grep finds all the words in
expect()
{
	find "$tree" -type f ! -name '*.gz' >"$tmp/files"
	for word in "$@"; do
		tr '\n' '\0' <"$tmp/files" |
			xargs -0 -r grep -IlwiF -e "$word" >"$tmp/left" || :
		mv "$tmp/left" "$tmp/files"
	done
	sort "$tmp/files"
}

# compare THREADS WORD... -- the same names from both
compare()
{
	threads=$1
	shift
	expect "$@" >"$tmp/expected"
	"$index" -Q -d "$tmp" -s 32M -t "$threads" -l -q "$*" "$tree" |
		sort >"$tmp/found"
	cmp -s "$tmp/expected" "$tmp/found" ||
		fail "not what grep finds for '$*' with $threads threads"
	echo "'$*', $threads threads: $(wc -l <"$tmp/found") documents"
}

make_tree
for threads in 1 2 7; do
	compare "$threads" needle
	compare "$threads" NEEDLE w1
	compare "$threads" in_one
	compare "$threads" in
	compare "$threads" w2999
	compare "$threads" w150 w151
	compare "$threads" w31 w22 w13
done
[ -s "$tmp/expected" ] || fail "the last query ought to find something"

# what a reader sees: counts, lines, several queries in the order asked
"$index" -Q -d "$tmp" -s 32M --stats -q needle -q nowhere "$tree" \
	>"$tmp/out" 2>"$tmp/err"
[ ! -s "$tmp/err" ] || fail "unexpected: $(cat "$tmp/err")"
for text in \
	"indexed:  302 documents" \
	"skipped:  3 not text, 0 unreadable" \
	"query 'needle': 2 documents" \
	"       2  $tree/a/one:1" \
	"       1  $tree/with blank/two:3" \
	"query 'nowhere': 0 documents" \
	"End jemalloc statistics" \
	"check of the full index: the pool is consistent" \
	"check after freeing: the pool is consistent"; do
	grep -qF -e "$text" "$tmp/out" || fail "not in the output: $text"
done

# queries from standard input
printf 'needle\n\nw1 needle\n' |
	"$index" -Q -d "$tmp" -s 32M -l -i --drop "$tree" >"$tmp/out"
[ "$(wc -l <"$tmp/out")" -eq 3 ] || fail "wrong answers to standard input"

# a pool that is too small: the index keeps what fits, and says so
mkdir "$tmp/big"
awk -v folder="$tmp/big" 'BEGIN {
	for (i = 0; i < 200; i++) {
		name = folder "/text" i
		for (j = 0; j < 2000; j++)
			print "w" i "_" j >name
		close(name)
	}
}'
"$index" -Q -d "$tmp" -s 14M -q w0_1 "$tmp/big" >"$tmp/out" 2>"$tmp/err" ||
	fail "a full pool ended the program: $(cat "$tmp/err")"
grep -q "the pool is too small: .* documents are not in the index" \
	"$tmp/err" || fail "a full pool was not told"
grep -q "check after freeing: the pool is consistent" "$tmp/out" ||
	fail "no check after a full pool"
ndocs=$(sed -n 's/^indexed:  \([0-9]*\) .*/\1/p' "$tmp/out")
if [ "$ndocs" -lt 50 ] || [ "$ndocs" -ge 200 ]; then
	fail "$ndocs documents are in the index of the small pool"
fi
echo "a pool of 14 MiB: $ndocs of 200 documents"

# errors
for args in "-s 1M" "-s 12Q" "-d $tmp/none" "-t 0" "--nonsense"; do
	# shellcheck disable=SC2086 # words
	if "$index" -Q $args "$tree" >/dev/null 2>"$tmp/err"; then
		fail "'$args' was taken"
	fi
	[ -s "$tmp/err" ] || fail "'$args' was refused without a word"
done
