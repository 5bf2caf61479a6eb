# Two commands set up a fresh machine and show that it works: `make demo` and `make test`.
# PYTHON chooses the interpreter of the virtual environment (3.11 or newer).

PYTHON ?= python3
CORES ?= all
BIN := .venv/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: help install demo test test-all lint format clean

help:
	@echo "make install   a virtual environment with everything in .venv: some minutes"
	@echo "make demo      install into .venv, then raw (synthetic) videos to results/table5.csv"
	@echo "make test      install into .venv, then the tests"
	@echo "make test-all  the tests with the long ones"
	@echo "make lint      ruff, mypy, snakefmt, snakemake --lint"
	@echo "make format    ruff and snakefmt rewrite the code"
	@echo "make clean     remove what the mini benchmark made, and the copies in results/"

.venv/installed: pyproject.toml envs/constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint envs/constraints.txt --editable '.[dev]'
	@touch $@

install: .venv/installed

demo: .venv/installed
	$(RUN) snakemake --cores $(CORES) results/table5.csv
	@cat results/table5.md
	@$(BIN)/python -c 'from rev2net.provenance import processor; print("Made on:", processor())'

test: .venv/installed
	$(RUN) pytest -n auto --dist loadfile -m "not slow"

test-all: .venv/installed
	$(RUN) pytest -n auto --dist loadfile

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(RUN) snakemake --lint

format: .venv/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

clean:
	rm -rf work/mini $(patsubst %/videos,%,$(wildcard work/data/*/videos)) results/mini results/*.csv results/*.md results/*.tex
