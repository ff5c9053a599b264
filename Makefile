# make book    build the pages into _build/html          make test   every check
# make run     execute and normalise all chapters        make run CHAPTER=02   only that one
# make bind    bind the numbers of the prose to the places that show them
# make pdf, make epub           the book as one file, _build/paper/book.pdf or book.epub
# make camvid                   fetch the street scenes of chapter 6 into camvid/ (about 200 MB)
# make links                    ask every foreign address that the pages link to
# make lighthouse [RUNS=5]     what Lighthouse says of each page (it is fetched with npx)
# make bench   measure speed and memory anew (data/results/benchmarks.json)
# make repository URL=https://github.com/OWNER/NAME      set the address that the "Colab" cells install from
# make serve   show the pages on this machine            make clean  remove what was built (not .venv)
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# torch's threads sleep while they wait for each other: spinning ones take each other's turns where cores are shared
export OMP_WAIT_POLICY := PASSIVE
PIP_VERSION := 26.3
PORT ?= 8000

NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg

.PHONY: book test pdf epub links lighthouse run bind bench camvid repository serve clean pages
.DEFAULT_GOAL := book
.DELETE_ON_ERROR:

# A failing step shows one line that says what to do; the whole story is in .venv/install.log.
define attempt
	@echo "$(1) ..."; { $(2); } >.venv/install.log 2>&1 || \
	{ echo "$(1) failed: $(3) (Details: .venv/install.log)" >&2; exit 1; }
endef
NETWORK := is there a network, and does it reach the package registry (or its mirror)?

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "This book needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null || echo missing). Install one and name it: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv >/dev/null 2>&1 || { rm -rf .venv; echo "'$(PYTHON) -m venv .venv' failed: is the disk full, or Python's venv missing? (On Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	$(call attempt,Updating pip,pip install -q pip==$(PIP_VERSION),$(NETWORK))
	@touch $@

.venv/pages: .venv/python requirements.txt pyproject.toml
	$(call attempt,Installing what builds the pages,pip install -q --group pages -c requirements.txt,$(NETWORK))
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json | .venv/pages
	$(call attempt,Fetching fonts and scripts of the pages,npm ci --silent --omit=dev,$(NETWORK))
	@touch $@

.venv/everything: .venv/pages
	$(call attempt,Installing torch and everything else (some GB),pip install -q -r requirements.txt && pip install -q --no-deps --no-build-isolation -e .,$(NETWORK))
	@touch $@

# Sphinx notices a changed page, but not a changed style, template or page list: then all is built anew.
_build/fresh: node_modules/.package-lock.json _config.yml book/_toc.yml $(wildcard book/assets/* book/_ext/pages/*.py book/_templates/* book/_templates/components/* fcn/widgets/*.js fcn/widgets/*.css)
	@rm -rf _build && mkdir _build && touch $@

pages: .venv/pages _build/fresh
	@jupyter-book build book/ -W --keep-going -q >/dev/null

book: pages
	@echo "The book is in _build/html/index.html. To read it with everything alive: make serve"

serve: book
	@echo "http://localhost:$(PORT)/  (stop with Ctrl-C)"; python -m http.server -d _build/html $(PORT) >/dev/null 2>&1 || \
	{ [ $$? -gt 128 ] || echo "Port $(PORT) is taken: make serve PORT=8001" >&2; exit 1; }

run: .venv/everything
	@python book/notebooks.py run "$(CHAPTER)"

bind: .venv/everything
	@python book/notebooks.py bind "$(CHAPTER)"

bench: .venv/everything
	@python data/results/benchmarks.py

camvid: .venv/everything
	@python -m fcn fetch --data camvid --root camvid

repository: .venv/pages
	@python book/notebooks.py repository "$(URL)"

# Two workers, one thread each; the examples of the docstrings, the chapters, the tests. What takes long comes first,
# so that neither worker waits for the other at the end.
test: pages .venv/everything
	ruff check . && ruff format --check .
	OMP_NUM_THREADS=1 pytest -n 2 --dist loadfile --doctest-modules fcn
	OMP_NUM_THREADS=1 pytest -n 2 --dist loadfile --no-loadscope-reorder book tests/browser tests $(NBVAL)

pdf epub: pages .venv/everything
	@python book/paper.py $@

links: pages
	@jupyter-book build book/ --path-output _build/links --builder linkcheck -q >_build/links.log 2>&1 || \
	{ grep -o "[^/]*: WARNING: broken link: [^ ]*" _build/links.log >&2; exit 1; }

lighthouse: pages .venv/everything
	@python tests/lighthouse.py $(or $(RUNS),1)

clean:
	rm -rf _build
