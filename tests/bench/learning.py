#!/usr/bin/env python3
"""BLEU against minutes: a training run's validations as a table, as in docs/training.md.

    learning.py RUN [EVERY]    of RUN/log.jsonl every EVERYth epoch (all), and the first and the last

A run that other programs kept waiting for a while is not charged for it: where steps took more than 1.6 times the median, what
they took beyond it is a stop, and is said and left out.
"""
import itertools
import json
import os
import statistics
import sys

from report import BadFile, rows

SLOW = 1.6  # times the median, from which on a step has waited


def events(run):
    path = os.path.join(run, "log.jsonl")
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]  # a crash may have torn the last
    except OSError as error:
        raise BadFile(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise BadFile(f"{path} is no log of a run: {error}") from None


def waits(log):
    """How long the run had waited, as a function of seconds and step; and the length of each stop."""
    train = [(e["seconds"], e["step"]) for e in log if e["event"] == "train"]
    intervals = [(a, b) for a, b in itertools.pairwise(train) if b[1] > a[1]]
    usual = statistics.median((b[0] - a[0]) / (b[1] - a[1]) for a, b in intervals) if intervals else 0
    beyond = lambda a, b: b[0] - a[0] - usual * (b[1] - a[1])
    stops = [(a, b) for a, b in intervals if b[0] - a[0] > SLOW * usual * (b[1] - a[1])]
    waited = lambda now: sum(max(0, beyond(a, min(b, now))) for a, b in stops if a < now)
    return waited, [beyond(a, b) for a, b in stops]


def table(log, every):
    waited, stops = waits(log)
    validations = [e for e in log if e["event"] == "validation"]
    if not validations:
        raise BadFile("the run was not validated yet")
    minutes = lambda e: (e["seconds"] - waited((e["seconds"], e["step"]))) / 60
    bleu = lambda e: f"{e['bleu']:.2f}" if e["bleu"] >= 0 else ""  # below 0: nothing was translated
    shown = [e for e in validations if e["epoch"] % every == 0 or e in (validations[0], validations[-1])]
    body = [[f"{minutes(e):.1f}", str(e["epoch"]), str(e["step"]), f"{e['loss']:.3f}", bleu(e)] for e in shown]
    best = max(validations, key=lambda e: e["bleu"])
    notes = [f"The best BLEU, {bleu(best)}, is that of epoch {best['epoch']}, after {minutes(best):.1f} minutes."] if bleu(best) else []
    if stops:
        stopped = "1 stop" if len(stops) == 1 else f"{len(stops)} stops"
        notes.append(f"{stopped} of {sum(stops) / 60:.1f} minutes in all left out.")
    return rows(["minutes", "epoch", "steps", "validation loss", "BLEU, greedy"], body), notes


def main(words):
    if len(words) not in (1, 2) or not (len(words) == 1 or words[1].isdecimal() and int(words[1])):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        try:
            text, notes = table(events(words[0]), int(words[1]) if len(words) == 2 else 1)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise BadFile(f"{words[0]}/log.jsonl is no log of a run: {type(error).__name__} {error}") from None
    except BadFile as error:
        print(f"learning: {error}", file=sys.stderr)
        return 1
    print(text)
    for note in notes:
        print(note, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
