#!/usr/bin/env python3
"""What is shown of a measurement of bench.py.

    report.py table FILE                 its tables
    report.py compare OLD NEW            what changed (make bench-compare OLD=a.json NEW=b.json), and whether that is more than noise
    report.py page FILE PAGE [--check]   puts the tables between PAGE's marks; --check: exit 1 unless they stand there
    report.py card FILE PAGE [--check]   the same with what was seen on a card: tests, card.py's JSON as "bench", cuda_ladder_card
"""
import json
import math
import statistics
import sys

FORMAT = "tenfold-bench-1"
BEGIN, END = "<!-- begin measured -->", "<!-- end measured -->"
SIDES = ("tenfold", "pytorch")
MEGABYTE = 1e6
# What we set out to reach, on two threads: "×" is PyTorch's figure over ours or ours over its.
GOALS = {
    "train.tiny.2.tokens": "2.5 ×", "train.small.2.tokens": "1.8 ×", "train.tiny.2.share": "65 %", "train.small.2.share": "80 %",
    "train.tiny.2.memory": "300 MB", "train.small.2.memory": "500 MB", "scaling.tiny": "1.7", "scaling.small": "1.7",
    "decode.small.beam1.batch1.1": "8 ×", "decode.small.beam1.batch32.2": "8 ×", "beam.small": "at most 4", "beam.trained": "at most 4",
    "start": "50 ms", "build.tenfold": "60 s", "build.all": "180 s"}


class BadFile(Exception):
    """One line for the user."""


def threads(count):
    return "1 thread" if count == 1 else f"{count} threads"


def summary(values):
    return dict(median=statistics.median(values), least=min(values), greatest=max(values), values=values)


def summaries(raw):
    """bench.py's values by round as figures; the ratio says how many times better tenfold is."""
    metrics = []
    for key, entry in raw.items():
        metric = dict(key=key, **{name: entry[name] for name in ("what", "unit", "better")})
        for side in SIDES:
            if side in entry:
                metric[side] = summary(entry[side])
        if all(side in entry for side in SIDES):
            pairs = zip(entry["tenfold"], entry["pytorch"])
            metric["ratio"] = summary([a / b if entry["better"] == "higher" else b / a for a, b in pairs])
        metrics.append(metric)
    return metrics


def number(x):
    """Three digits that count."""
    if x == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(x))))
    text = f"{x:,.{digits}f}"
    return text


def spread(figure):
    if len(figure["values"]) == 1:
        return number(figure["median"])
    return f"{number(figure['median'])} ({number(figure['least'])}–{number(figure['greatest'])})"


def cell(metric, side):
    return spread(metric[side]) if side in metric else ""


def rows(head, body):
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *body])


def metrics_table(result):
    body = [[m["what"], m["unit"], cell(m, "tenfold"), cell(m, "pytorch"), cell(m, "ratio") + (" ×" if "ratio" in m else ""),
             GOALS.get(m["key"], "")] for m in result["metrics"]]
    return rows(["what", "unit", "tenfold", "PyTorch", "better by", "goal"], [[c.strip() for c in row] for row in body])


def exponent(xs, ys):
    """The slope of the least-squares line through (log x, log y)."""
    xs, ys = [math.log(x) for x in xs], [math.log(y) for y in ys]
    mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / sum((x - mean_x) ** 2 for x in xs)


def crossing(lengths, over, under):
    """Where `over` first exceeds `under`, between two lengths in proportion to the logarithms; None if nowhere."""
    gaps = [math.log(a / b) for a, b in zip(over, under)]
    for i, gap in enumerate(gaps):
        if gap > 0:
            if i == 0:
                return lengths[0]
            share = -gaps[i - 1] / (gap - gaps[i - 1])
            return round(lengths[i - 1] * (lengths[i] / lengths[i - 1]) ** share)
    return None


def length_section(cost):
    r = cost["rows"]
    lengths, attention = [x["length"] for x in r], [x["attention"] for x in r]
    rest = [max(x["layer"] - x["attention"], 1e-9) for x in r]
    of_batch = [x["attention_of_batch"] for x in r]
    long = [i for i, x in enumerate(lengths) if x >= 256]
    fits = [f"Attention's time grows as length^{exponent(lengths, attention):.2f} at {cost['tokens']} tokens in all, "
            f"and as length^{exponent(lengths, of_batch):.2f} with {cost['batch']} sentences"]
    if len(long) > 1:
        pick = lambda values: [values[i] for i in long]
        fits.append(f"from 256 tokens on as length^{exponent(pick(lengths), pick(attention)):.2f} and "
                    f"length^{exponent(pick(lengths), pick(of_batch)):.2f} (arithmetic says 1 and 2)")
    at = crossing(lengths, attention, rest)
    where = f"It overtakes the rest of the layer at {at} tokens." if at else \
        f"Up to {lengths[-1]} tokens it stays below the rest of the layer."
    head = ["length", "attention, ms", "rest of the layer, ms", f"attention of {cost['batch']} sentences, ms"]
    of_rest = [number(1e3 * x) if x > 1e-9 else "in the noise" for x in rest]
    body = [[str(n), number(1e3 * a), b, number(1e3 * c)] for n, a, b, c in zip(lengths, attention, of_rest, of_batch)]
    return f"{'; '.join(fits)}. {where}\n\n{rows(head, body)}"


