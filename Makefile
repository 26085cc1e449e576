# make train   the environment, made-up streets, a U-Net that learns them, pictures of what it sees
# make test    the environment, the tests
# make lint    ruff, mypy and the import order
# make docs    the README and the API reference as pages in site/
# make notebooks  runs the notebooks on made-up data and writes them with their outputs
#
# make train DATA=DIR                the same on data of your own
# make train TASK=biwi | TASK=planet the other two panels

TASK   ?= camvid
DATA   ?= data/made-up-$(TASK)
PYTHON ?= python3

BIN := .venv/bin
READY := .venv/.ready
RUN := $(shell date +%Y-%m-%d_%H-%M-%S)
RUN_DIR := runs/$(TASK)/$(RUN)
BEST := $(RUN_DIR)/checkpoints/best.ckpt
CONFIG := --config configs/$(TASK).yaml --data.root $(DATA)

# made-up streets are small and easy: fewer pixels and epochs than the configuration has for real ones
ifeq ($(TASK) $(origin DATA),camvid file)
CONFIG += --data.image_size "[144, 192]" --trainer.max_epochs 8
endif

.PHONY: train test lint docs notebooks
.DELETE_ON_ERROR:

train: $(READY) $(DATA)
	$(BIN)/triptych fit $(CONFIG) --trainer.logger.init_args.version $(RUN)
	$(BIN)/triptych validate $(CONFIG) --ckpt_path $(BEST)
	$(BIN)/triptych predict $(CONFIG) --ckpt_path $(BEST)

test: $(READY)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

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

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 10) and f"Python 3.10 or newer is needed, $(PYTHON) is {v.major}.{v.minor}; try make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .[dev]
	touch $@

data/made-up-%: | $(READY)
	$(BIN)/triptych make-data $* $@
