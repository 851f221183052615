#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test-cache.py PORT PID -- talk to a vmem-cache of 16 MiB, as friend and foe

The server takes values of 512 KiB and 100 clients; its process is PID.
"""
import os
import random
import socket
import sys
import time
import unittest

from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheServerError

PORT, PID = int(sys.argv[1]), int(sys.argv[2])
VALUE_MAX = 512 << 10
CLIENTS_MAX = 100
SEED = int(os.environ.get("VMEM_TEST_SEED", random.randrange(1 << 32)))


def connect():
	return socket.create_connection(("127.0.0.1", PORT), timeout=30)


def talk(data):
	"""Send bytes, and nothing after them; all that comes back."""
	with connect() as connection:
		connection.sendall(data)
		connection.shutdown(socket.SHUT_WR)
		answer = b""
		while piece := connection.recv(1 << 16):
			answer += piece
		return answer


def resident():
	"""What the server has in memory of its own, in bytes."""
	with open("/proc/%d/status" % PID) as status:
		for line in status:
			if line.startswith("RssAnon:"):
				return int(line.split()[1]) << 10
	raise AssertionError("no RssAnon")


class Case(unittest.TestCase):
	def setUp(self):
		self.client = Client(("127.0.0.1", PORT), timeout=30,
			default_noreply=False)
		self.client.flush_all()

	def tearDown(self):
		# whatever was done to it, it serves; a flush may be planned
		self.client.flush_all()
		self.assertTrue(self.client.set("after", b"all"))
		self.assertEqual(self.client.get("after"), b"all")
		self.client.quit()

	def stat(self, name):
		return self.client.stats()[name.encode()]

	def wait_until_alone(self):
		"""The server may be busy with clients that have gone."""
		limit = time.monotonic() + 60
		while self.stat("curr_connections") > 1:
			self.assertLess(time.monotonic(), limit)
			time.sleep(0.01)


class Commands(Case):
	def test_store(self):
		c = self.client
		self.assertIsNone(c.get("key"))
		self.assertFalse(c.replace("key", b"0"))
		self.assertTrue(c.add("key", b"1"))
		self.assertFalse(c.add("key", b"2"))
		self.assertTrue(c.replace("key", b"3"))
		self.assertTrue(c.append("key", b"45"))
		self.assertTrue(c.prepend("key", b"12"))
		self.assertEqual(c.get("key"), b"12345")
		self.assertTrue(c.set("key", b""))
		self.assertTrue(c.append("key", b"more"))
		self.assertEqual(c.get("key"), b"more")
		self.assertFalse(c.append("none", b"x"))
		self.assertTrue(c.delete("key"))
		self.assertFalse(c.delete("key"))

	def test_values_are_any_bytes_of_any_size(self):
		for size in 0, 1, 15, 4096, 100000, VALUE_MAX:
			value = random.randbytes(size)
			self.assertTrue(self.client.set("v%d" % size, value))
			self.assertEqual(self.client.get("v%d" % size), value)
		self.assertTrue(self.client.set("lines", b"END\r\nget a\r\n"))
		self.assertEqual(self.client.get("lines"), b"END\r\nget a\r\n")

	def test_flags(self):
		self.assertEqual(talk(b"set f 4294967295 0 1\r\nx\r\nget f\r\n"),
			b"STORED\r\nVALUE f 4294967295 1\r\nx\r\nEND\r\n")

	def test_many_keys(self):
		values = {"key%d" % i: b"%d" % i for i in range(1000)}
		self.assertEqual(self.client.set_many(values), [])
		asked = list(values) + ["none%d" % i for i in range(1000)]
		self.assertEqual(self.client.get_many(asked), values)

	def test_cas(self):
		c = self.client
		self.assertIsNone(c.cas("key", b"x", b"1"))
		c.set("key", b"1")
		value, unique = c.gets("key")
		self.assertEqual(value, b"1")
		self.assertTrue(c.cas("key", b"2", unique))
		self.assertFalse(c.cas("key", b"3", unique))
		self.assertEqual(c.get("key"), b"2")

	def test_counting(self):
		c = self.client
		self.assertIsNone(c.incr("n", 1))
		c.set("n", b"9")
		self.assertEqual(c.incr("n", 1), 10)
		self.assertEqual(c.decr("n", 3), 7)
		self.assertEqual(c.decr("n", 8), 0)
		self.assertEqual(c.get("n"), b"0")
		c.set("n", b"18446744073709551615")
		self.assertEqual(c.incr("n", 3), 2)
		self.assertIn(b"non-numeric", talk(b"set n 0 0 1\r\nx\r\n"
			b"incr n 1\r\nset n 0 0 0\r\n\r\nincr n 1\r\n"))

	def test_expiry(self):
		c = self.client
		c.set("past", b"x", expire=-1)
		self.assertIsNone(c.get("past"))
		c.set("past", b"x", expire=int(time.time()) - 10)
		self.assertIsNone(c.get("past"))
		c.set("future", b"x", expire=int(time.time()) + 1000)
		c.set("soon", b"x", expire=1)
		c.set("touched", b"x", expire=1)
		c.set("later", b"x", expire=1000)
		self.assertEqual(c.get("soon"), b"x")
		self.assertTrue(c.touch("touched", expire=1000))
		self.assertFalse(c.touch("none", expire=1000))
		self.assertTrue(c.touch("later", expire=1))
		limit = time.monotonic() + 60
		while c.get("soon") or c.get("later"):
			self.assertLess(time.monotonic(), limit)
			time.sleep(0.05)
		self.assertEqual(c.get("touched"), b"x")
		self.assertEqual(c.get("future"), b"x")

	def test_flush(self):
		c = self.client
		c.set("key", b"x")
		c.flush_all(delay=1000)
		self.assertEqual(c.get("key"), b"x")
		c.flush_all(delay=1)
		limit = time.monotonic() + 60
		while c.get("key"):
			self.assertLess(time.monotonic(), limit)
			time.sleep(0.05)
		c.set("key", b"x")
		c.flush_all()
		self.assertIsNone(c.get("key"))
		self.assertEqual(self.stat("curr_items"), 0)
		self.assertEqual(self.stat("bytes"), 0)

	def test_noreply_says_nothing(self):
		self.assertEqual(talk(
			b"set a 0 0 1 noreply\r\n1\r\nadd a 0 0 1 noreply\r\n2\r\n"
			b"incr a 4 noreply\r\ntouch a 0 noreply\r\n"
			b"append a 0 0 1 noreply\r\n6\r\nget a\r\n"
			b"delete a noreply\r\nflush_all noreply\r\nget a\r\n"),
			b"VALUE a 0 2\r\n56\r\nEND\r\nEND\r\n")

	def test_others(self):
		self.assertRegex(self.client.version(), rb"^\d+\.\d+\.\d+$")
		self.assertEqual(talk(b"verbosity 1\r\n"), b"OK\r\n")
		self.assertEqual(talk(b"quit\r\nversion\r\n"), b"")
		self.assertEqual(self.stat("threads"), 1)


class Room(Case):
	def test_least_recently_used_go_first(self):
		random.seed(SEED)
		c, values = self.client, {}
		before = self.stat("evictions")
		c.set("hot", b"stays")
		for i in range(6000):
			key = "key%d" % i
			values[key] = random.randbytes(random.randint(0, 16000))
			self.assertTrue(c.set(key, values[key]))
			if i % 100 == 0:
				self.assertEqual(c.get("hot"), b"stays")
		self.assertGreater(self.stat("evictions"), before)
		found = {}
		for i in range(0, 6000, 50):
			found.update(c.get_many(
				["key%d" % j for j in range(i, i + 50)]))
		for key, value in found.items():
			self.assertEqual(value, values[key])
		# nearly all of the pool holds values, and they are the last ones
		self.assertGreater(self.stat("bytes"), 11 << 20)
		first = min(int(key[3:]) for key in found)
		self.assertEqual(len(found), 6000 - first)

	def test_too_large(self):
		c = self.client
		c.set("key", b"old")
		with self.assertRaises(MemcacheServerError):
			c.set("key", bytes(VALUE_MAX + 1))
		self.assertIsNone(c.get("key"))
		c.set("key", bytes(VALUE_MAX))
		with self.assertRaises(MemcacheServerError):
			c.append("key", b"x")
		self.assertEqual(c.get("key"), bytes(VALUE_MAX))

	def test_random_work_agrees_with_a_model(self):
		random.seed(SEED)
		clients = [Client(("127.0.0.1", PORT), timeout=30,
			default_noreply=False) for _ in range(3)]
		model = {}
		for _ in range(4000):
			c = random.choice(clients)
			key = "k%d" % random.randrange(50)
			value = random.randbytes(random.randrange(2000))
			old = model.get(key)
			verb = random.choice(["get", "set", "add", "replace",
				"append", "prepend", "delete"])
			with self.subTest(seed=SEED, verb=verb, key=key):
				if verb == "get":
					self.assertEqual(c.get(key), old)
				elif verb == "delete":
					self.assertEqual(c.delete(key),
						old is not None)
					model.pop(key, None)
				else:
					fits = {"set": True, "add": old is None
						}.get(verb, old is not None)
					self.assertEqual(
						getattr(c, verb)(key, value), fits)
					if fits:
						model[key] = {
							"append": (old or b"") + value,
							"prepend": value + (old or b"")
						}.get(verb, value)
		self.assertEqual(self.stat("curr_items"), len(model))
		self.assertEqual(self.stat("bytes"),
			sum(map(len, model.values())))
		for c in clients:
			c.quit()


class Hostile(Case):
	def test_bad_lines_are_refused_and_their_data_skipped(self):
		for line in (b"", b" ", b"\0", b"bogus", b"get", b"gets",
				b"get " + b"k" * 251, b"get a\x01b",
				b"set", b"set a", b"set a 0 0", b"set a 0 0 -1",
				b"set a 0 0 x", b"set a 0 0 99999999999999999999",
				b"delete", b"delete a b c", b"incr a",
				b"incr a -1", b"incr a 18446744073709551616",
				b"touch a", b"touch a x", b"flush_all x",
				b"verbosity", b"stats noreply", b"GET a"):
			with self.subTest(line=line):
				self.assertRegex(talk(line + b"\r\nversion\r\n"),
					rb"^(CLIENT_)?ERROR[^\r]*\r\nVERSION ")
		for line in (b"set " + b"k" * 251 + b" 0 0 9",
				b"set a -1 0 9", b"set a 4294967296 0 9",
				b"set a 0 x 9", b"set a 0 0 9 more",
				b"cas a 0 0 9", b"cas a 0 0 9 x"):
			with self.subTest(line=line):
				self.assertRegex(talk(line +
					b"\r\nflush_all\r\nversion\r\n"),
					rb"^CLIENT_ERROR[^\r]*\r\nVERSION ")
		self.assertRegex(talk(b"set a 0 0 3\r\nabcdef\r\nversion\r\n"),
			rb"^CLIENT_ERROR bad data chunk\r\nERROR\r\nVERSION ")

	def test_lines_without_end(self):
		self.assertEqual(talk(b"get " + b"k" * 60000), b"")
		self.assertEqual(talk(b"k" * (1 << 16)),
			b"CLIENT_ERROR line too long\r\n")

	def test_data_that_never_come(self):
		self.assertEqual(talk(b"set a 0 0 100\r\nabc"), b"")
		self.assertIn(b"too large", talk(b"set a 0 0 2147483647\r\nabc"))
		# a good request after more than is taken
		self.assertRegex(talk(b"set a 0 0 3000000\r\n" + bytes(3000000) +
			b"\r\nversion\r\n"), rb"too large for cache\r\nVERSION ")

	def test_byte_by_byte(self):
		with connect() as connection:
			connection.setsockopt(
				socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
			for byte in b"set slow 0 0 5\r\nvalue\r\nget slow\r\n":
				connection.sendall(bytes([byte]))
			connection.shutdown(socket.SHUT_WR)
			answer = b""
			while piece := connection.recv(3):
				answer += piece
		self.assertEqual(answer,
			b"STORED\r\nVALUE slow 0 5\r\nvalue\r\nEND\r\n")

	def test_noise(self):
		random.seed(SEED)
		words = [b"get", b"gets", b"set", b"add", b"cas", b"append", b"incr",
			b"decr", b"touch", b"delete", b"a", b"b", b"0", b"1",
			b"9", b"-1", b"noreply", b"\r\n", b"\n", b"\r", b" ",
			b"flush_all", b"stats", b"\0", b"18446744073709551615"]
		for _ in range(100):
			noise = b"".join(
				random.choice(words) + random.choice([b" ", b"\r\n"])
				if random.random() < 0.9 else
				random.randbytes(random.randrange(40))
				for _ in range(random.randrange(300)))
			talk(noise)
			with connect() as connection:  # and gone before the answer
				connection.sendall(noise)
		self.wait_until_alone()

	def test_who_asks_and_does_not_listen(self):
		value = random.randbytes(VALUE_MAX)
		self.client.set("k", value)
		before = resident()
		deaf = [connect() for _ in range(20)]
		for connection in deaf:
			# 15 GiB, by 60 KiB
			connection.sendall(b"get" + b" k" * 30000 + b"\r\n")
		self.assertEqual(self.client.get("k"), value)
		self.assertLess(resident() - before, 20 * 4 * VALUE_MAX)
		# one of them listens at last, for a while
		wanted = b"VALUE k 0 %d\r\n" % VALUE_MAX + value + b"\r\n"
		answer = b""
		while len(answer) < 3 * len(wanted):
			answer += deaf[0].recv(1 << 20)
		self.assertEqual(answer[:3 * len(wanted)], 3 * wanted)
		# requests that nobody reads the answers of
		deaf[0].close()
		with connect() as connection:
			connection.setblocking(False)
			try:
				for _ in range(10000):
					connection.send(b"stats\r\n" * 1000)
			except BlockingIOError:
				pass
			self.assertLess(resident() - before, 20 * 4 * VALUE_MAX)
		for connection in deaf:
			connection.close()

	def test_all_keys_of_a_line_are_answered_when_read_slowly(self):
		values = {"s%d" % i: random.randbytes(20000) for i in range(200)}
		self.client.set_many(values)
		expected = b"".join(b"VALUE %s 0 20000\r\n%s\r\n" %
			(key.encode(), value) for key, value in values.items())
		request = b"get " + " ".join(values).encode() + b"\r\n"
		self.assertEqual(talk(request + request),
			2 * (expected + b"END\r\n"))

	def test_too_many_clients(self):
		crowd = [connect() for _ in range(CLIENTS_MAX + 20)]
		self.assertEqual(crowd[-1].recv(100),
			b"ERROR Too many open connections\r\n")
		for connection in crowd:
			connection.close()
		self.wait_until_alone()
		self.assertGreater(self.stat("total_connections"), CLIENTS_MAX)


print("seed:", SEED)
unittest.main(argv=sys.argv[:1], verbosity=1)
