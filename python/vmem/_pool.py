# SPDX-License-Identifier: BSD-3-Clause
"""The class Pool."""
import ctypes
import os
import weakref

from ._library import STATS_FIELDS, Stats, error, lib


class _Owner:
	"""Deletes a pool when nobody refers to it any more.

	The Pool refers to it, and so does each live object of the pool.  A
	process that was forked shares the pool's memory with the one that made
	it, and so leaves it alone.
	"""

	def __init__(self, handle, region=None):
		self.handle = handle
		self._region = region  # the memory that the pool is in
		self._pid = os.getpid()

	# the defaults are there until the end of the interpreter, globals not
	def __del__(self, delete=lib.vmem_delete, getpid=os.getpid):
		if self._pid == getpid():
			delete(self.handle)


def _free(owner, address, pid, free=lib.vmem_free, getpid=os.getpid):
	"""Give an object back; one that a parent process made is the parent's."""
	if pid == getpid():
		free(owner.handle, address)


class Pool:
	"""A memory pool.

	path   a directory, whose file system has the memory; or a device DAX
	       node, which is taken whole
	size   bytes, at least vmem.MIN_POOL; reserved at once

	Raises OSError: no such path, too little space, too small, and so on.
	"""

	def __init__(self, path, size):
		self._owner = None
		name = os.fsencode(path)
		if b"\0" in name:
			raise ValueError("embedded null byte")
		handle = lib.vmem_create(name, _checked(size))
		if handle is None:
			raise error(path)
		self._owner = _Owner(handle)

	@classmethod
	def in_region(cls, buffer):
		"""A pool inside writable memory: an mmap.mmap, for example.

		It begins at a page of memory, and is the pool's until that is
		deleted.  Raises OSError.
		"""
		# pins the buffer, and refuses one that cannot be written
		region = (ctypes.c_char * memoryview(buffer).nbytes).from_buffer(
			buffer)
		handle = lib.vmem_create_in_region(
			ctypes.addressof(region), len(region))
		if handle is None:
			raise error()
		pool = cls.__new__(cls)
		pool._owner = _Owner(handle, region)
		return pool

	def close(self):
		"""Take no more requests; the pool goes with its last object.

		The end of a `with` block does this, and so does the end of the
		Pool itself.  Views that there are can be used on.
		"""
		self._owner = None

	@property
	def closed(self):
		return self._owner is None

	def __enter__(self):
		self._handle()
		return self

	def __exit__(self, *exc_info):
		self.close()

	def empty(self, nbytes, alignment=None):
		"""A writable memoryview of memory that may hold any bytes.

		It is aligned to 16 bytes (8, if it has less than 16), or to a
		power of two.  Raises MemoryError.
		"""
		handle = self._handle()
		if alignment is None:
			address = lib.vmem_malloc(handle, _checked(nbytes))
		elif alignment > 0 and alignment & (alignment - 1) == 0:
			address = lib.vmem_aligned_alloc(
				handle, _checked(alignment), _checked(nbytes))
		else:
			raise ValueError("alignment is no power of two")
		return self._view(address, nbytes)

	def zeros(self, nbytes):
		"""The same, all of it 0."""
		return self._view(
			lib.vmem_calloc(self._handle(), 1, _checked(nbytes)), nbytes)

	def copy(self, data):
		"""The same, a copy of the bytes of a contiguous buffer.

		Raises TypeError for one with gaps or in another order than
		C's: numpy.ascontiguousarray() makes it contiguous.
		"""
		source = memoryview(data).cast("B")
		view = self.empty(len(source))
		view[:] = source
		return view

	def stats(self):
		"""The figures of the pool: a dict of vmem.STATS_FIELDS."""
		stats = Stats()
		if lib.vmem_stats_get(self._handle(), ctypes.byref(stats),
				ctypes.sizeof(stats)) != 0:
			raise error()
		return {name: getattr(stats, name) for name in STATS_FIELDS}

	def check(self):
		"""Are the pool's metadata consistent?"""
		verdict = lib.vmem_check(self._handle())
		if verdict < 0:
			raise error()
		return verdict == 1

	def __repr__(self):
		return "<vmem.Pool %s>" % (
			"closed" if self.closed else "at %#x" % self._owner.handle)

	def _handle(self):
		owner = self._owner
		if owner is None:
			raise ValueError("operation on a closed pool")
		return owner.handle

	def _view(self, address, nbytes):
		if address is None:
			raise MemoryError(
				lib.vmem_errormsg().decode(errors="replace"))
		memory = (ctypes.c_char * nbytes).from_address(address)
		# with the last view of it the memory goes back; not at the end of
		# the interpreter, when somebody may still look at it
		weakref.finalize(memory, _free, self._owner, address,
			os.getpid()).atexit = False
		return memoryview(memory).cast("B")


def _checked(size):
	"""ctypes would take a negative number for a large one."""
	if not 0 <= size < 1 << 64:
		raise ValueError("%r is no size" % (size,))
	return size
