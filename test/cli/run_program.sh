#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run_program.sh SRC BUILD -- the program: found, given its words, become
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"
run="run -d $tmp/pool -s 16M"

# program STATUS LINE ARG... -- as says, after the options
program() {
	program_status=$1
	program_line=$2
	shift 2
	# shellcheck disable=SC2086 # words
	says "$program_status" "$program_line" $run "$@"
}

# a directory of $PATH that cannot be read would make it 126
PATH=/usr/bin:/bin
program 127 "vmem run: no-such-program: No such file or directory" \
	no-such-program
program 127 "vmem run: $tmp/none: No such file or directory" "$tmp/none"
program 127 "vmem run: $library/x: Not a directory" "$library/x"
program 127 "vmem run: : No such file or directory" ""
program 126 "vmem run: $tmp/pool: Permission denied" "$tmp/pool"
echo 'exit 5' >"$tmp/script"
program 126 "vmem run: $tmp/script: Permission denied" "$tmp/script"
printf '#!%s\n' "$tmp/none" >"$tmp/lost"
chmod +x "$tmp/script" "$tmp/lost"
program 126 "vmem run: $tmp/lost: the interpreter that it names is not there" \
	"$tmp/lost"
program 5 "" "$tmp/script" # without #! it is the shell's, as by execvp(3)

# in $PATH: the first that can be run, or what is wrong with what was there
mkdir "$tmp/first" "$tmp/second"
echo 'echo first' >"$tmp/first/tool"
echo 'echo second' >"$tmp/second/tool"
saved=$PATH
PATH=$tmp/first:$tmp/second:$PATH
program 126 "vmem run: tool: Permission denied" tool
chmod +x "$tmp/second/tool"
# shellcheck disable=SC2086
prints second $run tool
chmod +x "$tmp/first/tool"
# shellcheck disable=SC2086
prints first $run tool
cd "$tmp/second"
PATH=:$saved
# shellcheck disable=SC2086
prints second $run tool
cd /
PATH=$saved

# its words: options end at the first word that is none, or at --
# shellcheck disable=SC2086,SC2016
{
	prints "<a><b c><--size><-->" $run -- \
		sh -c 'printf "<%s>" "$@"; echo' sh a "b c" --size --
	prints "<--dir>" $run printf '<%s>\n' --dir
	prints "sh" $run -- sh -c 'echo "$0"'
}
program 127 "vmem run: --: No such file or directory" -- --

# it becomes the program: its status, its signal, its process, its input
for status in 0 1 42 125 255; do
	program "$status" "" -- sh -c "exit $status"
done
# shellcheck disable=SC2086,SC2016
("$vmem" $run -- sh -c 'kill -TERM $$') 2>/dev/null && status=0 || status=$?
[ "$status" -eq 143 ] || failed "status $status for a signal"
# shellcheck disable=SC2086
pid=$(sh -c 'echo $$; exec "$@"' sh "$vmem" $run sh -c 'echo $$' | uniq)
[ "$(echo "$pid" | wc -l)" -eq 1 ] || failed "another process: $pid"
# shellcheck disable=SC2086
[ "$(echo input | "$vmem" $run cat)" = input ] || failed "no input"

# what the dynamic linker preloads nothing into is told, and runs
echo 'int main(void) { return 6; }' >"$tmp/main.c"
${CC:-cc} -static -o "$tmp/static" "$tmp/main.c"
program 6 "vmem run: warning: $tmp/static is linked statically and will not use the pool" \
	"$tmp/static"
${CC:-cc} -o "$tmp/dynamic" "$tmp/main.c"
program 6 "" "$tmp/dynamic"
if [ "$(id -u)" -eq 0 ]; then
	chown 65534 "$tmp/dynamic"
	chmod u+s "$tmp/dynamic"
	program 6 "vmem run: warning: $tmp/dynamic runs as another user and will not use the pool" \
		"$tmp/dynamic"
fi

# and one with capabilities, where it is not root who runs it
if [ "$(id -u)" -eq 0 ] && PATH=$PATH:/sbin command -v setcap >/dev/null; then
	${CC:-cc} -o "$tmp/able" "$tmp/main.c"
	PATH=$PATH:/sbin setcap cap_net_raw+ep "$tmp/able"
	program 6 "" "$tmp/able"
	chmod 1777 "$tmp/pool"
	# shellcheck disable=SC2086
	line=$(setpriv --reuid 65534 --clear-groups \
		"$vmem" $run -- "$tmp/able" 2>&1) && status=0 || status=$?
	[ "$status" -eq 6 ] || failed "status $status with capabilities"
	[ "$line" = "vmem run: warning: $tmp/able has capabilities and will not use the pool" ] ||
		failed "with capabilities: $line"
	# such that it only may inherit change nothing
	PATH=$PATH:/sbin setcap cap_net_raw+i "$tmp/able"
	# shellcheck disable=SC2086
	line=$(setpriv --reuid 65534 --clear-groups \
		"$vmem" $run -- "$tmp/able" 2>&1) || :
	[ -z "$line" ] || failed "with capabilities to inherit: $line"
fi
done_expecting
