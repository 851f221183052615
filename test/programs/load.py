#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""load.py PORT OPERATIONS [refusals] -- a load for memcached

Four connections at once, each with keys of its own, so that the answers are
known.  With "refusals" they need not be right, and the kinds of them are
printed.
"""
import hashlib
import random
import socket
import sys
import threading

BATCH = 500


class Connection:
	def __init__(self, port, name):
		self.socket = socket.create_connection(("127.0.0.1", port))
		self.file = self.socket.makefile("rb", 1 << 20)
		self.random = random.Random(name)
		self.name = name
		self.kept = {}
		self.digest = hashlib.sha256()
		self.kinds = set()

	def command(self):
		"""The text of a command, and the answer that is right"""
		key = "%s-%d" % (self.name, self.random.randrange(2000))
		what = self.random.random()
		if what < 0.4:
			size = int(2 ** self.random.uniform(0, 13))
			value = self.random.randbytes(8) * (size // 8 + 1)
			self.kept[key] = value
			head = "set %s 0 0 %d\r\n" % (key, len(value))
			return head.encode() + value + b"\r\n", b"STORED\r\n"
		if what < 0.5:
			known = self.kept.pop(key, None) is not None
			answer = b"DELETED\r\n" if known else b"NOT_FOUND\r\n"
			return ("delete %s\r\n" % key).encode(), answer
		value = self.kept.get(key)
		answer = b"END\r\n"
		if value is not None:
			head = "VALUE %s 0 %d\r\n" % (key, len(value))
			answer = head.encode() + value + b"\r\n" + answer
		return ("get %s\r\n" % key).encode(), answer

	def send_batch(self, count):
		texts, answers = zip(*(self.command() for _ in range(count)))
		sending = threading.Thread(target=self.socket.sendall,
			args=(b"".join(texts),))
		sending.start()
		for answer in answers:
			got = self.file.read(len(answer))
			if got != answer:
				raise SystemExit("%s: wanted %r, got %r" % (
					self.name, answer[:60], got[:60]))
			self.digest.update(got)
		sending.join()

	def ask(self, operations):
		for first in range(0, operations, BATCH):
			self.send_batch(min(BATCH, operations - first))

	def count_kinds(self, operations):
		for n in range(operations):
			head = "set %s-%d 0 0 4000\r\n" % (self.name, n)
			text = head.encode() + b"x" * 4000 + b"\r\n"
			self.socket.sendall(text)
			self.kinds.add(self.file.readline().strip().decode())


def main():
	port, operations = int(sys.argv[1]), int(sys.argv[2])
	connections = [Connection(port, "c%d" % n) for n in range(4)]
	refusals = "refusals" in sys.argv
	threads = [threading.Thread(args=(operations // 4,),
		target=each.count_kinds if refusals else each.ask)
		for each in connections]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()
	for each in connections:
		if refusals:
			print(each.name, *sorted(each.kinds), sep="; ")
		else:
			print(each.name, len(each.kept),
				each.digest.hexdigest())


main()
