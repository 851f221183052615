#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measure real programs under several allocators

The programs are those of test/programs/.  In each round every allocator runs the
program once, and each round begins with another one; a round that is not counted
goes before.
"""
import argparse
import glob
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time

import report
from report import BASE, ORIGINAL, OURS, PEERS

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
HARNESS = os.path.join(TOP, "test", "programs", "harness.sh")
LIBRARY = os.path.join(TOP, "build", "release", "lib", "libvmmalloc.so.1")
# where tools/get-original leaves it
ORIGINAL_LIBRARY = os.path.join(TOP, "build", "original", "usr", "lib",
	"libvmmalloc.so.1")
THREADS = (2, 20, 200)
# of one process with a large heap: each has a pool that is reserved at once
HUGE_WORKS = ("memcached", "node", "sqlite", "threads", "xz", "zstd")
GNU_TIME = "/usr/bin/time"
# what would change the allocators
TAKEN_AWAY = ("LD_PRELOAD", "MALLOC_", "VMMALLOC_", "VMEM_", "MIMALLOC_",
	"TCMALLOC_", "GLIBC_TUNABLES")


class Progress:
	"""The one line that tells where it is, if somebody looks"""
	WIDTH = 30

	def __init__(self, total):
		self.total = total
		self.done = 0
		self.begin = time.monotonic()

	def show(self, text):
		if not sys.stderr.isatty():
			return
		bar = "#" * (self.WIDTH * self.done // self.total)
		sys.stderr.write("\r\033[K[%-*s] %3d %%, %d s, %s" % (
			self.WIDTH, bar, 100 * self.done // self.total,
			time.monotonic() - self.begin, text))
		sys.stderr.flush()

	@staticmethod
	def clear():
		if sys.stderr.isatty():
			sys.stderr.write("\r\033[K")
			sys.stderr.flush()


class Cgroup:
	"""Counts the most memory that all processes of a run have together

	What is counted are their pages, those of files that they read and write
	and those of pools in tmpfs included.  Where no group of our own can be
	made (not root, no memory controller) the figure is None.
	"""
	PEAKS = ("memory.peak", "memory.max_usage_in_bytes")

	def __init__(self):
		self.path = None
		for parent in self.parents():
			path = "%s/bench-programs-%d" % (parent, os.getpid())
			try:
				os.mkdir(path)
			except OSError:
				continue
			if self.peak_file(path):
				self.path = path
				os.rmdir(path)
				return
			os.rmdir(path)

	@staticmethod
	def parents():
		"""The groups that this process is in, on every hierarchy"""
		with open("/proc/self/mounts") as mounts:
			fields = [line.split() for line in mounts]
		roots = [field[1] for field in fields
			if field[2] == "cgroup2" or field[2] == "cgroup"
			and "memory" in field[3].split(",")]
		with open("/proc/self/cgroup") as groups:
			own = {line.strip().split(":", 2)[2] for line in groups}
		return [root + group for root in roots for group in own | {"/"}
			if os.path.isdir(root + group)]

	@classmethod
	def peak_file(cls, path):
		return next((name for name in cls.PEAKS
			if os.path.exists(os.path.join(path, name))), None)

	def begin(self):
		if self.path:
			os.mkdir(self.path)

	def enter(self):
		"""In the child"""
		if self.path:
			with open(self.path + "/cgroup.procs", "w") as file:
				file.write("0")

	def end(self):
		"""The figure in bytes"""
		if not self.path:
			return None
		name = self.peak_file(self.path)
		with open(os.path.join(self.path, name)) as file:
			peak = int(file.read())
		for _ in range(50):
			try:
				os.rmdir(self.path)
				break
			except OSError:
				# the last process of it is about to end
				time.sleep(0.1)
		return peak


class Contender:
	"""An allocator, and the memory that it works in"""
	def __init__(self, name, library, folder=None, works=None):
		self.name = name
		self.library = library
		self.folder = folder
		self.works = works

	def runs(self, work):
		return self.works is None or work.name.startswith(self.works)

	def environment(self):
		if not self.library:
			return {}
		return {"UNDER_LIBRARY": self.library,
			"UNDER_DIR": self.folder or ""}


def find_library(name):
	"""The path of a shared library that the linker knows"""
	output = subprocess.run(["/sbin/ldconfig", "-p"], text=True,
		stdout=subprocess.PIPE, check=False).stdout
	for line in output.splitlines():
		words = line.split()
		if words and words[0] == name:
			return words[-1]
	return None


def find_contenders(options):
	contenders = [Contender(BASE, None)]
	for name, file in zip(PEERS, ("libjemalloc.so.2", "libmimalloc.so.2",
			"libtcmalloc_minimal.so.4")):
		path = find_library(file)
		if path:
			path = os.path.realpath(path)
			contenders.append(Contender(name, path))
		else:
			print("left out: %s: no %s here" % (name, file))
	if os.path.exists(ORIGINAL_LIBRARY):
		contenders.append(Contender(ORIGINAL,
			os.path.realpath(ORIGINAL_LIBRARY), options.pools))
	else:
		print("left out: %s: see tools/get-original" % ORIGINAL)
	if not os.path.exists(options.library):
		sys.exit("measure: no %s: run make" % options.library)
	# a copy: it may be built anew meanwhile
	copy = os.path.join(options.work, "libvmmalloc.so.1")
	shutil.copyfile(options.library, copy)
	contenders.append(Contender(OURS, copy, options.pools))
	contenders.append(Contender(OURS + "/anon", copy, "anon"))
	if options.hugetlb:
		contenders.append(Contender(OURS + "/huge", copy,
			options.hugetlb, HUGE_WORKS))
	else:
		print("left out: %s/huge: no hugetlbfs" % OURS)
	wanted = options.contenders
	if wanted:
		wanted = [BASE] + wanted.split(",")
		contenders = [each for each in contenders
			if each.name in wanted]
	return contenders


class Work:
	"""One program with one amount of work"""
	def __init__(self, name, script, arguments=()):
		self.name = name
		self.script = script
		self.arguments = list(arguments)

	def command(self, *function):
		return ["bash", HARNESS, self.script, *function]

	def reason(self):
		"""Why it cannot be run; empty when it can"""
		return subprocess.run(self.command("reason"), check=True,
			text=True, stdout=subprocess.PIPE).stdout.strip()


def find_works(wanted):
	works = []
	for script in sorted(glob.glob(os.path.dirname(HARNESS) + "/*.sh")):
		with open(script) as file:
			if "\nwork() {" not in file.read():
				continue
		name = os.path.basename(script)[:-3]
		if name == "threads":
			works += [Work("threads-%d" % count, script,
				[str(count)]) for count in THREADS]
		else:
			works.append(Work(name, script))
	for name in wanted:
		if name not in [work.name for work in works]:
			sys.exit("measure: no program " + name)
	return [work for work in works if not wanted or work.name in wanted]


class Bench:
	def __init__(self, options):
		self.options = options
		self.cgroup = Cgroup()
		self.base = {name: value
			for name, value in os.environ.items()
			if not name.startswith(TAKEN_AWAY)}
		self.base["LEVEL"] = options.level
		self.base["INPUT"] = self.path("input")
		self.child = None

	def path(self, name):
		return os.path.join(self.options.work, name)

	def empty(self, name):
		path = self.path(name)
		shutil.rmtree(path, ignore_errors=True)
		os.mkdir(path)
		return path

	def start(self, command, environment):
		"""In an empty folder and a process group of its own"""
		def enter():
			os.setpgid(0, 0)
			self.cgroup.enter()

		if os.access(GNU_TIME, os.X_OK):
			command = [GNU_TIME, "-q", "-f", "%M", "-o",
				self.path("rss")] + command
		with open(self.path("out"), "wb") as out, \
				open(self.path("err"), "wb") as err:
			return subprocess.Popen(command, stdout=out, stderr=err,
				stdin=subprocess.DEVNULL, preexec_fn=enter,
				cwd=self.empty("here"),
				env={**self.base, **environment})

	def largest(self):
		"""Bytes that the largest process of the last run had

		Not what wait4() says: that is no less than this process has.
		"""
		if not os.path.exists(self.path("rss")):
			return None
		with open(self.path("rss")) as file:
			return int(file.read()) * 1024

	def run(self, command, environment):
		"""The figures of one run, or what went wrong as text"""
		self.cgroup.begin()
		begin = time.monotonic()
		self.child = self.start(command, environment)
		_, status, usage = os.wait4(self.child.pid, 0)
		seconds = time.monotonic() - begin
		self.child.returncode = os.waitstatus_to_exitcode(status)
		code = self.child.returncode
		self.child = None
		peak = self.cgroup.end()
		if code != 0:
			with open(self.path("err")) as err:
				last = err.read().strip().split("\n")[-1]
			return "exit code %d: %s" % (code, last[:200])
		return {"seconds": seconds,
			"cpu": usage.ru_utime + usage.ru_stime,
			"rss": self.largest(), "tree": peak}

	def run_work(self, work, who):
		found = self.run(work.command("work", *work.arguments),
			who.environment())
		# huge pages are in none of the kernel's counts of a process
		if who.name.endswith("/huge") and not isinstance(found, str):
			found["rss"] = found["tree"] = None
		return found

	def stop(self, signal_number, frame):
		if self.child:
			os.killpg(self.child.pid, signal.SIGKILL)
			os.wait4(self.child.pid, 0)
			self.cgroup.end()
		sys.exit(128 + signal_number)

	def measure(self, work, contenders, progress):
		"""By the name of the contender: figures of rounds, or a text"""
		self.empty("input")
		progress.show("%s: prepare" % work.name)
		failed = self.run(work.command("prepare"), {})
		if isinstance(failed, str):
			return {each.name: failed for each in contenders}
		contenders = [each for each in contenders if each.runs(work)]
		figures = {each.name: [] for each in contenders}
		# round 0 is not counted
		for number in range(self.options.rounds + 1):
			first = number % len(contenders)
			for who in contenders[first:] + contenders[:first]:
				if isinstance(figures[who.name], str):
					continue
				progress.show("%s: round %d of %d: %s" % (
					work.name, number, self.options.rounds,
					who.name))
				found = self.run_work(work, who)
				if isinstance(found, str):
					figures[who.name] = found
				elif number > 0:
					figures[who.name].append(found)
		progress.clear()
		return figures


def parse():
	parser = argparse.ArgumentParser(prog="run",
		description="Times of real programs under several allocators.")
	parser.add_argument("--rounds", type=int, metavar="N",
		default=int(os.environ.get("ROUNDS") or 5))
	parser.add_argument("--quick", dest="level", action="store_const",
		const="quick", default="bench",
		help="little work, to see that it runs")
	parser.add_argument("--json", metavar="FILE",
		help="written after each program; a run that was broken off "
		"goes on from there")
	parser.add_argument("--anew", action="store_true",
		help="do not go on with a run that was broken off")
	parser.add_argument("--plots", metavar="FOLDER")
	parser.add_argument("--contenders", metavar="NAME,...",
		help="some of %s, %s, %s, %s/anon, %s/huge" % (
			", ".join(PEERS), ORIGINAL, OURS, OURS, OURS))
	parser.add_argument("--library", metavar="FILE", default=LIBRARY,
		help="ours, when not that of build/release")
	# what the script that starts this has made
	for name in ("--pools", "--work"):
		parser.add_argument(name, required=True,
			help=argparse.SUPPRESS)
	parser.add_argument("--hugetlb", help=argparse.SUPPRESS)
	parser.add_argument("program", nargs="*")
	return parser.parse_args()


def checksum(path):
	with open(path, "rb") as file:
		return hashlib.sha256(file.read()).hexdigest()[:16]


def measure_all(bench, works, contenders, results, keep):
	"""Into results, what is not there yet; keep() after each"""
	names = [each.name for each in contenders]
	progress = Progress(max(1, len(works)))
	for work in works:
		reason = work.reason()
		if reason:
			print("%-16s left out: %s" % (work.name, reason))
		elif work.name not in results:
			results[work.name] = bench.measure(work, contenders,
				progress)
			keep()
		if work.name in results:
			report.show_work(work.name, results[work.name], names)
		progress.done += 1


def main():
	options = parse()
	bench = Bench(options)
	signal.signal(signal.SIGTERM, bench.stop)
	signal.signal(signal.SIGINT, bench.stop)
	contenders = find_contenders(options)
	works = find_works(options.program)
	names = [each.name for each in contenders]
	machine = report.machine_of(options.level, options.rounds,
		{each.name: checksum(each.library) for each in contenders
			if each.library})
	results = {}
	if options.json and not options.anew:
		results = report.read_json(options.json, machine, names)

	def keep(is_whole=False):
		if options.json:
			report.write_json(options.json, machine, results, names,
				is_whole)

	if results:
		print("going on with the run in %s" % options.json)
	print("%s, median of %d; xN: %s is 1, less is better\n" % (
		report.FIELDS[0][3], options.rounds, BASE))
	report.row("", names)
	measure_all(bench, works, contenders, results, keep)
	report.show_rest(results, names)
	keep(True)
	if options.plots:
		report.draw(results, names, options.plots)
	return any(isinstance(rounds, str)
		for figures in results.values()
		for rounds in figures.values())


if __name__ == "__main__":
	sys.exit(main())
