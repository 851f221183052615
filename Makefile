# SPDX-License-Identifier: BSD-3-Clause
# The front door; CMakePresets.json and cmake/ say how things are built.
# `make help` lists the targets; DEPS=: never installs packages.

PREFIX ?= /usr/local
DEPS ?= tools/install-deps
MINUTES ?= 60
SECONDS ?= 60
STRICT = -DWERROR=$(if $(CI),ON,OFF)

# API tests that ask the emulator for nothing it lacks (mincore, limits, huge
# pages), and those besides that take the system's pages to be of 4 KiB.  Left
# out for its time alone: check, which passes in some minutes.
ARM_API = create|create_errors|errormsg|foreign|fork|free|misuse|realloc|strings|usable|version
ARM_API_4K = aligned|delete|library|overlap|stats

# $(call build,PRESET,OPTIONS) -- bring build/PRESET up to date
build = cmake --preset $(1) $(STRICT) $(2) >build/$(1).log || \
	{ cat build/$(1).log; exit 1; }; cmake --build --preset $(1)

.PHONY: all help demo test check-asan check-tsan check-valgrind check-yield \
	coverage lint format bench fuzz hardening install soak clean deps \
	test-programs bench-programs test-dax test-aarch64 dist test-package site \
	check-abi record-abi
.SILENT:

all: | build ## build the library, both flavours, and where cmocka is there the tests
	$(DEPS) build
	$(call build,release)

help: ## list the targets
	sed -n 's/^\([a-z0-9 -]*\):.*## /\1: /p' $(MAKEFILE_LIST)

demo: all ## show what the library does
	examples/demo.sh build/release

# the long tests and the sanitizers take half an hour, the others a fifth of that
test: | build ## run the tests; ALL=1: the long ones too, and under sanitizers
	$(DEPS) build test
	tools/get-original build/original || :
	$(call build,release,-DVMEM_TESTS=ON)
	$(if $(ALL),$(call build,asan,-DVMEM_TESTS=ON))
	$(if $(ALL),$(call build,tsan,-DVMEM_TESTS=ON))
	echo 'subdirs(release $(if $(ALL),asan tsan))' >build/CTestTestfile.cmake
	ctest --test-dir build -j2 --output-on-failure --no-label-summary \
		$(if $(ALL),,-LE '^long$$')

check-asan check-tsan check-valgrind check-yield: check-%: | build ## one kind of run
	$(DEPS) build test
	$(call build,$*,-DVMEM_TESTS=ON)
	ctest --preset $*

test-programs: all ## real programs with their heaps in pools; QUICK=1: less
	$(DEPS) -k programs
	test/programs/self-test
	test/programs/run $(if $(QUICK),--quick)

test-dax: | build ## real device DAX in a virtual machine; at most 4 minutes
	$(DEPS) build test dax
	$(call build,release,-DVMEM_TESTS=ON)
	test/dax/self-test
	test/dax/run

# QEMU's own signatures of pointers instead of QARMA: else each call that is
# protected costs a microsecond
test-aarch64: export QEMU_CPU := max,pauth-impdef=on
test-aarch64: | build ## unit and API tests for arm64 under QEMU, also 64K pages
	$(DEPS) build aarch64
	tools/arm64-sysroot build/arm64-sysroot
	$(call build,aarch64,-DVMEM_TESTS=ON)
	ctest --preset aarch64 -R '/unit/|/api/($(ARM_API)|$(ARM_API_4K))$$'
	QEMU_PAGESIZE=65536 ctest --preset aarch64 -R '/unit/|/api/($(ARM_API))$$' \
		-E 'backing_device|backing_twin|page_tree'

check-abi record-abi: %-abi: all ## compare the interface with abi/; record it
	$(DEPS) build test aarch64
	cmake --preset aarch64 -DVMEM_TESTS=OFF >build/aarch64.log
	cmake --build --preset aarch64 --target vmem vmmalloc >>build/aarch64.log
	tools/check-symbols $(if $(filter record,$*),--record) build/release
	tools/check-abi $(if $(filter record,$*),--record) build/release
	tools/check-abi $(if $(filter record,$*),--record) build/aarch64

bench-programs: all ## times of the same programs under several allocators
	$(DEPS) -k programs contenders
	mkdir -p build/bench
	bench/programs/run --json build/bench/programs.json --plots build/bench

dist: ## the release archive, of what is committed
	tools/make-dist

site: ## the documentation as pages for a browser, in build/site
	$(DEPS) site
	tools/make-site build/site
	tools/check-site build/site $$(tools/map-names src/libvmem/libvmem.map)

test-package: ## archive, Debian packages, a new user's first minute; root
	$(DEPS) build package
	tools/run-package

coverage lint bench: | build ## what tools/run-... of that name says
	$(DEPS) build test $@
	tools/run-$@

soak: | build ## everything again and again for MINUTES; ALONE=1: one process
	$(DEPS) build test $@
	MINUTES=$(MINUTES) tools/run-soak $(if $(ALONE),--alone)

hardening: | build ## attacks and costs of each level into docs/hardening.md
	$(DEPS) build test contenders
	$(call build,release,-DVMEM_TESTS=ON)
	test/attack/table.py build/release --write docs/hardening.md
	bench/levels/run --write docs/hardening.md build/release

fuzz: | build ## feed every fuzz target for SECONDS; FUZZER=afl: by AFL++
	$(DEPS) build fuzz
	SECONDS_IN_ALL=$(SECONDS) FUZZER=$(FUZZER) tools/run-fuzz

format: ## lay out every C file by .clang-format
	$(DEPS) lint
	tools/list-files c | xargs clang-format -i

install: all ## into PREFIX (/usr/local) under DESTDIR
	$(call build,release,-DCMAKE_INSTALL_PREFIX=$(PREFIX))
	cmake --install build/release
deps: ## install the packages that all targets together need
	$(DEPS) build test fuzz lint coverage bench programs contenders dax package site

build:
	mkdir -p $@

clean: ## remove what was built
	rm -rf build
