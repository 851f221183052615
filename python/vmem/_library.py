# SPDX-License-Identifier: BSD-3-Clause
"""libvmem.so.1 as it is, by ctypes; and its errors as exceptions.

VMEM_LIBRARY names another file to load.
"""
import ctypes
import os

_VERSION_NEEDED = 1, 2

#: What Pool.stats() tells, in the order of struct vmem_stats.
STATS_FIELDS = (
	"mapped", "allocated", "active", "free", "kept", "metadata",
	"small_allocated", "small_nmalloc", "small_ndalloc",
	"large_allocated", "large_nmalloc", "large_ndalloc",
	"heaps", "threads", "refused", "reclaims", "hardening",
	"size", "given_back", "no_memory",
)


class Stats(ctypes.Structure):
	_fields_ = [(name, ctypes.c_uint64) for name in STATS_FIELDS]


def _load():
	pointer, size = ctypes.c_void_p, ctypes.c_size_t
	functions = {
		"vmem_create": (pointer, ctypes.c_char_p, size),
		"vmem_create_in_region": (pointer, pointer, size),
		"vmem_delete": (None, pointer),
		"vmem_check": (ctypes.c_int, pointer),
		"vmem_stats_get": (
			ctypes.c_int, pointer, ctypes.POINTER(Stats), size),
		"vmem_malloc": (pointer, pointer, size),
		"vmem_calloc": (pointer, pointer, size, size),
		"vmem_aligned_alloc": (pointer, pointer, size, size),
		"vmem_free": (None, pointer, pointer),
		"vmem_errormsg": (ctypes.c_char_p,),
		"vmem_check_version": (
			ctypes.c_char_p, ctypes.c_uint, ctypes.c_uint),
	}
	lib = ctypes.CDLL(
		os.environ.get("VMEM_LIBRARY") or "libvmem.so.1", use_errno=True)
	wrong = lib.vmem_check_version
	wrong.restype = ctypes.c_char_p
	why = wrong(*_VERSION_NEEDED)
	if why is not None:
		raise ImportError(why.decode())
	for name, (result, *arguments) in functions.items():
		function = getattr(lib, name)
		function.restype = result
		function.argtypes = arguments
	return lib


lib = _load()


def error(path=None):
	"""The exception for a call that has just failed, in this thread."""
	number = ctypes.get_errno()
	text = lib.vmem_errormsg().decode(errors="replace")
	return OSError(number, text, path)
