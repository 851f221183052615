#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""unittests.py MODULE... -- run modules of Python's own test package

Prints a line for each of them, without times, and the names of what failed:
what is the same in every run.
"""
import sys
import unittest
import warnings

from test import support


def run(module):
	name = "test." + module
	result = unittest.TestResult()
	try:
		suite = unittest.defaultTestLoader.loadTestsFromName(name)
		suite.run(result)
	except unittest.SkipTest as reason:
		print(f"{module}: skipped: {reason}")
		return
	print(f"{module}: {result.testsRun} run, {len(result.skipped)} skipped")
	for kind, found in (("failed", result.failures),
			("error", result.errors)):
		for test, text in found:
			print(f"{module}: {kind}: {test}")
			print(text, file=sys.stderr)
	sys.stdout.flush()


if __name__ == "__main__":
	warnings.simplefilter("ignore")
	support.verbose = 0
	# nothing that takes long, much memory or a network
	support.use_resources = ()
	for argument in sys.argv[1:]:
		run(argument)
