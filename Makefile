# Every target works on a fresh clone with nothing but Python 3.11 or later and make.
# `make PYTHON=/path/to/python3` chooses the interpreter.

PYTHONS := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet $(UPGRADE)
WORKERS := 2
TEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal
SUITABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
FIND_CHROMIUM := command -v chromium || command -v chromium-browser || command -v google-chrome
FIND_POSTGRESQL := test -n "$$LANTOA_TEST_POSTGRES" || command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null
BENCHMARKS := $(filter-out benchmarks/_%,$(wildcard benchmarks/*.py))

.PHONY: help run test check bench dev lock
.DELETE_ON_ERROR:

help:
	@echo "make run     start Lan Toa and print the address of the chat page"
	@echo "make test    run all tests, two at a time (WORKERS=4 on a larger machine)"
	@echo "make check   format, lint, types, import contracts, sizes, wording keys"
	@echo "make bench   measure it"
	@echo "make dev     prepare everything for a change"
	@echo "make lock    write the locks anew after a change of pyproject.toml (UPGRADE=--upgrade for newer versions)"

run: $(VENV)/run.stamp
	@exec $(BIN)/lantoa run

# Some tests need a Chromium or the server programs of PostgreSQL; where there are none they are left out and the last
# line says so.
test: $(VENV)/dev.stamp
	@kinds=""; said=""; \
	if ! ($(FIND_POSTGRESQL)) >/dev/null; then kinds="not postgresql"; \
		said="POSTGRESQL TESTS LEFT OUT: no server programs found. Install them (Debian: apt-get install postgresql) and run make test again. "; fi; \
	if ! ($(FIND_CHROMIUM)) >/dev/null; then kinds="$${kinds:+$$kinds and }not browser"; \
		said="$${said}BROWSER TESTS LEFT OUT: no Chromium found. Install it (Debian: apt-get install chromium) and run make test again."; fi; \
	if [ -z "$$kinds" ]; then exec $(TEST); fi; \
	status=0; $(TEST) -m "$$kinds" || status=$$?; \
	echo "$$said"; \
	exit $$status

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/checks

bench: $(VENV)/dev.stamp $(BENCHMARKS:benchmarks/%.py=bench.%)

bench.%: $(VENV)/dev.stamp
	$(BIN)/python -m benchmarks.$*

dev: $(VENV)/dev.stamp

lock: $(VENV)/dev.stamp
	$(LOCK) --group build -o requirements.lock
	$(LOCK) --group dev -c requirements.lock -o requirements-dev.lock

# The development lock holds everything of the other one, so it serves for both.
$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/pip
	@$(MAKE) --no-print-directory install FROM=requirements-dev.lock
	@touch $(VENV)/run.stamp $@

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/pip
	@$(MAKE) --no-print-directory install FROM=requirements.lock
	@touch $@

.PHONY: install
install:
	@echo "Installing what Lan Toa needs (once; it takes a few minutes on a slow line) ..."
	@$(PIP) install --quiet --require-hashes -r $(FROM)
	@$(PIP) install --quiet --no-build-isolation --no-deps --editable .

$(BIN)/pip:
	@for python in $(PYTHONS); do \
		if "$$python" -c '$(SUITABLE)' >/dev/null 2>&1; then exec "$$python" -m venv $(VENV); fi; \
	done; \
	echo "Lan Toa needs Python 3.11 or later with its venv module, and none was found." >&2; \
	echo "Debian, Ubuntu: apt-get install python3-venv. Others: https://www.python.org/downloads/" >&2; \
	echo "Cần Python 3.11 trở lên (kèm mô-đun venv). Cài xong, vui lòng chạy lại lệnh vừa rồi." >&2; \
	exit 1
