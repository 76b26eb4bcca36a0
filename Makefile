# Two set-ups, each in a virtual environment of its own:
#   .venv-search  light: query, search and pages; no torch, no CUDA
#   .venv         full: training, profiler and the checks as well
# Neither gets bytecode ahead of its use: two thirds of it nobody runs, 130 MB in the light one, and
# in the full one it is 40 s of a single core.
# A stamp in each says that it is complete; it is made anew when what it is made from changes.

# Bytecode is kept at its first use, also where an image's environment forbids it: the tests start
# many an interpreter, and each would compile what it imports (0.5 s of processor time become 1.5).
export PYTHONDONTWRITEBYTECODE :=

PYTHON ?= python3
DEVICE ?= raspberry-pi-4
OUT    ?= out/search
CORES  ?= 2

LIGHT := .venv-search
FULL  := .venv
MADE_FROM := pyproject.toml constraints.txt requirements/search.txt requirements/full.txt
UV ?= uv

.DEFAULT_GOAL := help
.PHONY: help setup search test tests lint docs requirements clean

help:  ## Say what there is to make.
	@echo "make search   set up lightly, then search big/little pairs for DEVICE=$(DEVICE) into OUT=$(OUT)"
	@echo "make test     set up fully, then ruff, mypy, import-linter and pytest: what CI runs;"
	@echo "              pytest takes CORES=$(CORES) at once"
	@echo "make lint     the same without pytest; make tests: pytest alone"
	@echo "make docs     the documentation site, into out/docs (pages and API; needs no network)"
	@echo "make setup    the full set-up alone, in $(FULL)"
	@echo "make requirements   work out requirements/*.txt, packages by hash, from constraints.txt with uv"
	@echo "make clean    remove both set-ups, build output and caches (not $(OUT))"
	@echo "PYTHON=...    the interpreter to build on, 3.11 or newer (now: $(PYTHON))"

$(LIGHT)/.complete: $(MADE_FROM)
	$(PYTHON) -m venv $(LIGHT)
	$(LIGHT)/bin/pip install --quiet --no-compile --require-hashes --requirement requirements/search.txt
	$(LIGHT)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(FULL)/.complete: $(MADE_FROM)
	$(PYTHON) -m venv $(FULL)
	$(FULL)/bin/pip install --quiet --no-compile --require-hashes --requirement requirements/full.txt
	$(FULL)/bin/pip install --quiet --no-compile torch --constraint constraints.txt
	$(FULL)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

setup: $(FULL)/.complete

search: $(LIGHT)/.complete
	$(LIGHT)/bin/biglittle search --device $(DEVICE) --out $(OUT)

lint: $(FULL)/.complete
	$(FULL)/bin/ruff check .
	$(FULL)/bin/ruff format --check .
	$(FULL)/bin/mypy
	$(FULL)/bin/lint-imports
	$(FULL)/bin/python tests/lint/prose.py

# mypy and the like are a minute of one core: pytest has the others meanwhile, and all of them then.
test: $(FULL)/.complete
	$(MAKE) --no-print-directory --jobs 2 lint tests

tests: $(FULL)/.complete
	$(FULL)/bin/pytest --numprocesses $(CORES) --dist worksteal

docs: $(FULL)/.complete
	$(FULL)/bin/sphinx-build -q -W --keep-going -c docs -d out/docs/.doctrees . out/docs
	@echo "Written: out/docs/index.html"

# Versions come from constraints.txt. torch is held by its version alone: which of its builds is
# installed, with CUDA or without, is for whoever installs it to say.
COMPILE := compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-header --no-emit-index-url --constraint constraints.txt
WITHOUT := torch triton cuda-bindings cuda-pathfinder cuda-toolkit \
	$(addprefix nvidia-,cublas cuda-cupti cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand \
	cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink nvshmem-cu13 nvtx)

requirements:
	echo setuptools | $(UV) pip $(COMPILE) pyproject.toml - --output-file requirements/search.txt
	$(UV) pip $(COMPILE) pyproject.toml --extra train --extra profiler --extra dev \
		$(addprefix --no-emit-package ,$(WITHOUT)) --output-file requirements/full.txt

clean:
	rm -rf $(LIGHT) $(FULL) build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks .import_linter_cache
