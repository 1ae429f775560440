# GhostStream. `make demo` shows what it does, `make test` runs every test there is.

CARGO ?= cargo
# The chroot of the headless desktop can be made by root only.
ROOT := $(shell [ "$$(id -u)" -eq 0 ] || echo sudo env HOME="$$HOME" PATH="$$PATH")

.PHONY: help demo test test-matrix test-vm audit bench fmt lint docs

help:
	@echo 'make demo    install what is missing, build, record ten seconds, say and show what was recorded'
	@echo 'make test    install what the tests need and run all of them'
	@echo 'make test-matrix   the same on newer Debian releases, with their FFmpeg and PipeWire'
	@echo 'make test-vm   the tests that need devices with DMA-BUFs or of v4l2loopback, in a virtual machine that has them'
	@echo 'make audit   licences, sources and known weaknesses of everything that is linked'
	@echo 'make bench   measure, beside other recorders'
	@echo 'make fmt     format the code'
	@echo 'make lint    check format and lints'
	@echo 'make docs    check and build the documentation'

demo:
	scripts/install-packages demo
	$(CARGO) build --release --locked --package ghoststream-cli --package testkit --bin ghoststream --bin look
	scripts/demo

# Doc tests come first, so that the summary of all other tests is the last word.
test:
	scripts/install-packages test
	$(ROOT) scripts/desktop-chroot
	$(CARGO) test --locked --workspace --doc
	@scripts/list-ignored
	$(CARGO) nextest run --locked --workspace --no-fail-fast
	@scripts/no-secrets

test-matrix:
	scripts/install-packages test
	$(ROOT) scripts/test-matrix

test-vm:
	scripts/install-packages vm
	$(ROOT) scripts/test-vm

audit:
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny
	$(CARGO) deny --workspace check bans licenses sources
	$(CARGO) deny --workspace check advisories

bench:
	scripts/install-packages bench
	$(ROOT) scripts/desktop-chroot
	$(CARGO) bench --locked --workspace
	$(CARGO) build --release --locked --package ghoststream-cli --package testkit --bins
	for name in stages nvenc high-rate start-stop peers soak camera outputs replay rtmp-latency; do target/release/bench $$name --keep || exit 1; done

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

docs:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps
