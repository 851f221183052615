#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# completion.sh SRC BUILD -- what bash offers behind the command's name
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"
# shellcheck source=completions/vmem
. "$1/completions/vmem"
compopt() { :; } # only while a real completion is under way

# offers WORD... -- what stands on the line, the last word is to be completed
offers() {
	COMP_WORDS=("$vmem" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_vmem
	printf '%s\n' "${COMPREPLY[@]}" >"$tmp/offered"
}

hold one "$bin/view_holder" -f 2
offers ""
for command in check help list map run stats top; do
	has offered "^$command\$"
done
offers st
[ "$(cat "$tmp/offered")" = stats ] || failed "st: $(cat "$tmp/offered")"
offers map --f
[ "$(cat "$tmp/offered")" = "--format=" ] || failed "$(cat "$tmp/offered")"
offers run --fork c
[ "$(tr '\n' ' ' <"$tmp/offered")" = "copy copy-or-private " ] ||
	failed "--fork: $(cat "$tmp/offered")"
offers stats "$pid"
has offered "^$pid:2\$"
for command in list top; do
	offers $command "$pid"
	[ "$(cat "$tmp/offered")" = "$pid" ] ||
		failed "$command: $(cat "$tmp/offered")"
done
offers devices ""
[ -z "$(cat "$tmp/offered")" ] || failed "devices: $(cat "$tmp/offered")"
offers map --c
[ "$(tr '\n' ' ' <"$tmp/offered")" = "--color= --core= " ] ||
	failed "--c: $(cat "$tmp/offered")"
offers map --all
[ "$(cat "$tmp/offered")" = --all ] || failed "$(cat "$tmp/offered")"
offers map -f ""
[ "$(tr '\n' ' ' <"$tmp/offered")" = "text json html svg png " ] ||
	failed "-f: $(cat "$tmp/offered")"
offers top --sort l
[ "$(cat "$tmp/offered")" = live ] || failed "--sort: $(cat "$tmp/offered")"
offers map --width ""
[ -z "$(cat "$tmp/offered")" ] || failed "--width: $(cat "$tmp/offered")"

# what readline makes of --format=j: three words, or one where = divides none
offers map --format = j
[ "$(cat "$tmp/offered")" = json ] || failed "--format=j: $(cat "$tmp/offered")"
offers run --fork =
[ "$(tr '\n' ' ' <"$tmp/offered")" = "none private copy copy-or-private " ] ||
	failed "--fork=: $(cat "$tmp/offered")"
offers map --format=j
[ "$(cat "$tmp/offered")" = --format=json ] ||
	failed "--format=j, one word: $(cat "$tmp/offered")"

# behind the name of the program that is run all is that program's: what of the
# line is left to bash-completion
_command_offset() {
	COMPREPLY=("${COMP_WORDS[@]:$1:COMP_CWORD - $1}")
}

# leaves LEFT WORD... -- so much of the line is left to it
leaves() {
	local left=$1
	shift
	offers "$@"
	[ "$(tr '\n' ' ' <"$tmp/offered")" = "$left " ] ||
		failed "$*: $(cat "$tmp/offered")"
}
leaves ls run ls --
leaves ls run ls ""
leaves "ls -d" run ls -d ""
leaves "ls map -f" run ls map -f ""
leaves ls run -- ls --
leaves "ls --" run -- ls -- --
leaves ls run -s 64M --stats ls --
leaves ls run -s64M --dir /tmp ls --
leaves ls run --fork=copy ls --
leaves ls run --fork = copy --dir = /tmp -- ls --
leaves ls run --profile = 1M : out ls --
leaves ls run --tiers a : dram : 1G,split = 2 ls --
leaves "grep = : -s" run grep = : -s ""

# what comes before is not
offers run --st
[ "$(cat "$tmp/offered")" = --stats ] || failed "run --st"
offers run -s 64M --fork = c
[ "$(tr '\n' ' ' <"$tmp/offered")" = "copy copy-or-private " ] ||
	failed "run -s 64M --fork=c: $(cat "$tmp/offered")"
for before in --stats -- -s64M; do
	offers run $before bas
	has offered '^bash$'
done

# without bash-completion there is nothing but files, which readline knows
unset -f _command_offset
offers run ls --
[ -z "$(cat "$tmp/offered")" ] || failed "run ls --: $(cat "$tmp/offered")"

# every option stands in the help and in the manual page, and no others
for command in check list map profile stats top; do
	"$vmem" $command --help |
		grep -o -- '--[a-z][a-z-]*' | grep -v -e help -e usage -e version |
		sort -u >"$tmp/options"
	grep '^\.It' "$1/man/vmem-$command.1" | grep -o 'Fl Fl [a-z-]*' |
		sed 's/Fl Fl /--/' | sort -u >"$tmp/page"
	same options page
done
done_viewing