def vocabulary_section(cost):
    r = cost["rows"]
    same = [x for x in r if x["tokens"] == 4096]
    grown = exponent([x["vocabulary"] for x in same], [x["seconds"] for x in same])
    extra = lambda x: x["peak_bytes"] - x["gradient_bytes"]
    over_tokens = [x for x in r if x["vocabulary"] == 8000]
    few, many = over_tokens[0], over_tokens[-1]
    text = (f"Output layer and loss take time as vocabulary^{grown:.2f} at 4096 tokens. Beyond inputs and gradients they hold "
            f"{number(extra(few) / MEGABYTE)} MB for {few['tokens']} tokens and {number(extra(many) / MEGABYTE)} MB for "
            f"{many['tokens']}, at 8000 pieces; all logits at once would be {number(many['logits_bytes'] / MEGABYTE)} MB.")
    body = [[str(x["tokens"]), str(x["vocabulary"]), number(1e3 * x["seconds"]), number(x["gradient_bytes"] / MEGABYTE),
             number(extra(x) / MEGABYTE), number(x["logits_bytes"] / MEGABYTE)] for x in r]
    head = ["tokens", "vocabulary", "ms", "gradients, MB", "held beyond them, MB", "all logits would be, MB"]
    return f"{text}\n\n{rows(head, body)}"


def setting(result):
    m, quick = result["machine"], " (quick: fewer steps, not for comparing)" if result["quick"] else ""
    rounds = "one round" if result["rounds"] == 1 else f"medians of {result['rounds']} rounds, with least and greatest"
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return (f"`{result['command']}`, {result['date']}, {result['minutes']} minutes, {rounds}{quick}. Text: {result['text']}; "
            f"{100 * result['padding']:.1f} % of the batches' positions are padding."
            f"{' The trained model: ' + result['model'] + '.' if result.get('model') else ''}\n\n"
            f"Machine: {m['processor']}, {m['cores']} cores, {m['memory_gb']} GB, {m['system']}, Linux {m['kernel']}; load "
            f"before the run {result['load_before']}; meanwhile other programs used {result['others']} cores. Versions: {versions}.")


def page(result):
    return "\n\n".join([setting(result), metrics_table(result), "**Length.** " + length_section(result["costs"]["length"]),
                        "**Vocabulary.** " + vocabulary_section(result["costs"]["vocabulary"])])


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            result = json.load(file)
    except OSError as error:
        raise BadFile(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise BadFile(f"{path} is not JSON: {error}") from None
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise BadFile(f"{path} is no measurement of make bench (its format should be {FORMAT})")
    try:
        page(result)
        compare(result, result)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError) as error:
        raise BadFile(f"{path} is a damaged measurement: {type(error).__name__} {error}") from None
    return result


def verdict(old, new, better):
    """Beyond noise: the ranges do not meet, and the medians are further apart than either range is wide."""
    if min(len(old["values"]), len(new["values"])) < 2:
        return "one round: noise unknown"
    apart = new["least"] > old["greatest"] or new["greatest"] < old["least"]
    width = max(figure["greatest"] - figure["least"] for figure in (old, new))
    if not apart or abs(new["median"] - old["median"]) <= width:
        return "within noise"
    return "**better**" if (new["median"] > old["median"]) == (better == "higher") else "**worse**"


def compare(old, new):
    """The engine's figures first, then the ratios, in which a machine's drift cancels."""
    before = {m["key"]: m for m in old["metrics"]}
    body = []
    for name, better in (("tenfold", None), ("ratio", "higher")):
        for m in new["metrics"]:
            o = before.get(m["key"])
            if not o or name not in m or name not in o:
                continue
            a, b = o[name], m[name]
            unit = m["unit"] if name == "tenfold" else "× PyTorch"
            change = f"{100 * (b['median'] / a['median'] - 1):+.1f} %" if a["median"] else ""
            body.append([m["what"], unit, spread(a), spread(b), change, verdict(a, b, better or m["better"])])
    notes = [f"Not the same {name}; before: {a}; now: {b}" for name, a, b in
             (("machine", old["machine"]["processor"], new["machine"]["processor"]), ("text", old["text"], new["text"]),
              ("trained model", old.get("model", ""), new.get("model", "")),
              ("length of run (quick)", old["quick"], new["quick"])) if a != b]
    kept = {m["key"] for m in new["metrics"]}
    notes += [f"No longer measured: {m['what']}, {m['unit']}" for m in old["metrics"] if m["key"] not in kept]
    return "\n".join([*notes, rows(["what", "unit", "old", "new", "change", ""], body)])


