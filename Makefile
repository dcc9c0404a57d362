# The front door. `make help` lists the targets.
#
#   BUILD=folder   where to build (build)             JOBS=N   compilers at once (one a core, as memory allows)
#   SETUP=true     leave the package check out        MIRROR=  a folder or address to fetch data from
#   N=3            which chapter                      PREDICT=0.9 BREAK=no-scale ARGS="--seeds 5"  for its experiment
BUILD ?= build
SETUP ?= scripts/setup
export JOBS MIRROR WITH_TEST BUILD YES

# Every recipe below uses all cores by itself.
.NOTPARALLEL:
N ?=
.PHONY: help setup build demo test asan mutants chapter check hint reset lessons docs data-multi30k data-tatoeba format clean

help:  ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | awk -F'\t' '{ printf "  make %-15s %s\n", $$1, $$2 }'

setup:  ## install the packages that are missing (Debian, Ubuntu)
	@$(SETUP)

build: setup  ## build everything in build/
	@scripts/build "$(BUILD)" -DCMAKE_BUILD_TYPE=Release

demo: setup  ## train a small translator in about three minutes and see it translate
	@TARGET=tenfold scripts/build "$(BUILD)" -DCMAKE_BUILD_TYPE=Release
	@"$(BUILD)/tenfold" demo

chapter: setup  ## run the experiment of chapter N:  make chapter N=3 PREDICT=0.9 BREAK=no-scale
	@scripts/course chapter "$(N)" $(if $(PREDICT),--predict "$(PREDICT)") $(foreach name,$(BREAK),--break "$(name)") $(ARGS)

check: setup  ## judge your exercise of chapter N; without N all ten, with a score table
	@scripts/course check "$(N)"

hint:  ## one more hint for the exercise of chapter N each time
	@scripts/course hint "$(N)"

reset:  ## put the exercise of chapter N back to the stub, after asking
	@scripts/course reset "$(N)"

lessons: setup  ## run the experiments again and fill the lessons' numbers (for authors; N= for one)
	@scripts/course lessons "$(N)"

docs:  ## build the documentation as one site, with course and API, in build/docs/html
	@$(SETUP) docs
	@scripts/docs "$(BUILD)/docs"

test:  ## build and run every test, also under the sanitizers
	@$(SETUP) test
	@scripts/build "$(BUILD)" -DCMAKE_BUILD_TYPE=Release
	@scripts/build "$(BUILD)-asan" -DTENFOLD_SANITIZE=ON
	@scripts/run-tests "$(BUILD)" "$(BUILD)-asan"

asan: setup  ## build and run the tests under the sanitizers only
	@scripts/build "$(BUILD)-asan" -DTENFOLD_SANITIZE=ON
	@scripts/run-tests "$(BUILD)-asan"

mutants: build  ## break the code in known ways and see that a test fails each time
	@tests/mutants/run

data-multi30k:  ## fetch Multi30k (image captions, en/de/fr) into data/multi30k
	@scripts/fetch-data multi30k

data-tatoeba:  ## fetch Tatoeba's English-Mandarin pairs into data/tatoeba
	@scripts/fetch-data tatoeba

format:  ## put every source file into the house style (clang-format)
	@scripts/format

clean:  ## remove what was built (runs/ and data/ stay)
	@rm -rf -- "$(BUILD)" "$(BUILD)-asan"
