# make train        trains a U-Net on made-up streets, validates it, and writes its predictions
# make test         runs the tests
# make test-oldest  runs each task with the oldest packages that setup.cfg admits
# make lint         runs ruff, mypy and the import order
# make docs         builds the README and the API reference as pages in site/
# make notebooks    runs the notebooks on made-up data and saves them with their outputs
#
# Each target first installs what it needs into .venv, test-oldest into .venv-oldest.
#
# make train DATA=DIR                   trains on your own data
# make train TASK=biwi, planet or imdb   trains another task

TASK   ?= camvid
DATA   ?= data/made-up-$(TASK)
PYTHON ?= python3

BIN := .venv/bin
READY := .venv/.ready
RUN := $(shell date +%Y-%m-%d_%H-%M-%S)
BEST := runs/$(TASK)/$(RUN)/checkpoints/best.ckpt
CONFIG := --config configs/$(TASK).yaml --data.root $(DATA)
COMMAND := fit

# made-up streets are small and easy: they need fewer pixels and epochs than the configuration sets for real ones, and
# on a slow machine they get fewer epochs in three minutes
ifeq ($(TASK) $(origin DATA),camvid file)
CONFIG += --data.image_size "[144, 192]" --trainer.max_epochs 8 --trainer.max_time 00:00:03:00
endif

# a classifier of texts starts from a language model
ifeq ($(TASK),imdb)
COMMAND := recipe
CONFIG := --config configs/recipes/imdb_quick.yaml --data.root $(DATA)
BEST := runs/imdb-quick/$(RUN)/checkpoints/3-all.ckpt
endif

.PHONY: train test test-oldest lint docs notebooks
.DELETE_ON_ERROR:

train: $(READY) $(DATA)
	$(BIN)/triptych $(COMMAND) $(CONFIG) --trainer.logger.init_args.version $(RUN)
	$(BIN)/triptych validate $(CONFIG) --ckpt_path $(BEST)
	$(BIN)/triptych predict $(CONFIG) --ckpt_path $(BEST)

# in the order of their folders, which end with short files: else the last may be a long one, beside which nothing runs
test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# old packages warn beside newer ones
test-oldest: .venv-oldest/.ready
	.venv-oldest/bin/python -m pytest -W ignore tests/test_smoke.py

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: .venv/.ready-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo 'site/index.html; with its search: $(BIN)/python -m http.server --directory site'

notebooks: $(READY)
	$(BIN)/python docs/run_notebooks.py

.venv/.ready-docs: $(READY)
	$(BIN)/python -m pip install --quiet --editable .[docs]
	touch $@

.venv-oldest/.ready: setup.cfg pyproject.toml tests/oldest.py
	rm -rf .venv-oldest
	$(PYTHON) -m venv .venv-oldest
	$(PYTHON) tests/oldest.py > .venv-oldest/requirements.txt
	.venv-oldest/bin/python -m pip install --quiet --requirement .venv-oldest/requirements.txt --editable .[train] pytest
	touch $@

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 10) and f"Python 3.10 or newer is needed, $(PYTHON) is {v.major}.{v.minor}; try make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .[dev]
	touch $@

data/made-up-%: | $(READY)
	$(BIN)/triptych make-data $* $@
