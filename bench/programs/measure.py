#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Measure real programs under several allocators

The programs are those of test/programs/, and threads.sh of this folder.  In
each round every allocator runs the program once, and each round begins with
another one; a round that is not counted goes before.
"""
import argparse
import glob
import json
import math
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
HARNESS = os.path.join(TOP, "test", "programs", "harness.sh")
OURS = os.path.join(TOP, "build", "release", "lib", "libvmmalloc.so.1")
THREADS = (2, 20, 200)
MIB = 1 << 20
GNU_TIME = "/usr/bin/time"
# what would change the allocators
TAKEN_AWAY = ("LD_PRELOAD", "MALLOC_", "VMMALLOC_", "VMEM_", "MIMALLOC_",
	"TCMALLOC_", "GLIBC_TUNABLES")


def say(text):
	"""The one line that tells where it is, if somebody looks"""
	if sys.stderr.isatty():
		sys.stderr.write("\r\033[K" + text)
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
	def __init__(self, name, library):
		self.name = name
		self.library = library

	def environment(self, pools):
		if not self.library:
			return {}
		return {"UNDER_LIBRARY": self.library, "UNDER_DIR": pools}


def find_library(name):
	"""The path of a shared library that the linker knows"""
	output = subprocess.run(["/sbin/ldconfig", "-p"], text=True,
		stdout=subprocess.PIPE, check=False).stdout
	for line in output.splitlines():
		words = line.split()
		if words and words[0] == name:
			return words[-1]
	return None


def find_contenders(ours, scratch):
	contenders = [Contender("glibc", None)]
	for name, file in (("jemalloc", "libjemalloc.so.2"),
			("mimalloc", "libmimalloc.so.2"),
			("tcmalloc", "libtcmalloc_minimal.so.4")):
		path = find_library(file)
		if path:
			path = os.path.realpath(path)
			contenders.append(Contender(name, path))
		else:
			print("left out: %s: no %s here" % (name, file))
	if os.path.exists(ours):
		# a copy: it may be built anew meanwhile
		copy = os.path.join(scratch, "libvmmalloc.so.1")
		shutil.copyfile(ours, copy)
		contenders.append(Contender("vmmalloc", copy))
	else:
		print("left out: ours: no %s" % ours)
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
		works.append(Work(os.path.basename(script)[:-3], script))
	for count in THREADS:
		works.append(Work("threads-%d" % count,
			os.path.join(HERE, "threads.sh"), [str(count)]))
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
		return self.run(work.command("work", *work.arguments),
			who.environment(self.options.pools))

	def stop(self, signal_number, frame):
		if self.child:
			os.killpg(self.child.pid, signal.SIGKILL)
			os.wait4(self.child.pid, 0)
			self.cgroup.end()
		sys.exit(128 + signal_number)

	def measure(self, work, contenders):
		"""By the name of the contender: figures of rounds, or a text"""
		self.empty("input")
		say("%s: prepare" % work.name)
		failed = self.run(work.command("prepare"), {})
		if isinstance(failed, str):
			return {each.name: failed for each in contenders}
		figures = {each.name: [] for each in contenders}
		# round 0 is not counted
		for number in range(self.options.rounds + 1):
			first = number % len(contenders)
			for who in contenders[first:] + contenders[:first]:
				if isinstance(figures[who.name], str):
					continue
				say("%s: round %d of %d: %s" % (work.name,
					number, self.options.rounds, who.name))
				found = self.run_work(work, who)
				if isinstance(found, str):
					figures[who.name] = found
				elif number > 0:
					figures[who.name].append(found)
		say("")
		return figures


def ratio(figures, name, field="seconds"):
	"""The median over the rounds of NAME's figure by glibc's in them"""
	own, base = figures[name], figures["glibc"]
	if isinstance(own, str) or isinstance(base, str):
		return None
	if any(each[field] is None for each in own + base):
		return None
	return statistics.median(mine[field] / its[field]
		for mine, its in zip(own, base))


def median(rounds, field):
	values = [each[field] for each in rounds]
	return None if None in values else statistics.median(values)


def cell(figures, name, field, unit, form):
	if isinstance(figures[name], str):
		return "failed"
	value = median(figures[name], field)
	if value is None:
		return "-"
	text = form % (value / unit)
	if name == "glibc":
		return text
	by_glibc = ratio(figures, name, field)
	return text + (" x%.2f" % by_glibc if by_glibc else "")


def geometric_mean(values):
	values = [value for value in values if value]
	if not values:
		return None
	return math.exp(sum(map(math.log, values)) / len(values))


def table_row(first, cells):
	print("%-16s" % first + "".join("%16s" % each for each in cells))
	sys.stdout.flush()


def table_means(results, names, field):
	means = [geometric_mean([ratio(figures, name, field)
		for figures in results.values()]) for name in names]
	table_row("geometric mean",
		["x%.3f" % mean if mean else "-" for mean in means])
	return dict(zip(names, means))


def table_memory(results, names, field, title):
	if all(isinstance(rounds, str) or median(rounds, field) is None
			for figures in results.values()
			for rounds in figures.values()):
		return
	print("\n" + title)
	table_row("", names)
	for work, figures in results.items():
		table_row(work, [cell(figures, name, field, MIB, "%.0f")
			for name in names])
	table_means(results, names, field)


def json_rounds(figures, name):
	if isinstance(figures[name], str):
		return {"error": figures[name]}
	return {"rounds": figures[name], "ratio": ratio(figures, name)}


def write_json(path, options, contenders, means, results):
	with open(path, "w") as file:
		json.dump({
			"machine": {"kernel": platform.release(),
				"cpus": os.cpu_count(),
				"glibc": platform.libc_ver()[1]},
			"rounds": options.rounds, "level": options.level,
			"contenders": {each.name: each.library
				and os.path.basename(each.library)
				for each in contenders},
			"geometric_means": means,
			"results": {work: {name: json_rounds(figures, name)
				for name in figures}
				for work, figures in results.items()},
		}, file, indent=1)
		file.write("\n")


def parse():
	parser = argparse.ArgumentParser(prog="run",
		description="Times of real programs under several allocators.")
	parser.add_argument("--rounds", type=int, metavar="N",
		default=int(os.environ.get("ROUNDS") or 5))
	parser.add_argument("--quick", dest="level", action="store_const",
		const="quick", default="bench",
		help="little work, to see that it runs")
	parser.add_argument("--json", metavar="FILE")
	parser.add_argument("--library", metavar="FILE", default=OURS,
		help="ours, when not that of build/release")
	# what the script that starts this has made
	for name in ("--pools", "--work"):
		parser.add_argument(name, required=True,
			help=argparse.SUPPRESS)
	parser.add_argument("program", nargs="*")
	return parser.parse_args()


def main():
	options = parse()
	bench = Bench(options)
	signal.signal(signal.SIGTERM, bench.stop)
	signal.signal(signal.SIGINT, bench.stop)
	contenders = find_contenders(options.library, options.work)
	names = [each.name for each in contenders]
	results = {}
	print("seconds, median of %d; xN: glibc is 1, less is faster\n" %
		options.rounds)
	table_row("", names)
	for work in find_works(options.program):
		reason = work.reason()
		if reason:
			print("%-16s left out: %s" % (work.name, reason))
			continue
		figures = bench.measure(work, contenders)
		results[work.name] = figures
		table_row(work.name, [cell(figures, name, "seconds", 1, "%.2f")
			for name in names])
		for name, rounds in figures.items():
			if isinstance(rounds, str):
				print("    %s: %s" % (name, rounds))
	means = table_means(results, names, "seconds")
	table_memory(results, names, "rss",
		"MiB that the largest process had in memory")
	table_memory(results, names, "tree",
		"MiB of all processes, with their files and pools in tmpfs")
	if options.json:
		write_json(options.json, options, contenders, means, results)
	return any(isinstance(rounds, str)
		for figures in results.values()
		for rounds in figures.values())


if __name__ == "__main__":
	sys.exit(main())
