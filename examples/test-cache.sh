#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# test-cache.sh SRC BUILD -- vmem-cache serves real clients of memcached, and
# bears those that mean it harm
#
# One thread has no races.  ctest: timeout=120 not-tsan
set -eu

src=$1
cache=$2/bin/vmem-cache
tmp=$(mktemp -d)
server=
trap 'kill $server 2>/dev/null || :; rm -rf "$tmp"' EXIT

fail()
{
	echo "test-cache: $*" >&2
	exit 1
}

# start OPTION... -- sets $server and $port
start()
{
	rm -f "$tmp/out"
	"$cache" --dir "$tmp" --port 0 "$@" >"$tmp/out" 2>"$tmp/err" &
	server=$!
	tries=0
	until [ -s "$tmp/out" ]; do
		tries=$((tries + 1))
		if [ "$tries" -gt 200 ] || ! kill -0 "$server" 2>/dev/null; then
			fail "no server: $(cat "$tmp/err")"
		fi
		sleep 0.05
	done
	port=$(sed -n 's/^vmem-cache: 127\.0\.0\.1:\([0-9]*\),.*/\1/p' "$tmp/out")
}

# stop -- it checks its pool at the end
stop()
{
	kill -TERM "$server"
	wait "$server" || fail "it ended with $?: $(cat "$tmp/err")"
	server=
	[ ! -s "$tmp/err" ] || fail "unexpected: $(cat "$tmp/err")"
	tail -n 1 "$tmp/out"
}

# what cannot be is told
for args in "-s 1M" "-s 12Q" "-d $tmp/none" "-p 65536" "-I 2G" "extra"; do
	# shellcheck disable=SC2086 # words
	if "$cache" $args >/dev/null 2>"$tmp/err"; then
		fail "'$args' was taken"
	fi
	[ -s "$tmp/err" ] || fail "'$args' was refused without a word"
done

# libmemcached's own test of servers, and its tools
if command -v memccapable >/dev/null; then
	start --size 32M
	memccapable -a -h 127.0.0.1 -p "$port" >"$tmp/log" 2>&1 ||
		fail "memccapable: $(cat "$tmp/log")"
	echo "memccapable: $(tail -n 1 "$tmp/log")"
	head -c 300000 /dev/urandom >"$tmp/file"
	memccp --servers="127.0.0.1:$port" "$tmp/file"
	memccat --servers="127.0.0.1:$port" --file="$tmp/back" file
	cmp "$tmp/file" "$tmp/back" || fail "another file came back"
	memcslap --servers="127.0.0.1:$port" --concurrency=4 \
		--execute-number=1000 --initial-load=1000 --test=get >/dev/null
	stop
else
	echo "memccapable: not here (libmemcached-tools)"
fi

# python's client, and clients without manners
python=
for candidate in python3 /usr/bin/python3; do
	if "$candidate" -c 'import pymemcache' 2>/dev/null; then
		python=$candidate
		break
	fi
done
if [ -z "$python" ]; then
	echo "skipped: no python3 with pymemcache"
	exit 77
fi
start --size 16M --max-value 512K --connections 100
"$python" "$src/examples/test-cache.py" "$port" "$server" ||
	fail "$(cat "$tmp/err")"
stop
