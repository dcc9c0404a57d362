"""Prints the scores that bleu_test.cpp and chrf_test.cpp expect, as rows to paste there. See README.md."""
import pathlib
import re

import sacrebleu


def read_sets(path):
    sets, name = {}, None
    for line in path.read_text(encoding="utf-8").split("\n"):
        heading = re.fullmatch(r"\[(.+)\]", line)
        if heading:
            name = heading.group(1)
            sets[name] = ([], [])
        elif name and "\t" in line:
            for side, text in zip(sets[name], line.split("\t")):
                side.append(text)
    return sets


def print_rows(sets, metrics):
    for name, (hypotheses, references) in sets.items():
        for settings, metric in metrics:
            line = metric.corpus_score(hypotheses, [references]).format()
            print(f'    {{"{name}", {settings}, "{line.partition(" = ")[2]}"}},')


sets = read_sets(pathlib.Path(__file__).with_name("metric_samples.txt"))
print("sacreBLEU", sacrebleu.__version__)
print_rows(sets, [(f'"{tok}", {"true" if lc else "false"}', sacrebleu.BLEU(tokenize=tok, lowercase=lc))
                  for tok, lc in [("13a", False), ("zh", False), ("none", False), ("13a", True), ("zh", True)]])
print_rows(sets, [("true" if lc else "false", sacrebleu.CHRF(lowercase=lc)) for lc in (False, True)])
