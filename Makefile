# `make` alone lists what there is. Each target makes the virtual environment it needs, once.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help:   ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

$(VENV)/.run: requirements.txt
	@test -x $(BIN)/pip || { echo "Making a virtual environment in $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@echo "Installing what CrewTune needs (once, a few minutes) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Otherwise `make demo dataset=x` would run the bundled sample without a word.
ifneq ($(model)$(dataset)$(goal)$(resume),)
$(error Write MODEL, DATASET, GOAL and RESUME in capitals)
endif

demo: $(VENV)/.run   ## the main job: a crew fine-tunes a model and proves it (MODEL= DATASET= GOAL= RESUME= ARGS=)
	@$(BIN)/python -m backend.demo \
	  $${MODEL:+--model "$$MODEL"} $${DATASET:+--dataset "$$DATASET"} $${GOAL:+--goal "$$GOAL"} \
	  $${RESUME:+--resume "$$RESUME"} $(ARGS)

up: $(VENV)/.run   ## the studio: UI on 8501, API on 8000, MLflow on 5000, until Ctrl-C
	@$(BIN)/python -m backend.up

mlflow: $(VENV)/.run   ## the MLflow UI over every run, on http://127.0.0.1:5000
	@$(BIN)/python -m backend.mlflow_ui $${PORT:+--port "$$PORT"}

check: $(VENV)/.dev   ## format, lint, types, layers and the fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 -m "not slow and not prove"

# Measuring coverage costs three quarters of the time again; the slow tests would add little to it.
test: $(VENV)/.dev   ## all but `make prove`, with line coverage of tools/ and agents/ by the fast ones
	$(BIN)/pytest -n 2 -m "slow and not prove"
	$(BIN)/pytest -n 2 -m "not slow and not prove" --cov --cov-report=term:skip-covered --cov-fail-under=85

prove: $(VENV)/.dev   ## the whole product as people use it: demo, studio, faults, a real browser
	$(BIN)/pytest -n 2 --dist=loadfile -m prove

pictures: $(VENV)/.dev   ## take the pictures in docs/images anew, with Chromium
	$(BIN)/pytest tests/browser/test_studio_in_the_browser.py tests/browser/test_data_in_the_browser.py --pictures docs/images

fix: $(VENV)/.dev   ## format, and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:   ## delete the virtual environment and caches; runs, models and datasets stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help demo up mlflow check test prove pictures fix clean
