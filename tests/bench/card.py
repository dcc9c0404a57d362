#!/usr/bin/env python3
"""make bench-cuda: what the card's kernels reach, then training and translating on it, PyTorch beside it where it is
installed and sees the card. A table on standard output, all of it as JSON in a file.

    card.py --build build --out build/bench_cuda.json [--rounds 3]

Both sides compute in float32 with one thread of the host. PyTorch is eager, with scaled_dot_product_attention and its fused
Adam. Texts, batches and what is counted are those of make bench; memory is what either side's allocator has reserved on the
card, which for PyTorch includes cuBLAS's workspace.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import report
from bench import SIZES, Batches, Failure, Parser, check_out, check_same, guarded, run, save, say, text_folder, whole_number
from surroundings import find_peer, tuned

HERE = pathlib.Path(__file__).resolve().parent
WARM, STEPS = 10, 40
DECODED = ((1, 24), (32, 192), (128, 512))  # sentences at a time, of how many


def peer_with_card():
    """The Python whose PyTorch sees a card, or None."""
    python = find_peer()
    look = [python, "-c", "import torch; raise SystemExit(not torch.cuda.is_available())"]
    return python if python and not subprocess.run(look, capture_output=True).returncode else None


class CardBench:
    def __init__(self, build, folder, python):
        engine = [str(pathlib.Path(build) / "tests/bench_engine")]
        plain = {name: value for name, value in os.environ.items() if name != "TENFOLD_TF32"}
        self.sides = [("tenfold", engine, plain)]
        if python:
            self.sides.append(("pytorch", [python, str(HERE / "peer.py")], tuned(1)))
        self.folder, self.values = str(folder), {}

    def note(self, key, what, unit, better, side, value):
        self.values.setdefault(key, dict(what=what, unit=unit, better=better)).setdefault(side, []).append(value)

    def both(self, mode, *words):
        for side, command, environment in self.sides:
            yield side, run([*command, mode, self.folder, "--device", "cuda", *map(str, words)], environment)

    def train(self, size, rows):
        shared, what = {}, f"training `{size}`"
        steps = len(rows) - WARM
        for side, got in self.both("train", "--size", size, "--warm", WARM, "--steps", steps):
            check_same(size, shared, got)
            rate = statistics.median(r["tokens"] / s for r, s in zip(rows[WARM:], got["seconds"]))
            self.note(f"train.{size}.tokens", what, "target tokens/s", "higher", side, rate)
            self.note(f"train.{size}.memory", f"{what}: memory of the card", "MiB", "lower", side,
                      got["tensors_reserved_mb" if side == "tenfold" else "peak_mb"])

    def decode(self, batch, sentences):
        for side, got in self.both("decode", "--batch", batch, "--sentences", sentences, "--repeats", 3):
            self.note(f"decode.batch{batch}", f"translation, greedy, `small`, batch {batch}", "sentences/s", "higher", side,
                      got["sentences"] / statistics.median(got["seconds"]))


def beside_peer(build, rounds):
    """The figures of both sides, round after round."""
    python = peer_with_card()
    if not python:
        say("there is no PyTorch that sees a card: tenfold is measured alone")
    with tempfile.TemporaryDirectory(prefix="tenfold-bench-") as scratch:
        bench = CardBench(build, pathlib.Path(scratch) / "workload", python)
        text = text_folder()
        about = run([*bench.sides[0][1], "prepare", bench.folder, *(["--text", str(text)] if text else [])])
        rows = Batches(pathlib.Path(bench.folder)).rows[:WARM + STEPS]
        if len(rows) <= WARM:
            raise Failure(f"the text makes {len(rows)} batches; more than {WARM} are needed")
        for i in range(rounds):
            say(f"round {i + 1} of {rounds}")
            for size in SIZES:
                bench.train(size, rows)
            for case in DECODED:
                bench.decode(*case)
    version = python and subprocess.run([python, "-c", "import torch; print(torch.__version__)"], capture_output=True,
                                        text=True).stdout.strip()
    return dict(text=about["text"], rounds=rounds, pytorch=version or "", metrics=report.summaries(bench.values))


def measure_and_show(a):
    check_out(a.out)
    try:
        kernels = subprocess.run([pathlib.Path(a.build) / "tests/bench_cuda"], stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise Failure(f"cannot run bench_cuda: {error.strerror}; run make bench-cuda") from None
    if kernels.returncode:
        raise Failure("bench_cuda failed, as it says above")
    result = json.loads(kernels.stdout)
    save(a.out, result)  # what is there is kept, whatever becomes of the rest
    result["beside"] = beside_peer(a.build, a.rounds)
    save(a.out, result)
    print(report.beside_table(result["beside"]))
    say(f"{a.out}: all of it")


def main():
    parser = Parser(prog="bench-cuda", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="folder with tests/bench_cuda and tests/bench_engine")
    parser.add_argument("--out", default="build/bench_cuda.json", help="where the JSON goes")
    parser.add_argument("--rounds", type=whole_number, default=3, help="how often both sides are measured")
    a = parser.parse_args()
    return guarded("bench-cuda", lambda: measure_and_show(a))


if __name__ == "__main__":
    sys.exit(main())
