#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# run_environment.sh SRC BUILD -- what the program finds in its environment
set -eu
# shellcheck source=test/cli/expect
. "$(dirname "$0")/expect"

# gives VARIABLES ARG... -- these lines and no others besides PATH and KEPT
gives() {
	lines=$1
	shift
	env -i PATH="$PATH" KEPT=1 "$vmem" "$@" env >"$tmp/out" 2>"$tmp/err" ||
		failed "status $?: vmem $*: $(cat "$tmp/err")"
	grep -v -e '^PATH=' -e '^KEPT=1$' "$tmp/out" | sort >"$tmp/found"
	printf '%s\n' "LD_PRELOAD=$library" "$lines" | grep . |
		sort >"$tmp/wanted"
	grep -qx KEPT=1 "$tmp/out" || failed "KEPT is lost: vmem $*"
	cmp -s "$tmp/wanted" "$tmp/found" ||
		failed "vmem $*: wanted, then found:
$(cat "$tmp/wanted" "$tmp/found")"
	[ ! -s "$tmp/err" ] || failed "vmem $*: $(cat "$tmp/err")"
}

pool="VMMALLOC_POOL_DIR=$tmp/pool
VMMALLOC_POOL_SIZE=16777216"
named="run --dir $tmp/pool --size 16M"
# shellcheck disable=SC2086 # words, here and below
gives "$pool" $named --
# shellcheck disable=SC2086
gives "$pool
VMMALLOC_LOG_STATS=1" $named --stats
# shellcheck disable=SC2086
gives "$pool
VMMALLOC_LOG_FILE=$tmp/log-
VMMALLOC_LOG_STATS=1" $named --stats --log-file "$tmp/log-"
cd "$tmp"
# shellcheck disable=SC2086
gives "$pool
VMMALLOC_LOG_FILE=$(pwd)/log" $named --log-file log
cd /

for mode in 0:none 1:private 2:copy 3:copy-or-private; do
	for word in "${mode%:*}" "${mode#*:}"; do
		# shellcheck disable=SC2086
		gives "$pool
VMMALLOC_FORK=${mode%:*}" $named --fork "$word"
	done
done
for word in 4 -1 00 "" both Copy; do
	# shellcheck disable=SC2086
	says 2 "vmem run: --fork: '$word' is none of none (0), private (1), copy (2), copy-or-private (3)" \
		$named --fork "$word" true
done

# the log file
# shellcheck disable=SC2086
{
	says 125 "vmem run: $tmp/none/log: No such file or directory" \
		$named --log-file "$tmp/none/log" true
	says 125 "vmem run: $tmp/: Is a directory" \
		$named --log-file "$tmp/" true
	says 125 "vmem run: $library/log: Not a directory" \
		$named --log-file "$library/log" true
}

# the file of a profile; a folder that is not known before is left to the end
# shellcheck disable=SC2086
{
	says 125 "vmem run: /none/x: No such file or directory" \
		$named --profile 1:/none/x true
	says 125 "vmem run: $tmp/: Is a directory" $named --profile "1:$tmp/" true
	prints "1:$tmp/%p.txt" $named --profile "1:$tmp/%p.txt" \
		-- printenv VMMALLOC_PROFILE
	prints "1:/none/%p/x" $named --profile "1:/none/%p/x" \
		-- printenv VMMALLOC_PROFILE
}

# variables that stand there already: only what is asked for changes
cd "$tmp"
export VMMALLOC_FORK=2 VMMALLOC_LOG_STATS=1 VMMALLOC_LOG_FILE=x
# shellcheck disable=SC2086,SC2016
{
	prints "2 1 x" $named -- sh -c \
		'echo $VMMALLOC_FORK $VMMALLOC_LOG_STATS $VMMALLOC_LOG_FILE'
	prints 0 $named --fork none -- printenv VMMALLOC_FORK
}
unset VMMALLOC_FORK VMMALLOC_LOG_STATS VMMALLOC_LOG_FILE
cd /

# and what the library would not take is told, unless an option replaces it
# shellcheck disable=SC2086
{
	for word in 9 copy 00 ""; do
		export VMMALLOC_FORK="$word"
		says 2 "vmem run: VMMALLOC_FORK: '$word' is none of 0, 1, 2, 3" \
			$named true
		exits 0 $named --fork copy true
	done
	unset VMMALLOC_FORK
	for word in x 0 1: 1k; do
		export VMMALLOC_PROFILE=$word
		says 2 "vmem run: VMMALLOC_PROFILE: '$word' is not MEAN or MEAN:FILE" \
			$named true
		exits 0 $named --profile 1 true
	done
	export VMMALLOC_PROFILE=1M:/none/x
	says 125 "vmem run: /none/x: No such file or directory" $named true
	export VMMALLOC_PROFILE="1M:$tmp/x"
	prints "1M:$tmp/x" $named -- printenv VMMALLOC_PROFILE
	unset VMMALLOC_PROFILE
	export VMMALLOC_LOG_FILE=/none/x
	says 125 "vmem run: /none/x: No such file or directory" $named true
	exits 0 $named --log-file "$tmp/log" true
	unset VMMALLOC_LOG_FILE
}
export VMMALLOC_POOL_DIR= # where nothing else names a place it is wrong
# shellcheck disable=SC2086
exits 0 $named true
exits 0 run --tiers a:anon:16M true
unset VMMALLOC_POOL_DIR
done_expecting
