# One command each: `make demo` runs the main job offline, `make test` passes the tests; both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= demo-report
SECONDS ?= 60

.PHONY: demo test lint bench fuzz constraints samples clean

demo: $(VENV)/.run
	$(BIN)/apim-triage demo --out $(OUT)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --maxprocesses 4

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# Coverage-guided, where atheris has a wheel; CORPUS=folder keeps what it learns from run to run.
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(CORPUS),--corpus $(CORPUS))

samples: $(VENV)/.dev
	$(BIN)/python -m analyzer.lab.sample_logs

# Rewrites the pinned versions; run it when pyproject.toml asks for something new.
constraints: $(VENV)/.dev
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade \
		--extra arm --extra blob --group build pyproject.toml -o constraints.txt -q
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade \
		--extra arm --extra blob --extra notebook --group build --group dev pyproject.toml -o constraints-dev.txt -q

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "apim-triage needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: constraints.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: constraints-dev.txt $(VENV)/.run
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r constraints-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) $(OUT) build dist .pytest_cache .mypy_cache .ruff_cache
