# One environment (.venv) for everything. `make help` lists the targets.
#
#   PYTHON=python3.12 make setup       choose the interpreter (3.11 or newer)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check
WARM_CODE := import pandas, plotly.graph_objects, optuna.samplers, pyarrow.parquet, scipy.stats, \
	sklearn.datasets, PIL.Image, safetensors.torch, torch; \
	torch.optim.SGD(torch.nn.Linear(1, 1).parameters()).zero_grad()
# pip would compile every file of every package, most of which nobody imports: that is more than half
# of the time of an install. `warm` compiles what a run imports, by importing it.
INSTALL := $(PIP) install --quiet --no-compile
WARM := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c '$(WARM_CODE)'

# Tests run in several processes, one for each core up to four. A file's tests stay together, since
# they share what they made. `make test PARALLEL=` runs them in one process, in order.
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile

FOLDERS := automlc backends compiler grammar runtime spec
MAPPED := backends compiler grammar runtime spec
# TensorFlow's build without GPU code where there is one: a fifth of the download.
TENSORFLOW ?= $(if $(filter Linux-x86_64,$(shell uname -s)-$(shell uname -m)),tensorflow-cpu,tensorflow)
DEMO_RUN := runs/demo
DEMO_SOURCE := build/demo-best

.PHONY: help setup demo demo-keras test test-all check style format types layers links golden bench docs pages clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

# --- environment ------------------------------------------------------------------------------

setup: $(VENV)/.stamp-dev ## Make a development install in .venv.
	@echo "ready: $(BIN)/automlc"

# A stamp is younger than pyproject.toml only after a complete install, so an interrupted or
# outdated environment repairs itself and a good one costs nothing.
$(VENV)/.stamp-dev: pyproject.toml
	$(make-venv)
	@echo "installing automlc with its development tools into $(VENV) (a few minutes the first time)"
	@$(INSTALL) -e '.[dev]'
	@$(WARM)
	@touch $@

# What a demo needs and no more; a development install has it already.
$(VENV)/.stamp-demo: pyproject.toml
	@if [ $(VENV)/.stamp-dev -nt pyproject.toml ]; then exit 0; fi; \
	$(call make-venv-shell); \
	echo "installing automlc and PyTorch into $(VENV) (a few minutes the first time)"; \
	$(INSTALL) -e '.[pytorch]'; $(WARM)
	@touch $@

$(VENV)/.stamp-demo-keras: pyproject.toml
	@if [ $(VENV)/.stamp-dev -nt pyproject.toml ]; then exit 0; fi; \
	$(call make-venv-shell); \
	echo "installing automlc, Keras and TensorFlow into $(VENV) (several minutes the first time)"; \
	$(INSTALL) -e '.[keras]' $(TENSORFLOW)
	@touch $@

define make-venv-shell
if [ -z "$(PYTHON)" ]; then \
	echo "error: automlc needs Python 3.11 or newer; none is on PATH." >&2; \
	echo "  found: $$(python3 --version 2>&1 || true)" >&2; \
	echo "  help: install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; \
fi; \
"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "error: automlc needs Python 3.11 or newer; $(PYTHON) is $$("$(PYTHON)" --version 2>&1)." >&2; exit 1; }; \
"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "error: $(PYTHON) has no venv module. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(VENV)
endef

define make-venv
@$(call make-venv-shell)
endef

# --- the demonstration ------------------------------------------------------------------------

demo: $(VENV)/.stamp-demo ## Search on real data, then write the report and the source.
	$(call run-demo,examples/digits/task.yaml,$(DEMO_RUN),$(DEMO_SOURCE),PyTorch)

demo-keras: $(VENV)/.stamp-demo-keras ## The same search, written for Keras on TensorFlow.
	$(call run-demo,examples/keras/task.yaml,$(DEMO_RUN)-keras,$(DEMO_SOURCE)-keras,Keras)

define run-demo
@rm -rf $(2) $(3)
$(BIN)/automlc run $(1) --run-dir $(2) --workers 2
$(BIN)/automlc report $(2)
$(BIN)/automlc export $(2) --format source -o $(3)
@echo
@echo "the spec       $(1)"
@echo "the run        $(2)            (automlc status $(2); automlc why 3 $(2))"
@echo "the report     $(2)/report.html"
@echo "the best model $(2)/best"
@echo "its source     $(3)     (plain $(4): yours)"
endef

# --- checks -----------------------------------------------------------------------------------

test: $(VENV)/.stamp-dev ## Run every fast test.
	@$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-all: $(VENV)/.stamp-dev ## Run every test.
	@$(BIN)/python -m pytest $(PARALLEL)

check: style types layers test ## Style, types, layers, tests: what CI runs.

style: $(VENV)/.stamp-dev ## ruff: lint and format.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.stamp-dev ## Let ruff repair what it can.
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.stamp-dev links ## mypy --strict by true names.
	@$(BIN)/mypy

# Type checkers cannot follow the import hook of an editable install, so they see the packages
# through links that give every file its one true name.
links: ## Link the packages under build/links for type checkers and editors.
	@rm -rf build/links && mkdir -p build/links/automlc
	@for f in $(MAPPED); do ln -s ../../../$$f build/links/automlc/$$f; done
	@for f in automlc/*; do case $$f in *__pycache__) ;; *) ln -s ../../../$$f build/links/automlc/;; esac; done

# import-linter reads an installed tree, which shows at the same time that the wheel is complete.
# build/lib goes first: setuptools would pack files that no longer exist in the source. It runs inside
# the tree, because in the checkout the folder automlc/ would be found before it.
layers: $(VENV)/.stamp-dev ## The one-way import chain.
	@rm -rf build/tree build/lib build/bdist.*
	@$(PIP) install --quiet --no-deps --no-build-isolation --target build/tree .
	@rm -rf build/lib build/bdist.*
	@cd build/tree && PYTHONPATH=. $(abspath $(BIN))/lint-imports --no-cache --config ../../pyproject.toml

golden: $(VENV)/.stamp-dev ## Rewrite the golden files; read the diff like code.
	@for f in $$(grep -rl -e '--write' tests --include='test_*.py'); do $(BIN)/python $$f --write; done

bench: $(VENV)/.stamp-dev ## Print the ratios of benchmarks/README.md.
	@for f in cold_start compile_scaling loop_overhead store_scale; do \
		echo "== $$f"; $(BIN)/python benchmarks/$$f.py; done

docs: $(VENV)/.stamp-dev ## Write docs/language.md, then check commands, links and examples of all documents.
	@$(BIN)/python docs/reference/language.py --write
	@$(BIN)/python -m pytest -q tests/test_docs.py

pages: $(VENV)/.stamp-dev ## Write docs/errors from the table of diagnostic codes.
	@$(BIN)/python -m automlc.spec.codes_pages docs/errors

clean: ## Remove what the targets above made, except .venv and runs/.
	@rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find $(FOLDERS) tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
