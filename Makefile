# The chores of the house. `make` alone lists them; a line with two hashes after
# a target is its help. A finished step costs nothing: it leaves a file in the
# folder that it made, and deleting the folder is enough to have it made again.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
STATIC := campfire/static
PYTHON_CODE := campfire tests $(wildcard bench)

# Third-party files that browsers get: name under static/vendor, colon, file
# under node_modules. This list is the only place that names them.
VENDORED := \
	emoji.json:emoji-picker-element-data/en/github/data.json \
	htmx.js:htmx.org/dist/htmx.esm.min.js \
	markdown-toolbar.js:@github/markdown-toolbar-element/dist/index.js \
	paste-markdown.js:@github/paste-markdown/dist/bundle.js

INSTALLED := .venv/.installed
PACKAGES := node_modules/.installed
COPIED := $(foreach pair,$(VENDORED),$(STATIC)/vendor/$(firstword $(subst :, ,$(pair))))
SOUNDS := $(STATIC)/sounds/.made
COMPRESSED := $(STATIC)/compressed/.made
COMMON := campfire/chat/passwords.txt

# Folders count too: a removed file changes its folder and nothing else.
SERVED := $(shell find $(STATIC) -mindepth 1 \( -path $(STATIC)/compressed -o -path $(STATIC)/sounds -o -path $(STATIC)/vendor \) -prune -o -print 2>/dev/null)

.PHONY: help
help: ## List what can be asked for
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(INSTALLED) $(PACKAGES) $(COPIED) $(SOUNDS) $(COMPRESSED) $(COMMON) ## Install everything below this folder (.venv, node_modules, front-end files)

$(INSTALLED): setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Campfire needs Python 3.11 or newer as $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "Python has no venv here: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt setuptools
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

$(PACKAGES): package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is not here: apt-get install npm" >&2; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

$(COPIED) &: $(PACKAGES) Makefile
	@rm -rf $(STATIC)/vendor && mkdir -p $(STATIC)/vendor
	@for pair in $(VENDORED); do \
		cp "node_modules/$${pair#*:}" "$(STATIC)/vendor/$${pair%%:*}" || exit 1; \
	done

$(SOUNDS): $(INSTALLED) campfire/sounds.py
	$(BIN)/python -m campfire.sounds
	@touch $@

$(COMPRESSED): $(INSTALLED) $(COPIED) $(SERVED) campfire/web/static.py
	$(BIN)/python -m campfire.web.static
	@touch $@

# The most common passwords that are long enough to be chosen at all (ASVS 6.2.4).
$(COMMON): $(INSTALLED) Makefile
	@$(BIN)/python -c 'from zxcvbn.frequency_lists import FREQUENCY_LISTS; \
		common = [word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8]; \
		print(*common[:3000], sep="\n")' > $@

.PHONY: run
run: setup ## Serve on http://127.0.0.1:8000, with everything it keeps in ./data
	$(BIN)/campfire serve

