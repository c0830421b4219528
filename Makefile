# Everything a person does here. `make` alone lists it.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help setup demo call phone test compiled long real contract faults soak chaos next picture journey shape schemas docs check format lock dist

PORT_BASE ?= 7880
SAY ?= What time is it in Tokyo?
OUT ?= reply.wav
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/earshot
UV ?= $(or $(shell command -v uv 2>/dev/null),$(CACHE)/uv/bin/uv)
export PORT_BASE SAY OUT ROOM WAV TYPE PERSONA BARGE_IN_AT UV
# Where it is set, as in many containers, each start of a program compiles all modules that it imports: 4 s of CPU for a worker.
unexport PYTHONDONTWRITEBYTECODE

PYTHON_BIN := .venv/bin
PACKAGES := agent bench caller configuration demo emulator examples failover records speech telephony testing tests tickets token_server

help: ## list these commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name what; do printf 'make %-8s %s\n' "$$name" "$$what"; done

setup: .venv/.installed ## the virtual environment, from the lock file

.venv/.installed: requirements.lock scripts/setup
	@CACHE="$(CACHE)" sh scripts/setup

demo: setup ## run everything: SFU, emulator (or Gemini, with a key), token server, worker
	@exec $(PYTHON_BIN)/python -m demo $(if $(VERBOSE),--verbose)

call: setup ## call the demo's agent: SAY="..." OUT=reply.wav [ROOM= WAV= TYPE= PERSONA= BARGE_IN_AT= JSON=1]
	@exec $(PYTHON_BIN)/python -m caller --token-url "http://127.0.0.1:$$(($(PORT_BASE) + 2))/token" \
	  --announce-to "http://127.0.0.1:$$(($(PORT_BASE) + 4))" --out "$$OUT" \
	  $(if $(ROOM),--room "$$ROOM") $(if $(PERSONA),--persona "$$PERSONA") $(if $(JSON),--json) \
	  $(if $(WAV),--wav "$$WAV",$(if $(TYPE),--type "$$TYPE",--say "$$SAY")) $(if $(BARGE_IN_AT),--barge-in-at "$$BARGE_IN_AT")

phone: setup ## while the demo runs: let softphones on this machine ring its agent
	@exec sh scripts/phone

PYTEST := $(PYTHON_BIN)/python -m pytest --dist loadfile --no-loadscope-reorder

test: setup ## the static checks and the tests
	@$(MAKE) -j 2 check compiled
	@sh scripts/packages
	@$(PYTHON_BIN)/python -m demo.livekit_server
	@$(PYTHON_BIN)/python -m tests.stages $(ARGS)

# In a new clone each process of the tests would compile all modules: 15 s of CPU. mypy leaves one core idle for it.
compiled: setup
	@$(PYTHON_BIN)/python -m pytest --collect-only -q >/dev/null 2>&1 || true # what can't be collected, the tests report

long: setup ## the calls, browsers and programs that `make test` leaves out
	@sh scripts/packages
	@$(PYTHON_BIN)/python -m demo.livekit_server
	@$(PYTEST) -n 3 -m "long and not sound" $(ARGS)
	@$(PYTEST) -n 2 -m "long and sound" $(or $(ARGS),tests/e2e tests/line)

real: setup ## calls with Gemini itself, each model that GOOGLE_API_KEY serves [ARGS="-k 3.8"]
	@$(PYTHON_BIN)/python -m tests.e2e.real $(ARGS)

contract: setup ## the emulator against clients that others wrote: Google's own test suite, JavaScript, LiveKit, pipecat, ADK
	@CACHE="$(CACHE)" sh scripts/contract tests/contract $(ARGS)

faults: setup ## every fault of the link, five times, in real calls; writes docs/faults.md [ROWS="5 12" TIMES=1: only shows]
	@$(PYTHON_BIN)/python -m demo.livekit_server
	@$(PYTHON_BIN)/python -m tests.e2e.faults --times $(or $(TIMES),5) --at-once 2 --stock $(or $(ROWS),--document docs/faults.md)

soak: setup ## half an hour of random faults: 50 links in one process, then three long calls [SEED=7]
	@$(PYTHON_BIN)/python -m tests.soak $(if $(SEED),--seed $(SEED)) links
	@$(PYTHON_BIN)/python -m tests.soak $(if $(SEED),--seed $(SEED)) calls

chaos: setup ## ten minutes of random kills under talking callers; writes docs/chaos.md [SEED=7 CALLERS=4 MINUTES=10]
	@sh scripts/packages
	@$(PYTHON_BIN)/python -m demo.livekit_server
	@$(PYTHON_BIN)/python -m tests.chaos --stock --document docs/chaos.md \
	  $(if $(SEED),--seed $(SEED)) $(if $(CALLERS),--callers $(CALLERS)) $(if $(MINUTES),--minutes $(MINUTES))

next: setup ## what of agent/ breaks with the newest pre-release of livekit-agents
	@sh scripts/next $(ARGS)

picture: setup ## the README's moving picture, from a real call in a browser; writes docs/call.gif
	@sh scripts/packages
	@$(PYTHON_BIN)/python -m tests.e2e.page.picture

journey: setup ## a new user's first hour, in a clean clone with an empty HOME [QUICK=1: up to make check]
	@$(PYTHON_BIN)/python -m tests.journey $(if $(QUICK),--quick)

shape: setup ## figures about the form of the code: state, sizes, names, docstrings, the path of a frame of sound
	@$(PYTHON_BIN)/python scripts/shape.py $(TREE)

schemas: setup ## what is made from the code: schemas/ for editors, docs/settings.md, docs/emulator_faults.md
	@$(PYTHON_BIN)/python -m scripts.schemas
	@$(PYTHON_BIN)/python -m scripts.settings_table
	@$(PYTHON_BIN)/python -m scripts.faults_table

docs: setup ## the documents as a site, in build/site; links are checked
	@CACHE="$(CACHE)" sh scripts/site

check: setup ## format, lint, types
	@$(PYTHON_BIN)/ruff format --check --quiet . || { echo "run 'make format'"; exit 1; }
	@$(PYTHON_BIN)/ruff check --quiet .
	@$(PYTHON_BIN)/mypy $(foreach package,$(PACKAGES),-p $(package))
	@CACHE="$(CACHE)" sh scripts/types

format: setup ## put the code into the house's form
	@$(PYTHON_BIN)/ruff format --quiet .
	@$(PYTHON_BIN)/ruff check --quiet --fix .

COMPILE := $(UV) pip compile --generate-hashes --no-annotate --no-header --quiet

lock: setup ## resolve the dependencies anew (move exclude-newer in pyproject.toml first)
	@$(COMPILE) pyproject.toml --extra sip --extra s3 --group dev --universal --output-file requirements.lock
	@for image in worker token_server; do \
	  $(COMPILE) deploy/$$image.in --constraint requirements.lock --python-platform linux --python-version 3.11 \
	    --output-file deploy/$$image.lock || exit 1; done
	@$(COMPILE) --group docs --universal --output-file requirements-docs.lock

dist: setup ## wheels of the emulator and the caller, for other projects, into dist/
	@$(PYTHON_BIN)/python scripts/wheels.py build
	@for project in wheels/*/; do "$(UV)" build --quiet --out-dir dist "build/$$(basename "$$project")" || exit 1; done
	@ls dist
