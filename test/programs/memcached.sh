#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# memcached.sh -- memcached answers a load over loopback, and ends when told

needs memcached command -v memcached
needs python3 command -v python3
pool 256M
forks 0
tight 0 'SERVER_ERROR out of memory'

# start OPTION... -- sets $server, and $port when it listens
start() {
	local waited=0
	export MEMCACHED_PORT_FILENAME=$PWD/port
	"${UNDER[@]}" memcached -u "$(id -un)" -l 127.0.0.1 -p -1 -U 0 -t 4 \
		-m 128 "$@" &
	server=$!
	trap 'kill -KILL $server 2>/dev/null || :' EXIT
	until [ -s port ]; do
		kill -0 "$server" && [ $((waited += 1)) -lt 300 ] || return 1
		sleep 0.1
	done
	port=$(sed -n 's/^TCP INET: //p' port)
}

# stop -- as its service would be stopped
stop() {
	local status=0
	kill -TERM "$server"
	wait "$server" || status=$?
	trap - EXIT
	return $status
}

work() {
	start
	python3 "$PROGRAMS/load.py" "$port" "$(amount 20000 600000 160000)"
	stop
}

# -M: refusals, where it would else drop what was stored before
exhaust() {
	start -M
	python3 "$PROGRAMS/load.py" "$port" 20000 refusals
	stop
}
