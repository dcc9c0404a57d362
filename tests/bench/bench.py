#!/usr/bin/env python3
"""make bench: the whole program measured, PyTorch beside it in the same run; a table, and everything as JSON.

    bench.py --build build [--quick] [--rounds 3] [--out build/bench.json] [--build-time] [--model runs/mine]

Round after round, each measurement runs the engine, then the peer, then the next measurement, so that a machine that drifts
drifts for both; figures are medians of the rounds, with the least and the greatest. Ratios are made within a round. The text
is Multi30k from data/multi30k (make data-multi30k; DATA=FOLDER for another place), else the built-in corpus, and the JSON says
which. Both sides read the same ids in the same batches; see docs/performance.md for how to read the figures.
"""
import argparse
import datetime
import gzip
import json
import os
import pathlib
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

import report
from surroundings import ROOT, cpu_of_others, find_peer, machine, tuned, versions

HERE = pathlib.Path(__file__).resolve().parent
SIZES = {"tiny": dict(d=128, ff=512, layers=2), "small": dict(d=256, ff=1024, layers=3)}
VOCABULARY = 8000
CHILD_SECONDS = 400


class Failure(Exception):
    """One line for the user."""


def forward_flops(size, batch, source, target):
    """Of the matrix products of a forward pass on padded [batch, source] and [batch, target]: 2 per multiply-add.
    docs/performance.md derives it."""
    d, ff, layers = (SIZES[size][name] for name in ("d", "ff", "layers"))
    b, s, t = batch, source, target
    encoder = layers * (2 * b * s * (4 * d * d + 2 * d * ff) + 2 * 2 * b * s * s * d)
    decoder = layers * (2 * b * t * (4 * d * d + 2 * d * ff) + 2 * b * t * 2 * d * d + 2 * b * s * 2 * d * d +
                        2 * 2 * b * t * t * d + 2 * 2 * b * t * s * d)
    return encoder + decoder + 2 * b * t * d * VOCABULARY


def completed(command, environment=None, **given):
    """What the command printed."""
    name = " ".join(pathlib.Path(word).name for word in command[:2])
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=CHILD_SECONDS, **given)
    except subprocess.TimeoutExpired:
        raise Failure(f"{name} ran for more than {CHILD_SECONDS} s") from None
    except OSError as error:
        raise Failure(f"cannot run {command[0]}: {error.strerror}") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise Failure(f"{name} failed: {said[-1]}")
    return done.stdout


def run(command, environment=None):
    """The JSON object that the command prints."""
    return json.loads(completed(command, environment).splitlines()[-1])


def first_line(command, environment):
    """Seconds from the start of the command, which is given a sentence, to the first line it prints."""
    begin = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment) as child:
        try:
            child.stdin.write(b"A man in a red shirt is waiting.\n")
            child.stdin.flush()
            ready = select.select([child.stdout], [], [], CHILD_SECONDS)[0] and child.stdout.readline().strip()
            seconds = time.perf_counter() - begin
        except BrokenPipeError:
            ready = False
        if not ready:
            child.kill()
            said = child.stderr.read().decode().strip().splitlines() or ["it printed no word"]
            raise Failure(f"{pathlib.Path(command[0]).name} {pathlib.Path(command[1]).name} failed: {said[-1]}")
    return seconds


class Batches:
    """What the batches of the workload hold, by number."""

    def __init__(self, folder):
        lengths = [[len(line.split()) + 1 for line in open(folder / f"train.{side}")] for side in ("source", "target")]
        self.rows = []
        for line in open(folder / "batches"):
            source, target = ([side[int(i)] for i in line.split()] for side in lengths)
            self.rows.append(dict(size=len(source), source=max(source), target=max(target), tokens=sum(target),
                                  source_tokens=sum(source)))

    def padding(self, count):
        rows = self.rows[:count]
        return 1 - (sum(r["tokens"] + r["source_tokens"] for r in rows) /
                    sum(r["size"] * (r["source"] + r["target"]) for r in rows))


