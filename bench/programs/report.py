# SPDX-License-Identifier: BSD-3-Clause
"""What the rounds of measure.py say: ratios, means, tables, JSON, plots

The figures of one program are a dictionary from contender to its rounds, or to
a text that says what went wrong.  A round has seconds, cpu (seconds of all
processes), rss (bytes of the largest process) and tree (bytes of all).
"""
import json
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys

BASE = "glibc"
OURS = "vmmalloc"
# its namesake, in the same pools
ORIGINAL = "original"
PEERS = ("jemalloc", "mimalloc", "tcmalloc")
OTHERS = (BASE,) + PEERS + (ORIGINAL,)
MIB = 1 << 20
# what is told: field, unit, form, headline
FIELDS = (
	("seconds", 1, "%.2f", "seconds from begin to end"),
	("cpu", 1, "%.2f", "seconds of processors, all processes together"),
	("rss", MIB, "%.0f", "MiB that the largest process had in memory"),
	("tree", MIB, "%.0f",
		"MiB of all processes, with their files and pools in tmpfs"),
)
# of bars, in the order of the contenders
COLOURS = ("#999999", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc3311",
	"#aa4499", "#332288")


def ratio(figures, name, field, base=BASE):
	"""The median over the rounds of NAME's figure by BASE's in them"""
	own, other = figures.get(name, ""), figures.get(base, "")
	if isinstance(own, str) or isinstance(other, str):
		return None
	if not own or any(not each[field] for each in own + other):
		return None
	return statistics.median(mine[field] / its[field]
		for mine, its in zip(own, other))


def median(rounds, field):
	values = [each[field] for each in rounds]
	return None if None in values else statistics.median(values)


def geometric_mean(values):
	values = [value for value in values if value]
	if not values:
		return None
	return math.exp(sum(map(math.log, values)) / len(values))


def mean_of(results, name, field, base=BASE):
	return geometric_mean([ratio(figures, name, field, base)
		for figures in results.values()])


def cell(figures, name, field, unit, form):
	rounds = figures.get(name)
	if rounds is None:
		return ""
	if isinstance(rounds, str):
		return "failed"
	value = median(rounds, field)
	if value is None:
		return "-"
	text = form % (value / unit)
	by_base = ratio(figures, name, field)
	if name != BASE and by_base:
		text += " x%.2f" % by_base
	return text


def row(first, cells):
	print("%-16s" % first + "".join("%14s" % each for each in cells))
	sys.stdout.flush()


def show_work(work, figures, names):
	"""The row of the first table, as soon as it is known"""
	field, unit, form, _ = FIELDS[0]
	row(work, [cell(figures, name, field, unit, form) for name in names])
	for name, rounds in figures.items():
		if isinstance(rounds, str):
			print("    %s: %s" % (name, rounds))


def show_means(results, names, field):
	means = [mean_of(results, name, field) for name in names]
	row("geometric mean",
		["x%.3f" % mean if mean else "-" for mean in means])


def is_known(results, field):
	return any(not isinstance(rounds, str) and
		median(rounds, field) is not None
		for figures in results.values() for rounds in figures.values())


def show_rest(results, names):
	"""All that is known only when all programs have been run"""
	show_means(results, names, FIELDS[0][0])
	for field, unit, form, title in FIELDS[1:]:
		if not is_known(results, field):
			continue
		print("\n" + title)
		row("", names)
		for work, figures in results.items():
			row(work, [cell(figures, name, field, unit, form)
				for name in names])
		show_means(results, names, field)
	print("\n%s by each other, geometric means: less than 1 is faster, or"
		" smaller" % OURS)
	for field, _, _, title in FIELDS:
		means = [(name, mean_of(results, OURS, field, name))
			for name in names if name in OTHERS]
		print("  %-60s" % title + ", ".join("%s %.3f" % each
			for each in means if each[1]))


def write_json(path, machine, results, names, is_whole):
	"""All of it; in one step, as it is written again and again"""
	with open(path + ".new", "w") as file:
		json.dump({
			"machine": machine,
			"whole": is_whole,
			# of the last 15 minutes, what is measured included
			"load": round(os.getloadavg()[2], 1),
			"contenders": names,
			# of seconds by ours, in programs that both end
			"ours_by": {name: mean_of(results, OURS, FIELDS[0][0],
					name) for name in names if name in OTHERS},
			# of seconds; then of all figures
			"geometric_means": {name: mean_of(results, name,
					FIELDS[0][0]) for name in names},
			"means": {field: {name: mean_of(results, name, field)
					for name in names}
				for field, _, _, _ in FIELDS},
			"results": results,
		}, file, indent=1)
		file.write("\n")
	os.rename(path + ".new", path)


def read_json(path, machine, names):
	"""The results of a run that was not ended, if it was one such as this"""
	try:
		with open(path) as file:
			found = json.load(file)
	except (OSError, ValueError):
		return {}
	if found["whole"] or found["machine"] != machine or \
			found["contenders"] != names:
		return {}
	return found["results"]


def machine_of(level, rounds, libraries):
	return {"kernel": platform.release(), "cpus": os.cpu_count(),
		"glibc": platform.libc_ver()[1], "level": level,
		"rounds": rounds, "libraries": libraries}


def plot_script(results, names, field, title):
	"""Bars of the ratios to BASE, a group for each program"""
	names = [name for name in names if name != BASE and
		mean_of(results, name, field)]
	rows = [(work, [ratio(figures, name, field) for name in names])
		for work, figures in results.items()]
	rows.append(("geometric mean", [mean_of(results, name, field)
		for name in names]))
	lines = ["set title '%s, by those of %s'" % (title, BASE),
		"set style data histograms",
		"set style histogram clustered gap 1",
		"set style fill solid 0.9 noborder", "set boxwidth 0.95",
		"set grid ytics", "set yrange [0:*<4]", "set xtics rotate by -35",
		"set key outside top horizontal", "set ylabel 'less is better'",
		"set arrow from graph 0, first 1 to graph 1, first 1 nohead "
		"dashtype 2", "$rows << END"]
	lines += ['"%s" %s' % (work, " ".join("%.4f" % value if value else "?"
		for value in values)) for work, values in rows]
	lines += ["END", "set datafile missing '?'"]
	lines.append("plot " + ", ".join(
		"$rows using %d:xtic(1) title '%s' linecolor rgb '%s'" % (
			column + 2, name, COLOURS[(column + 1) % len(COLOURS)])
		for column, name in enumerate(names)))
	return "\n".join(lines)


def draw(results, names, folder, suffixes=(".svg", ".png")):
	"""A plot of each field that is known; tells what has been drawn"""
	if not shutil.which("gnuplot"):
		print("no plots: there is no gnuplot")
		return
	for field, _, _, title in FIELDS:
		if not is_known(results, field):
			continue
		script = plot_script(results, names, field, title)
		path = os.path.join(folder, "programs-" + field)
		for terminal, suffix in (("svg size 1200,480 background "
				"rgb 'white' font 'sans,12'", ".svg"),
				("png size 1200,480", ".png")):
			if suffix not in suffixes:
				continue
			subprocess.run(["gnuplot"], check=True, text=True,
				input="set terminal %s\nset output '%s'\n%s\n" %
				(terminal, path + suffix, script))
		print("plot: %s%s" % (path, ", ".join(suffixes)))
