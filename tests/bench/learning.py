#!/usr/bin/env python3
"""BLEU against minutes: a training run's validations as a table, as in docs/training.md.

    learning.py RUN [EVERY]    RUN/log.jsonl; of every EVERYth epoch (1), the first and the last

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
            return [json.loads(line) for line in file]
    except OSError as error:
        raise BadFile(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise BadFile(f"{path} is no log of a run: {error}") from None


def stops(log):
    """When the intervals ended that held a stop, and how long it was."""
    train = [(e["seconds"], e["step"]) for e in log if e["event"] == "train"]
    intervals = [(b, b - a, n - m) for (a, m), (b, n) in itertools.pairwise(train) if n > m]
    usual = statistics.median(seconds / steps for _, seconds, steps in intervals) if intervals else 0
    return [(end, seconds - usual * steps) for end, seconds, steps in intervals if seconds > SLOW * usual * steps]


def table(log, every):
    waited = stops(log)
    validations = [e for e in log if e["event"] == "validation"]
    if not validations:
        raise BadFile("the run was not validated yet")
    minutes = lambda e: (e["seconds"] - sum(length for end, length in waited if end <= e["seconds"])) / 60
    shown = [e for e in validations if e["epoch"] % every == 0 or e in (validations[0], validations[-1])]
    body = [[f"{minutes(e):.1f}", str(e["epoch"]), str(e["step"]), f"{e['loss']:.3f}", f"{e['bleu']:.2f}"] for e in shown]
    best = max(validations, key=lambda e: e["bleu"])
    notes = [f"The best BLEU, {best['bleu']:.2f}, is that of epoch {best['epoch']}, after {minutes(best):.1f} minutes."]
    if waited:
        stopped = "1 stop" if len(waited) == 1 else f"{len(waited)} stops"
        notes.append(f"{stopped} of {sum(length for _, length in waited) / 60:.1f} minutes in all left out.")
    return rows(["minutes", "epoch", "steps", "validation loss", "BLEU, greedy"], body), notes


def main(words):
    if len(words) not in (1, 2) or not (len(words) == 1 or words[1].isdecimal() and int(words[1])):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        try:
            text, notes = table(events(words[0]), int(words[1]) if len(words) == 2 else 1)
        except (KeyError, TypeError, AttributeError) as error:
            raise BadFile(f"{words[0]}/log.jsonl is no log of a run: {type(error).__name__} {error}") from None
    except BadFile as error:
        print(f"learning: {error}", file=sys.stderr)
        return 1
    print(text)
    print(*notes, sep="\n", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
