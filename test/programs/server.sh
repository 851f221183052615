#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# server.sh -- a TCP server that forks a child for each connection

needs python3 command -v python3
pool 64M
forks 2 3
forks_alone
tight 0 'MemoryError'

work() {
	local server status=0 waited=0
	"${UNDER[@]}" python3 "$PROGRAMS/server.py" port "$@" &
	server=$!
	trap 'kill -KILL $server 2>/dev/null || :' EXIT
	until [ -s port ]; do
		kill -0 "$server" && [ $((waited += 1)) -lt 300 ] || return 1
		sleep 0.1
	done
	python3 "$PROGRAMS/server.py" --ask "$(cat port)" \
		"$(amount 60 400 100)"
	kill -TERM "$server"
	wait "$server" || status=$?
	trap - EXIT
	return $status
}

exhaust() {
	work exhaust
}
