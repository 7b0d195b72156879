# Two commands: `make run` and `make test`. Both build their own environment in .venv from the lock file first.
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= data
CONFIG ?= config
PY := .venv/bin/python

.PHONY: run setup test test-setup shots check lock clean

run: setup
	@exec .venv/bin/minsheng run --host $(HOST) --port $(PORT) --data $(DATA) --config $(CONFIG)

setup: .venv/.ready

# pip 23.2, which Python 3.11 ships, fails with an internal error on extras that several of our dependencies share:
# it is upgraded inside the environment before anything else.
.venv/.ready: requirements.lock pyproject.toml package-lock.json
	@set -e; for p in python3 python3.13 python3.12 python3.11; do \
	  if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$p; break; fi; done; \
	if [ -z "$$found" ]; then echo '需要 Python 3.11 或更新版本；请先安装，再运行 make run。' >&2; exit 1; fi; \
	echo "正在准备运行环境（首次约一两分钟）……"; \
	[ -x $(PY) ] && $(PY) -c '' 2>/dev/null || { rm -rf .venv; $$found -m venv .venv; }
	@$(PY) -m pip install -q --disable-pip-version-check 'pip>=25.3'
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(PY) -m dashboards.assets
	@touch $@

test-setup: .venv/.ready-dev

.venv/.ready-dev: .venv/.ready requirements-dev.lock
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

test: test-setup
	@$(PY) -m pytest

# The pictures of the README, from a fresh sample town in a real browser.
shots: test-setup
	$(PY) benchmarks/shots.py

check: test-setup
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports

# After a change of pyproject.toml. The lock files name no host: the client asks whatever index the machine is set to.
COMPILE := $(PY) -m uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra engines --group build
lock: test-setup
	$(COMPILE) -o requirements.lock
	$(COMPILE) --extra train --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