def beside_table(beside):
    """Both sides on one card."""
    body = [[m["what"], m["unit"], cell(m, "tenfold"), cell(m, "pytorch"), cell(m, "ratio") + (" ×" if "ratio" in m else "")]
            for m in beside["metrics"]]
    return rows(["what", "unit", "tenfold", "PyTorch", "better by"], [[c.strip() for c in row] for row in body])


def card_page(card):
    """What was seen on a card: the tests, the kernels beside the card's limits, whole steps, the ladder."""
    bench, beside = card["bench"], card["bench"]["beside"]
    tests = [[f"`{t['program']}`", f"{t['cases']:,}", f"{t['assertions']:,}", f"{t['seconds']:.1f}"] for t in card["tests"]]
    kernels = []
    for k in bench["kernels"]:
        rate, work = k["bytes"] / k["us"] * 1e-3, k["flops"] / k["us"] * 1e-6
        kernels.append([f"`{k['name']}`", k["shape"], number(k["us"]), number(rate), f"{100 * rate / bench['copy_gb_per_s']:.0f} %",
                        number(work) if work else "", f"{100 * work / bench['sgemm_tflop_per_s']:.0f} %" if work else ""])
    steps = [[f"`{s['preset']}`", number(s["ms"]), f"{s['tokens_per_s']:,.0f}", f"{s['megabytes']:.0f}"] for s in bench["steps"]]
    ladder = [[l["what"], l["version"], l["change"], number(l["us"]), f"{l['rate']:,} {l['unit']}"] for l in card["ladder"]]
    return "\n\n".join([
        f"Measured {card['date']} at commit {card['commit']} on one {bench['card']}, driver {card['driver']}. The tests (`make test-cuda`):",
        rows(["program", "test cases passed", "checks", "seconds"], tests),
        *card["notes"],
        f"Training and translating beside PyTorch {beside['pytorch']} on the same card (`make bench-cuda`; {beside['text']}, "
        f"batches of 4096 tokens, float32, one thread of the host; PyTorch eager, with `scaled_dot_product_attention` and its fused Adam; "
        f"memory as either side's allocator has reserved it, which for PyTorch includes cuBLAS's workspace), medians of "
        f"{beside['rounds']} rounds, with least and greatest:",
        beside_table(beside),
        f"Kernels (`make bench-cuda`), beside what the card did in the same run: copying {number(bench['copy_gb_per_s'])} GB/s (read "
        f"and written), cuBLAS's SGEMM {number(bench['sgemm_tflop_per_s'])} TFLOP/s. Bytes and operations are the least the task needs. Small "
        "ones live in the card's cache and may exceed the copy.",
        rows(["kernel", "shape", "µs", "GB/s", "of copying", "TFLOP/s", "of SGEMM"], kernels),
        "A whole training step, 128 sentences of up to 32 tokens on either side:",
        rows(["preset", "ms", "target tokens/s", "MB reserved"], steps),
        "The [ladder](cuda-ladder.md) (`cuda_ladder_card`), medians:",
        rows(["what", "version", "", "µs", "rate"], ladder)])


def load_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise BadFile(f"{path}: {error}") from None


def fill(text, path, check):
    """Puts `text` between the page's marks. Whether it stood there already."""
    try:
        with open(path, encoding="utf-8") as file:
            old = file.read()
        if old.count(BEGIN) != 1 or old.count(END) != 1 or old.index(BEGIN) > old.index(END):
            raise BadFile(f"{path}: one {BEGIN} and after it one {END} are needed")
        head, tail = old.split(BEGIN)[0], old.split(END)[1]
        filled = f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}"
        if filled != old and not check:
            with open(path, "w", encoding="utf-8") as file:
                file.write(filled)
        return filled == old
    except OSError as error:
        raise BadFile(f"{path}: {error.strerror}") from None


def main(words):
    try:
        match words:
            case ["table", path]:
                print(page(load(path)))
            case ["compare", "", _] | ["compare", _, ""]:
                raise BadFile("which two? Say:  make bench-compare OLD=a.json NEW=b.json")
            case ["compare", old, new]:
                print(compare(load(old), load(new)))
            case ["page", path, target]:
                result = load(path)
                if result["quick"]:
                    raise BadFile(f"{path} was measured with QUICK=1; the page shows whole measurements only")
                fill(page(result), target, False)
            case ["page", path, target, "--check"]:
                if not fill(page(load(path)), target, True):
                    raise BadFile(f"{target} does not show {path}; run make bench-page")
            case ["card", path, target]:
                fill(card_page(load_json(path)), target, False)
            case ["card", path, target, "--check"]:
                if not fill(card_page(load_json(path)), target, True):
                    raise BadFile(f"{target} does not show {path}; run tests/bench/report.py card")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except BadFile as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
