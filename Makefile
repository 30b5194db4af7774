# One word per task. `make demo` and `make test` work on a fresh Debian machine with Swift 6.2 or later; `make fresh` proves it.
SWIFT ?= scripts/swift
PREFIX ?= /usr/local

.PHONY: demo build release test fresh test-long mutants fuzz sanitize bench bench-tools check-print e2e e2e-clocks boots faults lint format bootstrap install clean

build: ; @scripts/bootstrap build && $(SWIFT) build

release: ; @scripts/bootstrap build && $(SWIFT) build -c release --static-swift-stdlib --product piflash

demo: build ; @scripts/demo "$$($(SWIFT) build --show-bin-path)/piflash"

# Needs root (it asks sudo) for loop devices, mounts and network namespaces.
test: bootstrap
	$(SWIFT) build --build-tests --explicit-target-dependency-import-check error
	@scripts/run-tests "$$($(SWIFT) build --show-bin-path)"

# The README's commands in a bare Debian 12 with Swift, by an ordinary user (docs in scripts/fresh), then `make boots` and
# `make faults`: what CI runs. It leaves this machine as it is.
fresh: ; @scripts/fresh --then 'make boots' 'make faults'

# Thousands of random edit sequences on FAT and ext4 volumes (some minutes): before a release, and after a change to
# the code of either.
test-long: bootstrap
	PIFLASH_LONG=1 $(SWIFT) test --disable-xctest --filter 'FATVolumePropertyTests|Ext4PropertyTests|FATDamageTests|Ext4DamageTests'

# Breaks the code on purpose, one fault at a time, and demands that a test fails (Tests/mutants; an hour). `make mutants
# MUTANTS="poison key-modes"` for some of them. Needs root, as the tests do.
mutants: bootstrap ; @SWIFT="$(SWIFT)" Tests/mutants/run $(MUTANTS)

# Fuzzes every parser of foreign bytes with libFuzzer (Tests/Fuzz/run; an hour on two processors with RUNS=200000). `make
# fuzz FUZZ="fat,ext4"` for some of them, SECONDS=60 for a limit each; KEEP=1 puts what it finds into Tests/Corpus.
RUNS ?= 100000
SECONDS ?= 0
fuzz: bootstrap ; @Tests/Fuzz/run --runs $(RUNS) --seconds $(SECONDS) $(if $(FUZZ),--only "$(FUZZ)") $(if $(KEEP),--keep)

# The tests that touch C with AddressSanitizer, those with threads with ThreadSanitizer (Tests/sanitize/run); each has a
# build of its own. `make sanitize SANITIZE=thread` for one of the two. Needs root, as the tests do.
sanitize: bootstrap ; @Tests/sanitize/run $(SANITIZE)

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

# Cards booted in containers: a rack of four flavours (two minutes, once its images are in the cache). Needs root (it asks
# sudo). `make boots BOOTS="cuts trixie --random 100"` cuts the power in first boots; Tests/boots/run --help has it all.
BOOTS ?= rack
boots: build
	@scripts/bootstrap boots
	@Tests/boots/run "$$($(SWIFT) build --show-bin-path)/piflash" $(BOOTS)

# Faults in the middle of what piflash does with cards and files, and power cuts (five minutes). Needs root (it asks sudo).
# `make faults FAULTS=10000 SEED=7` is for a release; FAULTS_RUN takes further options of Tests/faults/run, such as --only.
FAULTS ?= 500
SEED ?= 1
faults: build
	@scripts/bootstrap faults
	@Tests/faults/run "$$($(SWIFT) build --show-bin-path)/piflash" --faults $(FAULTS) --seed $(SEED) $(FAULTS_RUN)

# Racks whose clocks are wrong, without a time server; long. `make e2e-clocks E2E=years` for one of the two.
e2e-clocks: build
	@scripts/bootstrap e2e
	@Tests/e2e/clocks "$$($(SWIFT) build --show-bin-path)/piflash" $(E2E)

bootstrap: ; @scripts/bootstrap test

SCRIPTS = $(filter-out scripts/check-layers scripts/check-characters scripts/registries,$(wildcard scripts/*))
E2E_SCRIPTS = $(filter-out %.py %/recipes %/vendors,$(wildcard Tests/e2e/* Tests/e2e/vendors/*))
COMPILE = import pathlib, sys; [compile(pathlib.Path(name).read_text(), name, "exec") for name in sys.argv[1:]]
lint:
	@scripts/bootstrap lint
	$(SWIFT) format lint --strict -r -p Sources Tests Package.swift
	scripts/check-layers
	Tests/scripts/check-layers-test
	scripts/check-characters
	Tests/scripts/check-characters-test
	shellcheck $(SCRIPTS) .ci/run Tests/swarm/rack Tests/sanitize/run $(E2E_SCRIPTS) Tests/scripts/*-test
	/usr/bin/python3 -W error -c '$(COMPILE)' Benchmarks/bench Benchmarks/*.py scripts/check-layers scripts/check-characters scripts/registries Tests/mutants/run Tests/Fuzz/run \
		Tests/boots/run Tests/boots/*.py Tests/e2e/*.py Tests/faults/run Tests/faults/*.py

format: ; $(SWIFT) format -i -r -p Sources Tests Package.swift

install: release
	install -D -m 755 "$$($(SWIFT) build -c release --show-bin-path)/piflash" $(DESTDIR)$(PREFIX)/bin/piflash

clean: ; $(SWIFT) package clean