def check_same(size, shared, got):
    """The two sides must train the same thing: as many parameters, and before the first step about the same loss (they
    start from other random numbers)."""
    parameters, loss = shared.setdefault("first", (got["parameters"], got["first_loss"]))
    if got["parameters"] != parameters or not abs(got["first_loss"] / loss - 1) < 0.05:
        raise Failure(f"the two sides train different models, `{size}`: {parameters} and {got['parameters']} parameters, "
                      f"first loss {loss:.3f} and {got['first_loss']:.3f}")


# How a translation is called, and its part of a figure's key.
KINDS = {"greedy": "beam1", "greedy with scores": "scored", "beam 5": "beam5"}


class Bench:
    def __init__(self, a, folder, peer_python):
        self.a, self.folder, self.peer_python = a, folder, peer_python
        self.engine_path = pathlib.Path(a.build) / "tests/bench_engine"
        self.values = {}  # key: {"what", "unit", "better", side: [values]}

    def note(self, key, what, unit, better, side, value):
        self.values.setdefault(key, dict(what=what, unit=unit, better=better)).setdefault(side, []).append(value)

    def engine(self, *words):
        return run([str(self.engine_path), *map(str, words)])

    def peer(self, *words):
        threads = words[words.index("--threads") + 1] if "--threads" in words else 1
        return run([self.peer_python, str(HERE / "peer.py"), *map(str, words)], tuned(threads))

    def sides(self):
        return [("tenfold", self.engine)] + ([("pytorch", self.peer)] if self.peer_python else [])

    def train(self, size, threads, warm, steps):
        name, what = f"train.{size}.{threads}", f"training `{size}`, {report.threads(threads)}"
        rate = self.engine("sgemm", "--threads", threads)
        self.note(f"sgemm.{threads}", f"OpenBLAS, 1024³, {report.threads(threads)}", "GFLOP/s", "higher", "tenfold",
                  rate["openblas"])
        self.note(f"gemm.{threads}", f"the engine's own product, 1024³, {report.threads(threads)}", "GFLOP/s", "higher",
                  "tenfold", rate["tenfold"])
        rows = self.batches.rows[warm:warm + steps]
        shared = {}
        for side, program in self.sides():
            got = program("train", self.folder, "--size", size, "--threads", threads, "--warm", warm, "--steps", steps)
            check_same(size, shared, got)
            tokens = statistics.median(r["tokens"] / s for r, s in zip(rows, got["seconds"]))
            gflops = statistics.median(3e-9 * forward_flops(size, r["size"], r["source"], r["target"]) / s
                                       for r, s in zip(rows, got["seconds"]))
            self.note(f"{name}.tokens", what, "target tokens/s", "higher", side, tokens)
            self.note(f"{name}.gflops", what, "GFLOP/s", "higher", side, gflops)
            self.note(f"{name}.memory", f"{what}: peak memory", "MiB", "lower", side, got["peak_mb"])

    def decode(self, size, threads, batch, sentences, kind="greedy", *options):
        """Both sides for plain greedy search, tenfold alone for what options ask for."""
        what = f"translation, {kind}, `{size}`, batch {batch}, {report.threads(threads)}"
        for side, program in self.sides()[:1 if options else None]:
            words = ["decode", self.folder, "--size", size, "--threads", threads, "--batch", batch, "--sentences", sentences]
            got = program(*words, "--repeats", 4, *options)  # the first passes of both are slower
            self.note(f"decode.{size}.{KINDS[kind]}.batch{batch}.{threads}", what, "sentences/s", "higher", side,
                      got["sentences"] / statistics.median(got["seconds"]))

    def start(self, model, repeats):
        """Neither side's first run counts: it brings the files from the disk."""
        commands = [("tenfold", [str(pathlib.Path(self.a.build) / "tenfold"), "translate", "--model", str(model)], None)]
        if self.peer_python:
            commands.append(("pytorch", [self.peer_python, str(HERE / "peer.py"), "start", str(self.folder)], tuned(1)))
        for side, command, environment in commands:
            seconds = [first_line(command, environment) for _ in range((repeats if side == "tenfold" else 1) + 1)]
            self.note("start", "start to first translated word, `small`", "ms", "lower", side, 1e3 * statistics.median(seconds[1:]))

    def trained(self):
        """The command as anyone calls it, start and reading included, with a model whose sentences end; the best of three."""
        most, program = self.a.threads[-1], pathlib.Path(self.a.build) / "tenfold"
        for kind, beam in (("greedy", 1), ("beam 5", 5)):
            command = [program, "translate", "--model", self.a.model, "--threads", str(most), "--batch", "32", "--beam", str(beam)]
            seconds = []
            for _ in range(3):
                begin = time.perf_counter()
                completed(command, input=self.captions)
                seconds.append(time.perf_counter() - begin)
            self.note(f"trained.{KINDS[kind]}", f"translation, {kind}, trained model, batch 32, {report.threads(most)}", "sentences/s",
                      "higher", "tenfold", len(self.captions.splitlines()) / min(seconds))

    def round(self, model):
        a = self.a
        steps = (2, 3) if a.quick else (3, 6)
        for threads in a.threads:
            for size in SIZES:
                if not (a.quick and threads == 1):
                    say(f"  training {size}, {report.threads(threads)}")
                    self.train(size, threads, *steps)
        most = a.threads[-1]
        say("  translating")
        for size in ["small"] if a.quick else SIZES:
            self.decode(size, 1, 1, 8 if a.quick else 24)
            some = 64 if a.quick else 192
            self.decode(size, most, 32, some)
            self.decode(size, most, 32, some, "greedy with scores", "--scores")
            self.decode(size, most, 32, some, "beam 5", "--beam", 5)
        self.start(model, 5 if a.quick else 10)
        if a.model:
            self.trained()

    def derived(self):
        """What is made of several figures of a round."""
        most = self.a.threads[-1]
        for key, entry in list(self.values.items()):
            if not key.endswith(".gflops"):
                continue
            rate = statistics.median(self.values[f"sgemm.{key.split('.')[2]}"]["tenfold"])  # of all rounds: one may be disturbed
            for side in ("tenfold", "pytorch"):
                for gflops in entry.get(side, []):
                    self.note(key.replace("gflops", "share"), entry["what"] + ": of the SGEMM rate", "%", "higher", side,
                              100 * gflops / rate)
        for greedy, beam in zip(*(self.values.get(f"trained.{KINDS[kind]}", {}).get("tenfold", []) for kind in ("greedy", "beam 5"))):
            self.note("beam.trained", "time of beam 5 over greedy, trained model, batch 32", "×", "lower", "tenfold", greedy / beam)
        for size in SIZES:
            one, all_ = self.values.get(f"train.{size}.1.tokens"), self.values.get(f"train.{size}.{most}.tokens")
            for side in ("tenfold", "pytorch"):
                if one and all_ and most > 1 and side in one:
                    for a, b in zip(one[side], all_[side]):
                        self.note(f"scaling.{size}", f"training `{size}`, {most} threads over one", "×", "higher", side, b / a)
            beam = self.values.get(f"decode.{size}.beam5.batch32.{most}", {}).get("tenfold", [])
            for kind, key in (("greedy", "beam"), ("greedy with scores", "beam_over_scored")):
                greedy = self.values.get(f"decode.{size}.{KINDS[kind]}.batch32.{most}", {}).get("tenfold", [])
                for a, b in zip(greedy, beam):
                    self.note(f"{key}.{size}", f"time of beam 5 over {kind}, `{size}`, batch 32", "×", "lower", "tenfold", a / b)

    def costs(self):
        most, quick = self.a.threads[-1], self.a.quick
        say("cost against length and vocabulary")
        return dict(length=self.engine("length", "--threads", most, "--longest", 512 if quick else 2048, "--repeats", 3),
                    vocabulary=self.engine("vocabulary", "--threads", most, "--repeats", 1 if quick else 3))

    def build_time(self):
        """A clean build as make does it, without a compiler cache."""
        builds = [("tenfold", "tenfold", "clean build of `src/`, without CUDA", ["-DTENFOLD_CUDA=off"]),
                  ("all", "all", "clean build with tests, as where there is no nvcc", ["-DTENFOLD_CUDA=emulated"]),
                  ("cuda", "all", "clean build with tests, nvcc's for every card included", ["-DTENFOLD_CUDA=on"])]
        if not shutil.which("nvcc", path=os.environ.get("PATH", "") + ":/usr/local/cuda/bin"):
            builds.pop()
        for name, target, what, options in builds:
            say(what)
            with tempfile.TemporaryDirectory(prefix="tenfold-build-") as folder:
                begin = time.perf_counter()
                command = [ROOT / "scripts/build", folder, "-DCMAKE_BUILD_TYPE=Release", "-DCCACHE=OFF", *options]
                if subprocess.run(command, cwd=ROOT, env=dict(os.environ, CCACHE_DISABLE="1", TARGET=target),
                                  capture_output=True).returncode:
                    raise Failure(f"{what} failed; run make build")
                self.note(f"build.{name}", what, "s", "lower", "tenfold", time.perf_counter() - begin)


