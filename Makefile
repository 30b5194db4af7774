# One word per task. `make demo` and `make test` work on a fresh Debian machine with Swift 6.2 or later.
SWIFT ?= swift
PREFIX ?= /usr/local

.PHONY: demo build release test test-long mutants bench bench-tools check-print e2e lint format bootstrap install clean

build: ; @scripts/bootstrap build; $(SWIFT) build

release: ; @scripts/bootstrap build; $(SWIFT) build -c release --static-swift-stdlib --product piflash

demo: build ; @scripts/demo "$$($(SWIFT) build --show-bin-path)/piflash"

# Everything CI runs, but for the style. Needs root for its loop devices. The last line tries the benchmark: it checks
# the cards that piflash and the others write, and tells no times.
test: bootstrap
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error
	$(SWIFT) test --skip-build --disable-xctest
	@Benchmarks/bench --smoke --piflash "$$($(SWIFT) build --show-bin-path)/piflash"

# Thousands of random edit sequences on FAT and ext4 volumes (some minutes): before a release, and after a change to
# the code of either.
test-long: bootstrap
	PIFLASH_LONG=1 $(SWIFT) test --disable-xctest --filter 'FATVolumePropertyTests|Ext4PropertyTests'

# Breaks the code on purpose, one fault at a time, and demands that a test fails (Tests/mutants; an hour). `make mutants
# MUTANTS="poison key-modes"` for some of them. Needs root, as the tests do.
mutants: bootstrap ; @SWIFT="$(SWIFT)" Tests/mutants/run $(MUTANTS)

# piflash beside dd, xz and bmaptool, cards as slow as real ones, racks (docs/performance.md); long, needs root.
# `make bench SIZE=512M ROUNDS=1` is quicker; BENCH takes further options of Benchmarks/bench.
SIZE ?= 2G
ROUNDS ?= 3
bench: release bench-tools
	@Benchmarks/bench --piflash "$$($(SWIFT) build -c release --show-bin-path)/piflash" --size $(SIZE) --rounds $(ROUNDS) $(BENCH)

bench-tools: ; @scripts/bootstrap bench

# Label sheets and hand-outs printed with Chromium, and judged by pdfinfo, pdftotext and zbarimg (half a minute): before
# a release, and after a change to their templates or to QR codes. The pages are in out/print, to look at.
check-print: build
	@scripts/bootstrap print
	@scripts/check-print "$$($(SWIFT) build --show-bin-path)/piflash"

# Real images, prepared by piflash and booted in QEMU; long. `make e2e E2E="hypriot trixie"` for some of them.
e2e: build
	@scripts/bootstrap e2e
	@Tests/e2e/run "$$($(SWIFT) build --show-bin-path)/piflash" $(E2E)

bootstrap: ; @scripts/bootstrap test

E2E_SCRIPTS = $(filter-out %.py %/recipes %/vendors,$(wildcard Tests/e2e/* Tests/e2e/vendors/*))
COMPILE = import pathlib, sys; [compile(pathlib.Path(name).read_text(), name, "exec") for name in sys.argv[1:]]
lint:
	$(SWIFT) format lint --strict -r -p Sources Tests Package.swift
	shellcheck scripts/* .ci/run Tests/swarm/rack $(E2E_SCRIPTS)
	/usr/bin/python3 -W error -c '$(COMPILE)' Benchmarks/bench Benchmarks/*.py Tests/mutants/run

format: ; $(SWIFT) format -i -r -p Sources Tests Package.swift

install: release
	install -D -m 755 "$$($(SWIFT) build -c release --show-bin-path)/piflash" $(DESTDIR)$(PREFIX)/bin/piflash

clean: ; $(SWIFT) package clean