# Every test has a disk of its own that is told to keep each change; one in memory
# answers at once. It is used where it has 4 GiB to spare.
MEMORY := $(shell df --output=avail /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 > 4194304 { print "/dev/shm" }')

.PHONY: test
test: export PYTEST_DEBUG_TEMPROOT := $(MEMORY)
test: setup programs ## Run every test on every core, in a real browser too
	$(BIN)/pytest -n auto --dist worksteal

# Programs that tests drive, of the distribution: name on the path, colon, Debian's package.
DRIVEN := \
	bwrap:bubblewrap \
	caddy:caddy \
	chromium:chromium \
	chromium-headless-shell:chromium-headless-shell \
	nginx:nginx \
	redis-server:redis-server

# They serve tests alone: what Debian started where there is systemd is stopped for good.
.PHONY: programs
programs:
	@missing=; for pair in $(DRIVEN); do \
		command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair#*:}"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
		echo "The tests drive programs that are not on the path, and there is no apt-get to install them with:$$missing" >&2; exit 1; \
	fi; \
	if [ "$$(id -u)" = 0 ]; then sudo=; \
	elif command -v sudo >/dev/null; then sudo=sudo; \
	else echo "The tests drive programs that are missing. As root: apt-get install$$missing" >&2; exit 1; fi; \
	$$sudo apt-get update && $$sudo env DEBIAN_FRONTEND=noninteractive \
		apt-get install --yes --no-install-recommends $$missing || exit 1; \
	if [ -d /run/systemd/system ]; then \
		for each in $$missing; do $$sudo systemctl disable --quiet --now "$$each" 2>/dev/null || true; done; \
	fi

.PHONY: format
format: setup ## Rewrite the code in the house's format
	$(BIN)/isort --quiet $(PYTHON_CODE)
	$(BIN)/black --quiet $(PYTHON_CODE)
	node_modules/.bin/biome check --write --colors=off

.PHONY: lint
lint: setup ## Check format and habits of the Python and the JavaScript
	$(BIN)/black --check --quiet $(PYTHON_CODE) || { echo "make format mends this." >&2; exit 1; }
	$(BIN)/isort --check-only --quiet $(PYTHON_CODE)
	$(BIN)/flake8 $(PYTHON_CODE)
	node_modules/.bin/biome ci --colors=off --error-on-warnings

.PHONY: types
types: setup ## Check the types
	$(BIN)/mypy

.PHONY: imports
imports: setup ## Check that imports only go down the stairs
	$(BIN)/lint-imports

.PHONY: check
check: lint types imports test ## Everything a change must pass; the tests come last

.PHONY: coverage
coverage: setup programs ## Run every test and show the lines none of them reached
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

.PHONY: dist
dist: setup ## Build the wheel, front-end files included, into dist/
	@rm -rf build dist
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build
	@ls dist/*.whl

.PHONY: bundle
bundle: dist ## Build dist/campfire, one file that runs where only this Python is
	@rm -f dist/campfire
	$(BIN)/shiv --console-script campfire --extend-pythonpath --reproducible --output-file dist/campfire \
		--quiet --disable-pip-version-check --constraint constraints.txt dist/*.whl
	@ls -l dist/campfire

# A venv of its own, because .venv keeps what an earlier setup.cfg asked for.
.PHONY: constraints
constraints: ## Choose the newest allowed versions and write constraints.txt
	@rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	build/constraints/bin/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@{ sed -n '/^#/p' constraints.txt; \
		build/constraints/bin/pip freeze --all --exclude-editable | grep -v '^pip=='; } > build/constraints.txt
	@mv build/constraints.txt constraints.txt && rm -rf build

# It asks PyPI and npm what is known of these versions. The tools have a venv of their
# own, so that they are not among what they look at.
LICENSES := any-OSI;Apache;BSD;MIT;MPL;Mozilla Public License;PSF;Python Software Foundation
.PHONY: audit
audit: setup ## Look for known holes and for licences that are none of ours
	@rm -rf build/audit && $(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --disable-pip-version-check pip-audit pip-licenses
	build/audit/bin/pip-licenses --python=$(BIN)/python --ignore-packages campfire-chat \
		--partial-match --allow-only '$(LICENSES)' > build/licenses.txt
	build/audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt
	npm audit --omit=dev
	@rm -rf build/audit

.PHONY: clean
clean: ## Remove everything that these targets made; ./data stays
	rm -rf .venv node_modules $(STATIC)/vendor $(STATIC)/sounds $(STATIC)/compressed $(COMMON) build dist *.egg-info
	rm -rf .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache
	find campfire tests -name __pycache__ -type d -prune -exec rm -rf {} +

LOADS := build/bench/http build/bench/sockets

.PHONY: bench
bench: setup $(LOADS) ## Measure speed and memory, some minutes long, on cores 0 and 1
	$(BIN)/python -m bench.run

.PHONY: bench-quick
bench-quick: setup $(LOADS) ## Measure all of it once and briefly: less than a minute
	$(BIN)/python -m bench.run --rounds 1 --seconds 1 --sockets 200 --messages 1000

.PHONY: bench-browser
bench-browser: setup programs ## Measure a room in Chromium: first view, three hundred messages, five thousand
	$(BIN)/python -m bench.browser

.PHONY: bench-search
bench-search: setup ## Measure searches among MESSAGES (1000000) messages, made once
	$(BIN)/python -m bench.search --messages $(or $(MESSAGES),1000000)

.PHONY: soak
soak: setup ## Watch what the server holds in eight minutes of people coming and going
	$(BIN)/python -m bench.soak

$(LOADS): build/bench/%: bench/%.c bench/wire.c bench/wire.h
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -Wextra -o $@ $< bench/wire.c -lz