def say(line):
    print(line, file=sys.stderr, flush=True)


def check_out(path):
    """Fails now, not after all has been measured, where save() could not write."""
    path = pathlib.Path(path).resolve()
    if path.is_dir():
        raise Failure(f"{path} is a folder; name a file")
    path.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=path.parent).close()


def save(path, result):
    """All of it or, where there is no room, what was there before."""
    path = pathlib.Path(path).resolve()  # not the link, but what it leads to
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    if path.exists() and not path.is_file():  # a terminal, /dev/null
        path.write_text(text)
        return
    with tempfile.TemporaryDirectory(prefix=path.name, dir=path.parent) as folder:
        whole = pathlib.Path(folder) / path.name
        whole.write_text(text)
        whole.replace(path)


def text_folder():
    given = os.environ.get("DATA")
    folder = pathlib.Path(given) if given else ROOT / "data/multi30k"
    names = ("train.en", "train.de", "val.en", "val.de")
    there = all((folder / name).exists() or (folder / (name + ".gz")).exists() for name in names)
    if given and not there:
        raise Failure(f"DATA={given}: {', '.join(names)} are needed there, plain or .gz")
    return folder if there else None


def lines_to_translate(folder):
    """The English validation text."""
    if not folder:
        raise Failure("--model needs text: run make data-multi30k, or say DATA=folder")
    path = folder / "val.en"
    try:
        text = (path.read_bytes() if path.exists() else gzip.open(f"{path}.gz").read()).decode()
    except (EOFError, ValueError, zlib.error) as error:
        raise Failure(f"{path}: {error}") from None
    if not text.strip():
        raise Failure(f"{path} is empty")
    return text


