#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""processes.py AMOUNT [exhaust] -- children by fork, and what they answer"""
import hashlib
import multiprocessing
import os
import sys
import threading


def digest(value):
	return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


def count_words(seed):
	"""Builds and drops many objects, and returns large ones"""
	words = {}
	state = seed
	for _ in range(20000):
		state = (state * 1103515245 + 12345) & 0x7FFFFFFF
		word = "w%d" % (state % 5000) * (1 + state % 3)
		words.setdefault(word, []).append(state)
	return sorted((word, len(seen)) for word, seen in words.items())[:500]


def use_pool(context, amount):
	with context.Pool(3) as pool:
		answers = pool.map(count_words, range(6 * amount), chunksize=2)
		lazy = list(pool.imap(len, [bytes(1 << n) for n in range(20)]))
	return digest((answers, lazy))


def produce(queue, who, count):
	for n in range(count):
		queue.put((who, n, bytes([who]) * (n % 3000)))


def use_queue(context, amount):
	queue = context.Queue(64)
	count = 400 * amount
	children = [context.Process(target=produce, args=(queue, who, count))
		for who in range(3)]
	for child in children:
		child.start()
	got = sorted((who, n, digest(data)) for who, n, data in
		(queue.get() for _ in range(3 * count)))
	for child in children:
		child.join()
	return digest((got, [child.exitcode for child in children]))


def nest(kept, depth):
	"""A child of a child of a child changes what it inherited"""
	reading, writing = os.pipe()
	child = os.fork()
	if child == 0:
		os.close(reading)
		for key in list(kept)[depth::7]:
			kept[key] = "changed %d in depth %d" % (key, depth)
		kept.update((key + 1000000 * depth, [key])
			for key in range(500))
		text = digest(sorted(kept.items(), key=repr))
		if depth > 0:
			text += nest(kept, depth - 1)
		with os.fdopen(writing, "w") as stream:
			stream.write(text)
		os._exit(0)
	os.close(writing)
	with os.fdopen(reading) as stream:
		text = stream.read()
	_, status = os.waitpid(child, 0)
	# what the child did is not seen here
	own = digest(sorted(kept.items(), key=repr))
	return "%s %d %s;" % (text, status, own)


def use_nested(amount):
	kept = {key: "value %d" % key * 3 for key in range(2000)}
	return digest([nest(dict(kept), 4) for _ in range(amount)])


def fork_among_threads(amount):
	"""Forks while other threads are inside of malloc and free"""
	stop = threading.Event()

	def churn(seed):
		kept = []
		while not stop.is_set():
			kept.append(bytearray(seed * 37 % 5000 + len(kept)))
			if len(kept) > 300:
				kept = kept[::3]

	threads = [threading.Thread(target=churn, args=(n,)) for n in range(4)]
	for thread in threads:
		thread.start()
	answers = []
	for n in range(15 * amount):
		reading, writing = os.pipe()
		child = os.fork()
		if child == 0:
			text = digest(["%d" % (n * k) * 5 for k in range(2000)])
			os.write(writing, text.encode())
			os._exit(n % 7)
		os.close(writing)
		with os.fdopen(reading) as stream:
			answers.append(stream.read())
		answers.append(os.waitpid(child, 0)[1])
	stop.set()
	for thread in threads:
		thread.join()
	return digest(answers)


def exhaust(_):
	return [bytearray(100000) for _ in range(10000)]


def main():
	amount = int(sys.argv[1])
	context = multiprocessing.get_context("fork")
	if "exhaust" in sys.argv:
		# the child's error is carried to the parent
		with context.Pool(1) as pool:
			pool.map(exhaust, [0])
	print("pool", use_pool(context, amount))
	print("queue", use_queue(context, amount))
	print("nested", use_nested(amount))
	print("threads", fork_among_threads(amount))


if __name__ == "__main__":
	main()
