#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# map.sh SRC BUILD -- the map of a pool, in all its forms
set -eu
# shellcheck source=test/view/harness
. "$(dirname "$0")/harness"

hold live "$bin/view_holder" -m 32
stats=$tmp/live/json.1

# it covers the pool, and says what the statistics say
view 0 map --format json "$pid"
jq -e --slurpfile s "$stats" '
	.exact and .pages == 8192 and ([.kinds[]] | add) == .pages
	and ([.extents[].pages] | add) == .pages
	and (reduce .extents[] as $e (0;
		if . == $e.page then . + $e.pages else -1 end)) == .pages
	and .live == $s[0].allocated and .free == $s[0].free
	and (.kinds["free, dirty"] + .kinds["free, clean"]) * 4096 == .free
	and .kinds.metadata * 4096 == $s[0].metadata
	and .kinds.kept * 4096 == $s[0].kept
	and (.kinds.slab + .kinds.large) * 4096 == $s[0].active
	and ([.extents[] | select(.kind == "slab") | .size * .live] | add) >=
		([$s[0].bins[] | .size * .live] | add)
	and .kinds.changing == 0' "$tmp/out" >/dev/null ||
	failed "the map and the statistics: $(jq 'del(.extents)' "$tmp/out")"

# text: letters without colour, the same letters with it
view 0 map --all --width 80 --height 20 "$pid"
tr '\n' ' ' <"$tmp/out" >"$tmp/line"
has line "^Pool 1 of view_holder \\($pid\\), file in .*, 32.0M; a cell is 32.0K "
[ "$(grep -Ec '^ *[0-9.]+M? [m0-9Lk:.]{64}$' "$tmp/out")" -eq 16 ] ||
	failed "16 rows of 64 cells: $(cat "$tmp/out")"
has out '^m metadata .*0-9 slab, tenths in use .*L large '
has line ' Objects .* free .* in [0-9]+ pieces, the largest .* fragmented'
has line ' Filled by: large objects [0-9.]+%, slots of '
cp "$tmp/out" "$tmp/plain"
for colour in "" truecolor; do
	COLORTERM=$colour view 0 map --width 80 --height 20 --all --color always \
		"$pid"
	has out '\[97;48;[25];'
	sed 's/\x1b\[[0-9;]*m//g' "$tmp/out" | head -n 17 >"$tmp/stripped"
	head -n 17 "$tmp/plain" >"$tmp/wanted"
	same wanted stripped
done

# most of it is free: then that is not drawn
view 0 map "$pid"
tr '\n' ' ' <"$tmp/out" >"$tmp/line"
has line '; the first [0-9.]+M, all behind is free '

# no line is longer than was asked for, but for the smallest width
for width in 160 80 60 40 32 1; do
	for colour in never always; do
		view 0 map --width $width --color $colour "$pid"
		longest=$(sed 's/\x1b\[[0-9;]*m//g' "$tmp/out" | wc -L)
		[ "$longest" -le "$width" ] || [ "$longest" -le 32 ] ||
			failed "width $width: $longest columns"
	done
done
view 0 map "$pid"
[ "$(wc -L <"$tmp/out")" -le 80 ] || failed "longer than 80 columns"

# colours in a terminal, unless they are forbidden
if script --version >/dev/null 2>&1; then
	# coloured VARIABLE=VALUE...
	coloured() {
		env TERM=xterm "$@" script -qc "'$vmem' map $pid" /dev/null \
			</dev/null >"$tmp/out" 2>&1
		grep -q "$(printf '\033')" "$tmp/out"
	}
	coloured NO_COLOR= || failed "no colours"
	! coloured NO_COLOR=1 || failed "colours with NO_COLOR"
	! coloured TERM=dumb || failed "colours in a dumb terminal"
fi

# pictures
view 0 map "$pid" -o "$tmp/map.svg"
has map.svg '^<svg .*viewBox'
[ "$(head -c 4 "$tmp/map.svg")" = '<?xm' ] || failed "no XML"
view 0 map "$pid" -o "$tmp/map.png"
[ "$(head -c 8 "$tmp/map.png" | od -An -c | tr -d ' ')" = '211PNG\r\n032\n' ] ||
	failed "no PNG"
view 0 map "$pid" --output "$tmp/map.html"
has map.html '^<!DOCTYPE html>'

# in a browser: the script runs, and the pointer is told what lies there
if command -v chromium >/dev/null; then
	sed 's|</body>|<script>\
		const b = canvas.getBoundingClientRect();\
		canvas.dispatchEvent(new MouseEvent("mousemove", {\
			clientX: b.left + 3, clientY: b.top + 3}));\
		</script></body>|' "$tmp/map.html" >"$tmp/hover.html"
	timeout 100 chromium --headless --no-sandbox --disable-gpu \
		--disable-quic --no-first-run --disable-background-networking \
		--user-data-dir="$tmp/browser" --dump-dom \
		"file://$tmp/hover.html" >"$tmp/dom" 2>"$tmp/log" ||
		failed "chromium: $(tail -n 5 "$tmp/log")"
	has dom '<button title="show or hide">.*large [0-9.]+%</button>'
	has dom '<td>large</td>'
	has dom 'id="tip".*>offset 0x0, page 0$'
	has dom '^metadata$'
	! grep -q '@DATA@' "$tmp/dom" || failed "no data"
else
	echo "SKIPPED in part: no chromium here"
fi

# nothing lives there: one piece is free
cat >"$tmp/empty.c" <<'END'
#include <libvmem.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2 || vmem_create(argv[1], VMEM_MIN_POOL) == NULL)
		return 1;
	puts("ready");
	fflush(stdout);
	return pause();
}
END
cc -I"$1/include" -o "$tmp/empty.program" "$tmp/empty.c" -L"$build/lib" \
	-lvmem -Wl,-rpath,"$build/lib"
live=$pid
hold empty "$tmp/empty.program"
view 0 map --width 160 "$pid"
has out '^Objects 0 .* in 1 piece, the largest '
pid=$live

# while it changes; and a name that would end the page's script
cp "$bin/view_holder" "$tmp/<script>&"
hold busy "$tmp/<script>&" -t 4 -m 64
for form in text json html svg png; do
	view 0 map --format $form "$pid"
done
view 0 map --format html "$pid"
! grep -q '<script>&' "$tmp/out" || failed "the name is not escaped"
done_viewing