def described(model):
    """What a run's best model is, for the page."""
    places = [pathlib.Path(model, name) for name in ("", "best", "last")]  # where `translate` looks for it
    path = next((place for place in places if (place / "model.safetensors").exists()), places[0])
    try:
        s = json.loads((path / "config.json").read_text())["settings"]
        state = path / "training.json"  # an average has none
        steps = f", trained for {json.loads(state.read_text())['step']} steps" if state.exists() else ""
        return (f"width {s['model_dim']}, {s['heads']} heads, feed-forward {s['feed_forward_dim']}, "
                f"{s['encoder_layers']}+{s['decoder_layers']} layers{steps}")
    except (OSError, ValueError) as error:
        raise Failure(f"--model {model}: {error}") from None
    except (KeyError, TypeError) as error:
        raise Failure(f"--model {model}: its JSON lacks {error}") from None


def whole_number(text):
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1000):
        raise argparse.ArgumentTypeError(f"a whole number from 1 to 999 is needed, got {text!r}")
    return int(text)


class Parser(argparse.ArgumentParser):
    def error(self, message):
        """One line."""
        self.exit(2, f"{self.prog}: {message}\n")


def guarded(name, body):
    """Calls body, which says what goes wrong by Failure or OSError: that becomes one line. The exit code."""
    try:
        body()
    except (Failure, OSError) as error:
        say(f"{name}: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def measure(a):
    peer_python = None if a.no_peer else find_peer()
    if not peer_python and not a.no_peer:
        say("PyTorch is not installed (Debian: python3-torch python3-numpy): tenfold is measured alone")
    began, others = time.perf_counter(), cpu_of_others()
    load = os.getloadavg()[0]
    if load > 0.5:
        say(f"the machine is busy (load {load:.1f}): the figures will be low, and far apart")
    with tempfile.TemporaryDirectory(prefix="tenfold-bench-") as scratch:
        bench = Bench(a, pathlib.Path(scratch) / "workload", peer_python)
        text = text_folder()
        model_text = described(a.model) if a.model else ""
        bench.captions = lines_to_translate(text) if a.model else ""
        about = bench.engine("prepare", bench.folder, *(["--text", text] if text else []))
        say(f"text: {about['text']}, {about['pairs']} pairs, {about['pieces']} pieces")
        bench.batches = Batches(bench.folder)
        if a.build_time:  # first: where that fails nothing has been measured in vain
            bench.build_time()
        model = pathlib.Path(scratch) / "model"
        bench.engine("checkpoint", bench.folder, "--out", model)
        for i in range(a.rounds):
            say(f"round {i + 1} of {a.rounds}")
            bench.round(model)
        bench.derived()
        costs = bench.costs()
    seconds = time.perf_counter() - began
    return dict(format=report.FORMAT, date=datetime.datetime.now().strftime("%Y-%m-%d %H:%M"),
                command=a.command, minutes=round(seconds / 60, 1), rounds=a.rounds,
                quick=a.quick, load_before=round(load, 2), others=max(0, round((cpu_of_others() - others) / seconds, 2)), text=about["text"],
                model=model_text, padding=round(bench.batches.padding(9), 3), machine=machine(), versions=versions(peer_python, a.build),
                metrics=report.summaries(bench.values), costs=costs)


def measure_and_show(a):
    if not shutil.which(str(pathlib.Path(a.build) / "tests/bench_engine")):
        raise Failure(f"there is no bench_engine in {a.build}/tests; run make bench")
    check_out(a.out)
    result = measure(a)
    save(a.out, result)
    print(report.page(result))
    say(f"{a.out}: all of it, in {result['minutes']} minutes")


def main():
    parser = Parser(prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="folder with tenfold and tests/bench_engine")
    parser.add_argument("--out", default="build/bench.json", help="where the JSON goes")
    parser.add_argument("--rounds", type=whole_number, help="how often everything is measured (3; quick: 1)")
    parser.add_argument("--threads", type=whole_number, help="most threads (the machine's cores, at most 2)")
    parser.add_argument("--quick", action="store_true", help="about a minute: fewer steps and cases, one round")
    parser.add_argument("--no-peer", action="store_true", help="without PyTorch")
    parser.add_argument("--build-time", action="store_true", help="a clean build as well")
    parser.add_argument("--model", help="a trained model (a run's folder), to compare a beam with greedy search where sentences end")
    a = parser.parse_args()
    a.rounds = a.rounds or (1 if a.quick else 3)
    most = a.threads or min(2, len(os.sched_getaffinity(0)))
    a.command = " ".join(["make bench"] + (["QUICK=1"] if a.quick else []) + (["BUILD_TIME=1"] if a.build_time else []) +
                         (["MODEL=folder"] if a.model else []) +
                         ([f"THREADS={most}"] if a.threads else []) + (["DATA=folder"] if os.environ.get("DATA") else []) +
                         ([f"ROUNDS={a.rounds}"] if a.rounds != (1 if a.quick else 3) else []))
    a.threads = sorted({1, most})
    return guarded("bench", lambda: measure_and_show(a))


if __name__ == "__main__":
    sys.exit(main())
