#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""server.py PORT-FILE [exhaust] -- answer on a free port until SIGTERM
server.py --ask PORT CONNECTIONS -- its client

The server forks a child for each connection.  With "exhaust" a child wants
more memory than there is, and says so.
"""
import hashlib
import os
import signal
import socket
import socketserver
import sys
from concurrent.futures import ThreadPoolExecutor

TABLE = {n: "entry %d" % n * 2 for n in range(20000)}


class Handler(socketserver.StreamRequestHandler):
	def handle(self):
		request = self.rfile.readline().decode().strip()
		try:
			answer = self.answer(int(request))
		except MemoryError:
			answer = "MemoryError"
		self.wfile.write((answer + "\n").encode())

	def answer(self, number):
		if "exhaust" in sys.argv:
			return "%d" % sum(map(len,
				[bytes(100000) for _ in range(10000)]))
		for key in range(number % 10, len(TABLE), 10):
			TABLE[key] = "changed %d" % (key * number)
		text = "".join(TABLE[key] for key in sorted(TABLE, key=str))
		return hashlib.sha256(text.encode()).hexdigest()


class Server(socketserver.ForkingTCPServer):
	block_on_close = True
	max_children = 6
	request_queue_size = 64

	def handle_error(self, request, client_address):
		raise SystemExit(1)


def serve(port_file):
	def stop(signal_number, frame):
		raise KeyboardInterrupt

	with Server(("127.0.0.1", 0), Handler) as server:
		signal.signal(signal.SIGTERM, stop)
		with open(port_file + ".new", "w") as stream:
			stream.write(str(server.server_address[1]))
		os.rename(port_file + ".new", port_file)
		try:
			server.serve_forever(poll_interval=0.05)
		except KeyboardInterrupt:
			pass


def ask(port, number):
	with socket.create_connection(("127.0.0.1", port)) as connection:
		connection.sendall(b"%d\n" % number)
		return connection.makefile().read().strip()


def ask_all(port, count):
	with ThreadPoolExecutor(4) as executor:
		answers = list(executor.map(ask, [port] * count, range(count)))
	print(len(answers), hashlib.sha256(repr(answers).encode()).hexdigest())
	print(*sorted(set(answers))[-1:])


if sys.argv[1] == "--ask":
	ask_all(int(sys.argv[2]), int(sys.argv[3]))
else:
	serve(sys.argv[1])
