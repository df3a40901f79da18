# Everything runs in .venv, which the first target makes and a change of the pins makes again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PINS := $(shell cat constraints.txt pyproject.toml | sha256sum | cut -c1-16)
READY := $(VENV)/.ready-$(PINS)
TORCH := $(shell sed -n 's/^torch==/torch==/p' constraints.txt)
WHEEL := build/wheel
# Full trial files of the data sets, where this machine has them; the tests that need them are skipped elsewhere.
export COGMEM_DATA ?= $(wildcard $(abspath ../shared/human_data_sources))

.PHONY: compare test test-slow test-slowest figures report app bench docs check format clean

compare: $(READY)
	$(BIN)/cogmem compare forgetting_curve --out results

test: $(READY)
	$(BIN)/python -m pytest -q -n 2 -m "not slow" --durations 10

test-slow: $(READY)
	$(BIN)/python -m pytest -q -n 2 -m "slow and not slowest" --durations 30

test-slowest: $(READY)
	$(BIN)/python -m pytest -q -n 2 -m slowest

figures: $(READY)
	$(BIN)/cogmem figures --out results/figures --check

report: $(READY)
	$(BIN)/cogmem report --out results

app: $(READY)
	$(BIN)/cogmem app

bench: $(READY)
	$(BIN)/cogmem bench

# The package as it is installed: what reads its sources cannot follow the package mapping of an editable install.
$(WHEEL)/unpacked: $(READY) FORCE
	rm -rf $(WHEEL)
	$(BIN)/python -m build --wheel --no-isolation --outdir $(WHEEL) . > /dev/null
	$(BIN)/python -m zipfile -e $(WHEEL)/*.whl $@

FORCE:

docs: $(WHEEL)/unpacked
	$(BIN)/zensical build --strict

check: $(WHEEL)/unpacked
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/zensical build --strict
	cd $(WHEEL)/unpacked && $(abspath $(BIN))/mypy --config-file $(abspath pyproject.toml) -p cogmem
	cd $(WHEEL)/unpacked && $(abspath $(BIN))/python -I -c "import sys; sys.path.insert(0, '.'); import cogmem, cogmem.app, \
	cogmem.models, cogmem.paradigms; assert cogmem.__file__.startswith(sys.path[0]) or 'unpacked' in cogmem.__file__; \
	cogmem.load('murre_dros_2015'); print('the wheel imports, with its data')"

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(READY): constraints.txt pyproject.toml
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(TORCH) --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) .cache build dist results *.egg-info
