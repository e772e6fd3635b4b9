# Everything is set up on first use. Needed beforehand: Python 3.11 or newer, cargo and make.
UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
VENV := .venv/bin

# Whatever is compiled, or says how; then Python, which is used where it is and compiled nowhere.
KERNEL := $(shell find kernel -type f -not -path "*/target/*" -not -path "*/veche_kernel/*" -not -name THIRD-PARTY.txt)
KERNEL_PYTHON := $(wildcard kernel/python/veche_kernel/*.py kernel/python/veche_kernel/*.pyi kernel/python/veche_kernel/py.typed)
COMETBFT := $(addprefix cometbft/,build.py go.mod go.sum) $(wildcard cometbft/*.go)
COMETBFT_PYTHON := $(addprefix cometbft/,hatch_build.py pyproject.toml veche_cometbft/__init__.py veche_cometbft/py.typed)
PYTHON := $(shell find src -type f -not -path "*/__pycache__/*")

.PHONY: setup cometbft demo demo-network test test-network fuzz check bench dist texts clean
setup: build/.setup

.uv/bin/uv:
	@echo "Setting up a private copy of uv in .uv"
	python3 -m venv .uv && .uv/bin/pip install --quiet uv==$(UV_VERSION)

build/.setup: pyproject.toml cometbft/pyproject.toml $(KERNEL) $(filter .uv/bin/uv,$(UV))
	@echo "Setting up: the kernel is compiled, which takes a minute or more and says nothing meanwhile"
	$(UV) sync --quiet --all-packages --all-extras --reinstall-package veche-kernel
	@mkdir -p build && touch $@

# What only a ledger of several institutions needs. Go comes with the set-up.
cometbft: build/.cometbft
build/.cometbft: build/.setup $(COMETBFT)
	@echo "Compiling CometBFT, which takes two minutes or more and says nothing meanwhile"
	$(VENV)/python cometbft/build.py
	@touch $@

# A city whose ledger one institution keeps: it needs nothing but the set-up. Then four institutions, which needs CometBFT.
demo: setup
	$(VENV)/veche demo build/demo --embedded

demo-network: setup cometbft
	$(VENV)/veche demo build/demo-network

test: setup cometbft check
	$(VENV)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# Stories of a network that take minutes: hosts are network namespaces where this machine allows it, and the clocks of some are wrong.
APART := $(shell unshare --map-root-user --net --mount true 2>/dev/null && echo unshare --map-root-user --net --mount)
test-network: setup cometbft
	$(APART) $(VENV)/pytest -m long --capture=no --verbose --durations=0 tests/network_long

# Tries far more of what is nearly right than `make test` does: each kind of case for so many seconds (tests/fuzz).
SECONDS := 600
fuzz: setup cometbft
	VECHE_FUZZ=$(SECONDS) $(VENV)/pytest -s tests/fuzz

check: setup
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/mypy --platform win32 --cache-dir .mypy_cache/win32 src
	$(VENV)/lint-imports

# Brings the catalogues of what people read up to date with the source: CONTRIBUTING.md, Words.
texts: setup
	$(VENV)/python tests/catalogues.py

# PARTS="networks" measures that part only; SIZES and NETWORK: see bench/__main__.py.
bench: setup cometbft
	$(UV) sync --quiet --all-packages --all-extras --group bench
	$(VENV)/python -m bench

# What a release is: wheels and sources of all packages, and the hashes of all that they need:
# verify.txt for whoever verifies, node.txt for a citizen's node, constraints.txt with CometBFT. On Linux the kernel is linked
# by zig against the C library of 2014, and maturin refuses what needs a newer one. Equal sources give equal wheels: times are
# those of 1980, and the binary names no folder of the machine that built it.
MANYLINUX := $(if $(filter Linux,$(shell uname -s)),--zig --compatibility manylinux2014)
dist: dist/constraints.txt
dist/constraints.txt: build/.kernel build/.cometbft-wheel pyproject.toml README.md LICENSE $(PYTHON)
	rm -rf dist
	$(UV) build --quiet --out-dir dist
	cp build/kernel/dist/* build/cometbft/dist/* dist
	for list in "veche verify" "veche[node] node" "veche[network] constraints"; do set -- $$list; \
	  echo "$$1==$$($(UV) version --short)" | $(UV) pip compile - --quiet --universal --python-version 3.11 --find-links dist \
	    --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --output-file dist/$$2.txt || exit; \
	done

build/.kernel: pyproject.toml LICENSE $(KERNEL) $(KERNEL_PYTHON) $(filter .uv/bin/uv,$(UV))
	rm -rf build/kernel/dist
	python3 kernel/third_party.py kernel/python/THIRD-PARTY.txt
	SOURCE_DATE_EPOCH=315532800 \
	RUSTFLAGS="$$(printf -- '--remap-path-prefix=%s=crates ' "$${CARGO_HOME:-$$HOME/.cargo}"/registry/src/*)" \
	$(UV) run --quiet --isolated --only-group dist maturin build --quiet --release --sdist $(MANYLINUX) \
	  --manifest-path kernel/python/Cargo.toml --target-dir build/kernel --out build/kernel/dist
	@touch $@

build/.cometbft-wheel: LICENSE $(COMETBFT) $(COMETBFT_PYTHON) $(filter .uv/bin/uv,$(UV))
	rm -rf build/cometbft/dist
	$(UV) run --quiet --isolated --only-group dist python cometbft/build.py --licences
	SOURCE_DATE_EPOCH=315532800 $(UV) run --quiet --isolated --only-group dist \
	  $(UV) build --quiet --package veche-cometbft --out-dir build/cometbft/dist
	rm -f build/cometbft/dist/.gitignore
	@touch $@

# Everything that any of the above has made, and nothing else.
clean:
	rm -rf build dist .venv .uv uv.lock kernel/target kernel/Cargo.lock kernel/python/THIRD-PARTY.txt
	rm -rf cometbft/THIRD-PARTY.txt cometbft/veche_cometbft/veche-cometbft
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . \( -name "*.so" -o -name "*.egg-info" \) -not -path "./.git/*" -prune -exec rm -rf {} +
