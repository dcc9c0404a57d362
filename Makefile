# The front door. `make help` lists the targets.
#
#   BUILD=folder   where to build (build)             JOBS=N   compilers at once (one a core, as memory allows)
#   UNITY=OFF      compile every file alone, for who changes them often (a change then costs less, all of them more)
#   SETUP=true     leave the package check out        MIRROR=  a folder or address to fetch data from
#   QUICK=1 ROUNDS=3 THREADS=2 BUILD_TIME=1 MODEL=run DATA=folder OUT=file    for make bench (of these ROUNDS, DATA, OUT for
#                  bench-cuda); OLD=a.json NEW=b.json to compare
#   N=3            which chapter                      PREDICT=0.9 BREAK=no-scale ARGS="--seeds 5"  for its experiment
BUILD ?= build
SETUP ?= scripts/setup
export JOBS UNITY MIRROR WITH_TEST BUILD YES

# Every recipe below uses all cores by itself.
.NOTPARALLEL:
N ?=
.PHONY: help setup build demo test asan mutants chapter check check-cuda hint reset lessons docs data-multi30k data-tatoeba format clean \
  bench bench-kernels bench-compare bench-page test-cuda bench-cuda

help:  ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | awk -F'\t' '{ printf "  make %-15s %s\n", $$1, $$2 }'

setup:  ## install the packages that are missing (Debian, Ubuntu)
	@$(SETUP)

build: setup  ## build everything in build/
	@scripts/build "$(BUILD)" -DCMAKE_BUILD_TYPE=Release

demo: setup  ## train a small translator in about two minutes and see it translate
	@TARGET=tenfold scripts/build "$(BUILD)" -DCMAKE_BUILD_TYPE=Release
	@"$(BUILD)/tenfold" demo

chapter: setup  ## run the experiment of chapter N:  make chapter N=3 PREDICT=0.9 BREAK=no-scale
	@scripts/course chapter "$(N)" $(if $(PREDICT),--predict "$(PREDICT)") $(foreach name,$(BREAK),--break "$(name)") $(ARGS)

check: setup  ## judge your exercise of chapter N; without N all ten, with a score table
	@scripts/course check "$(N)"

check-cuda: setup  ## judge your exercise of the kernel ladder (cuda/exercise/) on the emulator
	@scripts/check-cuda

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

test-cuda:  ## run the CUDA backend's tests on this machine's card; without one they fail
	@$(SETUP)
	@TARGET=cuda_tests scripts/build "$(BUILD)" -DCMAKE_BUILD_TYPE=Release -DTENFOLD_CUDA=on
	@REQUIRE_DEVICE=cuda ctest --test-dir "$(BUILD)" --tests-regex '_card$$' --no-tests=error --output-on-failure

mutants: build  ## break the code in known ways and see that a test fails each time
	@tests/mutants/run

bench:  ## measure training, translating, memory, start, PyTorch beside it (9 minutes; QUICK=1: 1)
	@$(SETUP) bench
	@TARGET=bench_engine scripts/build "$(BUILD)" -DCMAKE_BUILD_TYPE=Release -DTENFOLD_BENCH=ON
	@python3 tests/bench/bench.py --build "$(BUILD)" --out "$(or $(OUT),$(BUILD)/bench.json)" $(if $(filter-out 0,$(QUICK)),--quick) \
	  $(if $(ROUNDS),--rounds "$(ROUNDS)") $(if $(THREADS),--threads "$(THREADS)") $(if $(filter-out 0,$(BUILD_TIME)),--build-time) \
	  $(if $(MODEL),--model "$(MODEL)")

bench-kernels:  ## time every kernel at the shapes of tiny and small:  make bench-kernels ARGS=--benchmark_filter=gemm
	@$(SETUP) bench
	@TARGET=bench_kernels scripts/build "$(BUILD)" -DCMAKE_BUILD_TYPE=Release -DTENFOLD_BENCH=ON
	@"$(BUILD)/tests/bench_kernels" $(ARGS)

bench-cuda:  ## time the card's kernels against what it can do, training and translating beside PyTorch; JSON to OUT=file
	@$(SETUP) bench
	@TARGET=bench_cuda scripts/build "$(BUILD)" -DCMAKE_BUILD_TYPE=Release -DTENFOLD_CUDA=on -DTENFOLD_BENCH=ON
	@TARGET=bench_engine scripts/build "$(BUILD)"
	@python3 tests/bench/card.py --build "$(BUILD)" --out "$(or $(OUT),$(BUILD)/bench_cuda.json)" $(if $(ROUNDS),--rounds "$(ROUNDS)")

bench-compare:  ## what changed between two measurements:  make bench-compare OLD=a.json NEW=b.json
	@python3 tests/bench/report.py compare "$(OLD)" "$(NEW)"

bench-page:  ## put the measurement OUT=file (docs/performance.json) into docs/performance.md
	@python3 tests/bench/report.py page "$(or $(OUT),docs/performance.json)" docs/performance.md
	@$(if $(OUT),cp -- "$(OUT)" docs/performance.json)

data-multi30k:  ## fetch Multi30k (image captions, en/de/fr) into data/multi30k
	@scripts/fetch-data multi30k

data-tatoeba:  ## fetch Tatoeba's English-Mandarin pairs into data/tatoeba
	@scripts/fetch-data tatoeba

format:  ## put every source file into the house style (clang-format)
	@scripts/format

clean:  ## remove what was built (runs/ and data/ stay)
	@rm -rf -- "$(BUILD)" "$(BUILD)-asan"
