# `make help` lists what there is. Everything is set up on the way: Python 3.11 and make are enough.

SHELL := /bin/sh
VENV := .venv
RUN := $(VENV)/bin/python
PYTEST_ARGS ?=
CHAOS_ARGS ?=
CHECK_ENV := set -a; . devtools/check.env; set +a;

.DEFAULT_GOAL := help
.PHONY: help setup run test browser-all check kafka chaos bench format clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) \
	  | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

setup: $(VENV)/installed ## Make .venv with everything that is needed

$(VENV)/installed: requirements.txt requirements-otel.txt requirements-dev.txt
	@sh devtools/make_venv.sh $(VENV)
	@touch $@

run: setup ## Start the whole stack in the foreground; Ctrl-C stops it
	@exec $(RUN) -m devtools up

test: setup ## Run every test (PYTEST_ARGS="tests/orders -k ship" runs some)
	@$(RUN) -m devtools.kafka --if-possible
	@$(RUN) -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

browser-all: setup ## Run all browser tests; a screenshot of each page and state in test-results/album
	@$(RUN) -m devtools.kafka --if-possible
	@$(RUN) -m pytest -m "slow or not slow" --album test-results/album tests/browser $(PYTEST_ARGS)

check: setup ## Check format, lint, types, layers, migrations, settings, translations, docs
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	@$(CHECK_ENV) set -x; $(RUN) -m mypy .
	$(VENV)/bin/lint-imports
	@$(CHECK_ENV) set -x; $(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@$(CHECK_ENV) set -x; $(RUN) manage.py check --deploy --fail-level WARNING
	$(RUN) -m pytest -q tests/architecture

kafka: setup ## Fetch Apache Kafka into .dev/kafka (needs Java 17 and Maven)
	@$(RUN) -m devtools.kafka

chaos: setup ## Kill the shop at every point, in 10,000 histories, every carrier of emails and a whole stack (18 min)
	@$(RUN) -m devtools.kafka --if-possible
	@$(RUN) -m devtools.chaos $(CHAOS_ARGS)

bench: setup ## Measure how fast it is, each beside a floor (python -m devtools.bench --only …)
	@$(RUN) -m devtools.kafka --if-possible
	@$(RUN) -m devtools.bench

format: setup ## Format the code and fix what can be fixed by itself
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

clean: ## Remove caches, the stack's state and the fetched Kafka (.dev), and .venv
	rm -rf $(VENV) .dev staticfiles media test-results \
	  .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
