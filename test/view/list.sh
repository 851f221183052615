#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# list.sh SRC BUILD -- the list of pools
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"

# one SELECTOR -- prints it for the only pool of the JSON list
one() {
	jq -r ".[0].$1" "$tmp/out"
}

hold first "$bin/view_holder" -f 2 -r 1 -t 4 -m 20
first=$pid
hold second "$bin/view_holder_static"
second=$pid
view 0 list
for n in 1 2 3; do
	has out "^ *$first view_holder +$n (file|region) +20.0M "
done
has out "^ *$second view_holder_sta +1 file +16.0M .* $tmp/second\$"
view 0 list --json
[ "$(jq "map(select(.pid == $first)) | length" "$tmp/out")" = 3 ] ||
	failed "three pools, and not: $(cat "$tmp/out")"

view 0 list --json "$second"
[ "$(one size)" = 16777216 ] || failed "size $(one size)"
[ "$(one threads)" = 1 ] || failed "$(one threads) threads"
[ "$(one path)" = "$tmp/second" ] || failed "path $(one path)"
[ "$(one used)" = "$((16777216 - $(jq .free "$tmp/second/json.1")))" ] ||
	failed "used $(one used)"

# threads: the main one is in all, four others in three pools in turn
view 0 list --json "$first"
[ "$(jq -c 'map(.threads)' "$tmp/out")" = '[3,2,2]' ] ||
	failed "threads: $(jq -c 'map(.threads)' "$tmp/out")"
[ "$(jq -r '.[2].kind' "$tmp/out")" = region ] || failed "no region"

# the preload library, and a program that has both
# shellcheck disable=SC2016 # the inner shell expands it
hold preload "$vmem" run -d "$tmp" -s 64M -- sh -c 'echo ready; kill -STOP $$' sh
view 0 list --json "$pid"
[ "$(jq length "$tmp/out") $(one size)" = "1 67108864" ] || failed "preload"
view 0 stats "$pid"
has out '^Allocated: '
view 0 check "$pid"
release "$pid"
hold both "$vmem" run -d "$tmp" -s 64M -- "$bin/view_holder"
view 0 list "$pid"
[ "$(grep -c " file " "$tmp/out")" -eq 2 ] || failed "both: $(cat "$tmp/out")"
has out ' 2\.1 file '
view 0 stats "$pid:2.1"
view 0 stats "$pid:1"
view 0 check "$pid"

# a name, of private memory that grows; statistics and check see it like others
hold named "$bin/view_holder" -f 0 -n 'sessions of shop'
view 0 list "$pid"
has out "^ *$pid view_holder +1 memory +32.0M .* \"sessions of shop\"\$"
view 0 list --json "$pid"
[ "$(one name) $(one kind)" = "sessions of shop memory" ] || failed "name"
view 0 stats "$pid"
has out '^  opt.name: sessions of shop$'
same out named/stats.1
view 0 stats --json "$pid"
[ "$(jq -r .name "$tmp/out")" = "sessions of shop" ] || failed "name in JSON"
view 0 check "$pid"

# paths that are not ASCII; what is no UTF-8, or would control the terminal, is
# not shown
where=$(printf '\303\234n\303\257 \342\202\254 \360\237\222\276')
hold "$where $(printf '\377\302\233[2J\302\240\355\240\200')" \
	"$bin/view_holder"
shown="$where ???[2J$(printf '\302\240')???"
view 0 list --json "$pid"
[ "$(one path)" = "$tmp/$shown" ] || failed "JSON: $(one path)"
LC_ALL=C.UTF-8
view 0 list "$pid"
LC_ALL=C
tail -n 1 "$tmp/out" | grep -Fq " $tmp/$shown" || failed "$(cat "$tmp/out")"
view 0 list "$pid"
has out "$tmp/[?]{2}n[?]{2} [?]{3} [?]{4} [?]{3}\[2J[?]{5}\$"
# one that is cut off is cut between characters
long=$(printf '\303\234%.0s' $(seq 100))
for first in "" x; do
	hold "$first$long/$long" "$bin/view_holder"
	view 0 list --json "$pid"
	one path | grep -q "^$tmp/$first$long/" || failed "$(one path)"
	[ "$(one path | wc -c)" -gt 250 ] || failed "$(one path)"
	view 0 map --format png -o "$tmp/map.png" "$pid"
	view 0 map --width 20 "$pid"
done

# the first thread has ended: others have the memory
hold leaderless "$bin/view_leaderless"
until grep -q '^State:.*Z' "/proc/$pid/status"; do
	sleep 0.05
done
view 0 list "$pid"
has out "^ *$pid view_leaderless +1 file"
view 0 list
has out "^ *$pid view_leaderless +1 file"
view 0 stats "$pid"
view 0 check "$pid"
has out 'consistent'
release "$pid"

done_viewing
