#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""test_vmem.py -- the package vmem, as a program uses it"""
import errno
import gc
import mmap
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import unittest

import numpy

import vmem

SEED = int(os.environ.get("VMEM_TEST_SEED", random.randrange(1 << 32)))


def allocated(pool):
	gc.collect()
	return pool.stats()["allocated"]


def header_fields():
	"""The members of struct vmem_stats, in order."""
	with open(os.path.join(os.path.dirname(__file__), "..", "..",
			"include", "libvmem_types.h")) as header:
		text = header.read()
	struct = re.search(r"struct vmem_stats {(.*?)^};", text,
		re.DOTALL | re.MULTILINE)
	return tuple(re.findall(r"^\tuint64_t (\w+);", struct[1], re.MULTILINE))


class PoolTest(unittest.TestCase):
	def setUp(self):
		self.pool = vmem.Pool(tempfile.gettempdir(), vmem.MIN_POOL)

	def test_empty(self):
		view = self.pool.empty(1000)
		self.assertIsInstance(view, memoryview)
		self.assertEqual((view.nbytes, view.format, view.readonly),
			(1000, "B", False))
		view[:5] = b"hello"
		self.assertEqual(bytes(view[:5]), b"hello")
		self.assertEqual(len(self.pool.empty(0)), 0)

	def test_zeros_and_copy(self):
		self.pool.empty(5000)[:] = b"x" * 5000
		self.assertEqual(self.pool.zeros(5000), bytes(5000))
		self.assertEqual(self.pool.copy(b"text"), b"text")
		numbers = numpy.arange(10, dtype="<u4")
		self.assertEqual(self.pool.copy(numbers), numbers.tobytes())
		with self.assertRaises(TypeError):
			self.pool.copy(numbers[::2])
		self.assertEqual(
			self.pool.copy(numpy.ascontiguousarray(numbers[::2])),
			numbers[::2].tobytes())

	def test_alignment(self):
		for shift in range(20):
			view = self.pool.empty(100, alignment=1 << shift)
			array = numpy.frombuffer(view, dtype="u1")
			self.assertEqual(array.ctypes.data % (1 << shift), 0)
		for wrong in -1, 0, 3, 48:
			with self.assertRaises(ValueError):
				self.pool.empty(100, alignment=wrong)

	def test_freed_with_the_last_view(self):
		before = allocated(self.pool)
		view = self.pool.empty(100000)
		self.assertGreaterEqual(allocated(self.pool), before + 100000)
		part = view[10:20]
		del view
		self.assertGreaterEqual(allocated(self.pool), before + 100000)
		part[0] = 1
		array = numpy.frombuffer(part, dtype="u1")
		del part
		self.assertEqual(array[0], 1)
		self.assertGreaterEqual(allocated(self.pool), before + 100000)
		del array
		self.assertEqual(allocated(self.pool), before)

	def test_numpy(self):
		array = numpy.frombuffer(self.pool.zeros(80000)).reshape(100, 100)
		array += numpy.eye(100)
		self.assertEqual(array.sum(), 100)
		self.assertEqual((array @ array).trace(), 100)

	def test_objects_keep_the_pool(self):
		view = self.pool.copy(b"still there")
		array = numpy.frombuffer(self.pool.zeros(800))
		with self.pool:
			pass
		self.assertTrue(self.pool.closed)
		self.pool = None
		gc.collect()
		array[:] = 1
		self.assertEqual((view, array.sum()), (b"still there", 100))

	def test_deleted_with_the_last_object(self):
		size = 64 << 20

		def mapped():
			gc.collect()
			with open("/proc/self/maps") as maps:
				return sum("(deleted)" in line for line in maps)

		before = mapped()
		pool = vmem.Pool(tempfile.gettempdir(), size)
		view = pool.empty(10)
		self.assertGreater(mapped(), before)
		pool.close()
		self.assertGreater(mapped(), before)
		del view
		self.assertEqual(mapped(), before)

	def test_closed(self):
		self.pool.close()
		self.pool.close()
		self.assertIn("closed", repr(self.pool))
		for call in (lambda: self.pool.empty(1), self.pool.stats,
				self.pool.check, self.pool.__enter__):
			with self.assertRaises(ValueError):
				call()

	def test_full(self):
		views = []
		with self.assertRaises(MemoryError):
			while True:
				views.append(self.pool.empty(100000))
		self.assertGreater(len(views), 120)
		for call in (lambda: self.pool.empty(1 << 40),
				lambda: self.pool.zeros((1 << 64) - 1)):
			with self.assertRaises(MemoryError):
				call()
		del views[:]
		self.assertEqual(len(self.pool.empty(1000000)), 1000000)
		self.assertTrue(self.pool.check())

	def test_numbers_that_make_no_sense(self):
		for wrong in -1, 1 << 64:
			with self.assertRaises(ValueError):
				self.pool.empty(wrong)
		with self.assertRaises(TypeError):
			self.pool.empty("1")

	def test_no_pool(self):
		temp = tempfile.gettempdir()
		for path, size, number in (
				("/nonexistent", vmem.MIN_POOL, errno.ENOENT),
				(temp, 1, errno.EINVAL),
				(__file__, vmem.MIN_POOL, errno.ENOTDIR)):
			with self.subTest(path=path, size=size):
				with self.assertRaises(OSError) as caught:
					vmem.Pool(path, size)
				self.assertEqual(caught.exception.errno, number)
				self.assertTrue(caught.exception.strerror)
		with self.assertRaises(ValueError):
			vmem.Pool(temp + "\0", vmem.MIN_POOL)
		with self.assertRaises(TypeError):
			vmem.Pool(None, vmem.MIN_POOL)

	def test_region(self):
		memory = mmap.mmap(-1, vmem.MIN_POOL)
		pool = vmem.Pool.in_region(memory)
		view = pool.copy(b"inside")
		self.assertTrue(pool.check())
		with self.assertRaises(BufferError):  # the pool is in there
			memory.close()
		pool.close()
		del pool
		self.assertEqual(view, b"inside")
		del view
		gc.collect()
		memory.close()
		with self.assertRaises(TypeError):
			vmem.Pool.in_region(bytes(vmem.MIN_POOL))
		with self.assertRaises(OSError):
			vmem.Pool.in_region(mmap.mmap(-1, 4096))

	def test_stats(self):
		stats = self.pool.stats()
		self.assertEqual(set(stats), set(vmem.STATS_FIELDS))
		self.assertEqual(vmem.STATS_FIELDS, header_fields())
		self.assertGreaterEqual(stats["size"], vmem.MIN_POOL)
		self.assertGreaterEqual(stats["mapped"], vmem.MIN_POOL)
		view = self.pool.empty(1 << 20)
		self.assertGreaterEqual(self.pool.stats()["large_allocated"],
			len(view))

	def test_threads(self):
		random.seed(SEED)

		def work(seed):
			choice = random.Random(seed)
			views = {}
			for _ in range(2000):
				key = choice.randrange(50)
				if key in views:
					view, byte = views.pop(key)
					if view != bytes([byte]) * len(view):
						failed.append(key)
				else:
					size, byte = choice.randrange(3000), key
					view = self.pool.empty(size)
					view[:] = bytes([byte]) * size
					views[key] = view, byte

		failed = []
		threads = [threading.Thread(target=work, args=(SEED + i,))
			for i in range(4)]
		for thread in threads:
			thread.start()
		for thread in threads:
			thread.join()
		self.assertEqual(failed, [], "seed %d" % SEED)
		self.assertTrue(self.pool.check())
		self.assertEqual(allocated(self.pool), 0)

	def test_forked_process_frees_nothing_of_its_parent(self):
		view = self.pool.copy(b"the parent's")
		before = allocated(self.pool)
		child = os.fork()
		if child == 0:
			try:
				del view
				own = self.pool.copy(b"the child's")
				del own
				self.pool.close()
				self.pool = None
				gc.collect()
				os._exit(0)
			finally:
				os._exit(1)
		self.assertEqual(os.waitpid(child, 0)[1], 0)
		self.assertEqual(allocated(self.pool), before)
		self.assertEqual(view, b"the parent's")
		self.assertTrue(self.pool.check())

	def test_end_of_the_interpreter(self):
		code = """if 1:
			import vmem, numpy, tempfile
			pool = vmem.Pool(tempfile.gettempdir(), vmem.MIN_POOL)
			array = numpy.frombuffer(pool.zeros(800))
			class Late:
				def __del__(self, array=array):
					array[:] = 1
			late = Late()
			late.cycle = late"""
		done = subprocess.run([sys.executable, "-c", code],
			capture_output=True, text=True)
		self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
	unittest.main(verbosity=1)
