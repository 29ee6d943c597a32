# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: demo test test-slow bench lint docs clean

help:
	@echo "make demo       a synthetic shop, the whole pipeline, a report"
	@echo "make test       every test that ends within minutes"
	@echo "make test-slow  the long ones"
	@echo "make bench      every benchmark, as tables"
	@echo "make lint       ruff, mypy --strict, the layer rule"
	@echo "make docs       write the pages that are made from the code"

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The lean core: no torch, no Spark.
$(VENV)/core.done: $(BIN)/python pyproject.toml constraints.txt
	$(PIP) install -c constraints.txt -e .
	@touch $@

# torch comes by pip and by the exact version in constraints.txt.
$(VENV)/test.done: $(VENV)/core.done
	$(PIP) install -c constraints.txt -e '.[test,deep]'
	@touch $@

# Spark is half a gigabyte: only the slow tests ask for it.
$(VENV)/slow.done: $(VENV)/test.done
	$(PIP) install -c constraints.txt -e '.[test,deep,spark]'
	@touch $@

demo: $(VENV)/core.done
	$(BIN)/holdfast demo demo-shop

test: $(VENV)/test.done lint
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: $(VENV)/slow.done
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/test.done
	$(BIN)/holdfast bench --all

lint: $(VENV)/test.done
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests
	$(BIN)/mypy
	$(BIN)/lint-imports

# Pages that are written from the code, and the executed notebook.
docs: $(VENV)/test.done
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/notebooks/build.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis demo-shop
