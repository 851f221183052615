#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# forks.bash N -- about N children, most of which execute nothing
# shellcheck disable=SC2030,SC2031 # that the parent sees no change is tested
# shellcheck disable=SC2116 # each echo is a child
set -euo pipefail
n=$1

# strings and arrays that every child inherits
declare -A squares
for ((i = 0; i < 2000; i++)); do
	squares[key$i]=$((i * i))
	list+=("element $i of the list")
done

# command substitutions, some in one another: a half of all
sum=0
for ((i = 0; i < n / 4; i++)); do
	answer=$(echo "$((i + $(echo "${squares[key$((i % 2000))]}")))")
	sum=$((sum + answer))
done
echo "substitutions $sum"

# pipelines of builtins: a quarter
total=0
for ((i = 0; i < n / 8; i++)); do
	printf '%s\n' "${list[@]:i % 1900:50}" | while read -r _ number _; do
		echo "$number"
	done >numbers
	while read -r number; do
		total=$((total + number))
	done <numbers
done
echo "pipelines $total"

# subshells that change what they inherited, with here-documents
for ((i = 0; i < n / 8; i++)); do
	(
		squares[key$i]=changed
		list=("${list[@]/element/item}")
		while read -r line; do
			list+=("$line")
		done <<-END
			here $i
			there ${squares[key$i]}
		END
		echo "${#list[@]} ${list[i % 2000]} ${list[2001]}"
	)
done | cksum
echo "unchanged ${squares[key1]} ${list[1]}"

# programs in pipelines: each has a pool of its own
for ((i = 0; i < n / 40; i++)); do
	printf '%s\n' "${list[@]:i:300}" | sort -r | sed 's/of/in/' |
		tr '[:lower:]' '[:upper:]' | tail -n 2
done | cksum

# many at once, in the background
for ((i = 0; i < n / 40; i += 4)); do
	for j in 1 2 3 4; do
		(exit $((j * 3))) &
		pids[j]=$!
	done
	for j in 1 2 3 4; do
		wait "${pids[j]}" || echo "$?"
	done
done | cksum
