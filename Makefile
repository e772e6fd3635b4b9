# Everything is set up on first use. Needed beforehand: Python 3.11 or newer, cargo and make.
UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
VENV := .venv/bin

.PHONY: setup demo test check bench texts vectors clean
setup: build/.setup

.uv/bin/uv:
	@echo "Setting up a private copy of uv in .uv"
	python3 -m venv .uv && .uv/bin/pip install --quiet uv==$(UV_VERSION)

build/.setup: pyproject.toml $(shell find kernel \( -name "*.rs" -o -name "*.toml" \) -not -path "*/target/*") $(filter .uv/bin/uv,$(UV))
	$(UV) sync --quiet --all-packages --reinstall-package veche-kernel
	@mkdir -p build && touch $@

demo: setup
	$(VENV)/veche demo build/demo

test: setup check
	$(VENV)/pytest -n 2 --dist loadfile

check: setup
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports

# Brings the catalogues of what people read up to date with the source: CONTRIBUTING.md, Words.
texts: setup
	$(VENV)/python tests/catalogues.py

bench: setup
	$(UV) sync --quiet --all-packages --all-groups
	$(VENV)/python -m bench

clean:
	rm -rf build .venv .uv target kernel/target
