#!/bin/sh
# The tools of make bench: what they say of measurements, good and bad. Nothing is measured here.
. "$(dirname "$0")/harness.sh"

command -v python3 >/dev/null || {
  echo 'skipped: python3 is not installed (scripts/setup bench)'
  exit 77
}
json=$here/docs/performance.json
page=$here/docs/performance.md
export PYTHONDONTWRITEBYTECODE=1
report() { try python3 "$here/tests/bench/report.py" "$@"; }
one_line() { [ "$(wc -l <"$scratch/out")" -eq 1 ]; }
# altered NAME STATEMENT: the committed measurement with a change, in $scratch/NAME
altered() {
  python3 -c "
import json, sys
r = json.load(open(sys.argv[1]))
by_key = {m['key']: m for m in r['metrics']}
def scale(key, factor):
    for figure in (side for side in by_key[key].values() if isinstance(side, dict)):
        for name in ('median', 'least', 'greatest'): figure[name] *= factor
        figure['values'] = [v * factor for v in figure['values']]
$2
json.dump(r, open(sys.argv[2], 'w'))" "$json" "$scratch/$1"
}

# The page.
report card "$here/docs/card.json" "$here/docs/cuda.md" --check
check 'docs/cuda.md shows docs/card.json' status 0
report page "$json" "$page" --check
check 'docs/performance.md shows docs/performance.json' status 0
report page "$here/docs/performance-avx2.json" "$here/docs/performance-avx2.md" --check
check 'docs/performance-avx2.md shows docs/performance-avx2.json' status 0
sed 's/^| training `tiny`, 2 threads | target tokens.s | ./&9/' "$page" >"$scratch/page.md"
check 'the sample is another page' no cmp -s "$page" "$scratch/page.md"
report page "$json" "$scratch/page.md" --check
check 'another figure in the page is noticed' status 1
check 'and one line says so' one_line
report page "$json" "$scratch/page.md"
check 'filling the page mends it' cmp -s "$page" "$scratch/page.md"
grep -v 'end measured' "$page" >"$scratch/open.md"
report page "$json" "$scratch/open.md"
check 'a page without marks is refused' status 1
check 'in one line' one_line

altered quick.json "r['quick'] = True"
report page "$scratch/quick.json" "$scratch/page.md"
check 'a quick measurement is not for the page' status 1
check 'says one line' one_line

# Comparing: with rounds that are a hundredth apart, however far apart those of the page are.
altered steady.json "
for m in r['metrics']:
    for figure in (side for side in m.values() if isinstance(side, dict)):
        x = figure['median']
        figure.update(median=1.005 * x, least=x, greatest=1.01 * x, values=[x, 1.01 * x])"
cp "$scratch/steady.json" "$scratch/measurement.json"
json=$scratch/measurement.json
altered faster.json "scale('train.tiny.2.tokens', 2); scale('train.small.2.memory', 2); scale('train.small.2.gflops', 1.0001)"
report compare "$json" "$json"
check 'a measurement compared with itself' status 0
check 'has not changed' says '+0.0 % | within noise'
check 'nowhere' no grep -qE 'better|worse' "$scratch/out"
report compare "$json" "$scratch/faster.json"
check 'twice the rate is better' grep -qE 'training `tiny`, 2 threads \| target tokens/s .*\+100.0 % \| \*\*better' "$scratch/out"
check 'twice the memory is worse' grep -qE 'training `small`, 2 threads: peak memory \| MiB .*\+100.0 % \| \*\*worse' "$scratch/out"
check 'a ten-thousandth is noise' grep -qE 'training `small`, 2 threads \| GFLOP/s .*within noise' "$scratch/out"
report compare "$scratch/faster.json" "$json"
check 'and the other way round' grep -qE 'target tokens/s .*-50.0 % \| \*\*worse' "$scratch/out"
altered other.json "r['machine']['processor'] = 'Z80'; r['metrics'] = r['metrics'][1:]"
report compare "$json" "$scratch/other.json"
check 'another machine is named' says 'now: Z80'
check 'what is no longer measured is named' says 'No longer measured: '

# Bad files: one line each.
printf 'not JSON' >"$scratch/text.json"
printf '{"format": "something"}' >"$scratch/foreign.json"
printf '[1, 2]' >"$scratch/list.json"
altered damaged.json "del r['metrics'][0]['what']"
altered figures.json "r['metrics'][0]['tenfold']['median'] = 'x'"
altered values.json "r['metrics'][0]['tenfold']['values'] = [1, 'x']; r['metrics'][0]['tenfold']['least'] = None"
altered keys.json "del r['metrics'][1]['better']"
head -c 300 "$json" >"$scratch/cut.json"
printf '\377\376' >"$scratch/bytes.json"
for bad in absent text foreign list damaged figures values keys cut bytes; do
  for order in old new; do
    if [ $order = old ]; then report compare "$scratch/$bad.json" "$json"; else report compare "$json" "$scratch/$bad.json"; fi
    check "$bad.json as $order: refused" status 1
    check "$bad.json as $order: one line" one_line
    check "$bad.json as $order: named" says "$bad.json"
  done
done
try make -s -C "$here" bench-compare OLD= NEW="$json"
check 'bench-compare without OLD: says what to give' says 'make bench-compare OLD=a.json NEW=b.json'

# Measuring.
bench() { try python3 "$here/tests/bench/bench.py" "$@"; }
bench --build "$scratch"
check 'without bench_engine: refused' status 1
check 'without bench_engine: one line that says what to run' says 'run make bench'
bench --rounds 0
check 'a bad number: refused' status 2
check 'a bad number: one line' one_line
mkdir -p "$scratch/tests"
printf '#!/bin/sh\necho "bench_engine: no room" >&2\nexit 1\n' >"$scratch/tests/bench_engine"
chmod +x "$scratch/tests/bench_engine"
bench --build "$scratch" --no-peer --out "$scratch/never.json"
check 'the engine fails: so does the run' status 1
check 'the engine fails: its reason is passed on' says 'bench: bench_engine prepare failed: bench_engine: no room'
check 'the engine fails: nothing is written' [ ! -e "$scratch/never.json" ]
bench --build "$scratch" --no-peer --out "$scratch/tests"
check 'a folder to write to: refused' status 1
check 'a folder to write to: said before anything is measured' says 'is a folder; name a file'
bench --build "$scratch" --no-peer --out "$scratch/tests/bench_engine/never.json"
check 'a folder that cannot be: refused' status 1
check 'a folder that cannot be: said before anything is measured' no says 'prepare failed'
check 'a folder that cannot be: one line' one_line
try env DATA="$scratch" python3 "$here/tests/bench/bench.py" --build "$scratch" --no-peer
check 'no text in DATA: said' says 'train.en, train.de, val.en, val.de are needed there'
mkdir "$scratch/data"
for name in train.en train.de val.en val.de; do echo a >"$scratch/data/$name"; done
try env DATA="$scratch/data" python3 "$here/tests/bench/bench.py" --build "$scratch" --no-peer --model "$scratch/absent"
check 'no such model: refused' status 1
check 'no such model: named' says "bench: --model $scratch/absent: "
check 'no such model: before anything is measured' no says 'bench_engine prepare failed'

card() { try python3 "$here/tests/bench/card.py" --build "$scratch" --out "$scratch/never.json" "$@"; }
card
check 'on a card, without bench_cuda: refused' status 1
check 'on a card, without bench_cuda: one line that says what to run' says 'run make bench-cuda'
card --rounds none
check 'on a card, a bad number: refused' status 2
check 'on a card, a bad number: one line' one_line
printf '#!/bin/sh\necho "bench_cuda: there is no card" >&2\nexit 1\n' >"$scratch/tests/bench_cuda"
chmod +x "$scratch/tests/bench_cuda"
card
check 'on a card that is not there: refused' status 1
check 'on a card that is not there: its reason is passed on' says 'bench_cuda: there is no card'
check 'on a card that is not there: nothing is written' [ ! -e "$scratch/never.json" ]
printf '#!/bin/sh\necho "{}"\n' >"$scratch/tests/bench_cuda"
card --out "$scratch/new/card.json"
check 'on a card, the engine fails: so does the run' status 1
check 'on a card, the engine fails: its reason is passed on' says 'bench-cuda: bench_engine prepare failed: bench_engine: no room'
check 'on a card, the engine fails: the kernels are written' [ "$(cat "$scratch/new/card.json")" = '{}' ]

# Written whole or not at all, through a link, and to what is no file.
written() { try env PYTHONPATH="$here/tests/bench" python3 -c "import bench; bench.save('$1', $2)"; }
echo before >"$scratch/kept.json"
ln -s kept.json "$scratch/link.json"
written "$scratch/link.json" 'object()'
check 'what cannot be written leaves what was there' [ "$(cat "$scratch/kept.json")" = before ]
(ulimit -f 0; trap '' XFSZ; written "$scratch/link.json" '{}'; exit "$status") 2>/dev/null
check 'no room leaves what was there' [ "$(cat "$scratch/kept.json")" = before ]
written "$scratch/link.json" '{}'
check 'a link leads to what is written' [ "$(cat "$scratch/kept.json")" = '{}' ]
check 'and stays a link' [ -L "$scratch/link.json" ]
check 'and nothing else is left' [ "$(ls "$scratch" | grep -c 'kept')" -eq 1 ]
mkfifo "$scratch/pipe"
cat "$scratch/pipe" >"$scratch/heard" &
written "$scratch/pipe" '{}'
wait
check 'a pipe is written to' [ "$(cat "$scratch/heard")" = '{}' ]

# BLEU against minutes, of a run that was stopped for five minutes.
learning() { try python3 "$here/tests/bench/learning.py" "$@"; }
mkdir "$scratch/run" "$scratch/bad"
python3 - >"$scratch/run/log.jsonl" <<'END'
import json
for epoch in range(1, 6):
    for step in (20 * epoch - 10, 20 * epoch):
        waited = 300 if step > 30 else 0
        print(json.dumps(dict(event="train", step=step, epoch=epoch, seconds=waited + 3 * step)))
    print(json.dumps(dict(event="validation", step=20 * epoch, epoch=epoch, seconds=waited + 60 * epoch, loss=3 / epoch, bleu=7.5 * epoch)))
END
learning "$scratch/run" 3
check 'of a run: status 0' status 0
check 'the first epoch' says '| 1.0 | 1 | 20 | 3.000 | 7.50 |'
check 'the third, a stop before it left out' says '| 3.0 | 3 | 60 | 1.000 | 22.50 |'
check 'the last' says '| 5.0 | 5 | 100 | 0.600 | 37.50 |'
check 'none between' no says '| 4 | 80 |'
check 'the best, and when' says 'The best BLEU, 37.50, is that of epoch 5, after 5.0 minutes.'
check 'the stop is said' says '1 stop of 5.0 minutes in all left out.'
learning "$scratch/absent"
check 'no run: refused' status 1
check 'no run: one line' one_line
printf '{"torn' >>"$scratch/run/log.jsonl"
learning "$scratch/run" 3
check 'a torn last line is left out' says '| 5.0 | 5 | 100 | 0.600 | 37.50 |'
cat >"$scratch/bad/log.jsonl" <<'END'
{"event": "train", "step": 20, "seconds": 20}
{"event": "train", "step": 40, "seconds": 40}
{"event": "train", "step": 60, "seconds": 60}
{"event": "validation", "step": 61, "epoch": 1, "seconds": 661, "loss": 2, "bleu": -1}
{"event": "train", "step": 80, "seconds": 680}
END
learning "$scratch/bad"
check 'a stop just before a validation is left out, and no BLEU is none' says '| 1.0 | 1 | 61 | 2.000 |  |'
check 'no BLEU is not the best' no says 'best'
numberless='{"event": "train", "seconds": "x", "step": 1}
{"event": "train", "seconds": "y", "step": 2}'
for bad in 'no JSON' '{"event": "validation"}' '[1]' "$numberless" '' \
  '{"event": "validation", "step": 1, "epoch": 1, "seconds": 1, "loss": "x", "bleu": 1}'; do
  printf '%s\n' "$bad" >"$scratch/bad/log.jsonl"
  learning "$scratch/bad"
  check "a log of '$bad': refused" status 1
  check "a log of '$bad': one line" one_line
done
learning "$scratch/run" 0
check 'every noughth epoch: refused' status 2

# Noise, exponents, where two curves meet, operations of a step.
arithmetic() { try env PYTHONPATH="$here/tests/bench" python3 -c "$1"; }
arithmetic 'import report; assert abs(report.exponent([1, 2, 4, 8], [3 * x ** 1.5 for x in (1, 2, 4, 8)]) - 1.5) < 1e-9'
check 'an exponent is the slope in logarithms' status 0
arithmetic 'import report; assert report.crossing([16, 64, 256], [1, 2, 32], [8, 8, 8]) == 128, report.crossing([16, 64, 256], [1, 2, 32], [8, 8, 8])
assert report.crossing([16, 32], [1, 2], [8, 8]) is None'
check 'where one curve overtakes another' status 0
arithmetic '
import bench
d, f, L, V, B, S, T = 256, 1024, 3, 8000, 7, 5, 4
product = lambda m, n, k: 2 * m * n * k
heads, width = 8, 32
attention = lambda t, s: B * heads * (product(t, s, width) + product(t, width, s))
forward = lambda n: product(n, f, d) + product(n, d, f)
encoder = product(B * S, 3 * d, d) + attention(S, S) + product(B * S, d, d) + forward(B * S)
decoder = (product(B * T, 3 * d, d) + attention(T, T) + product(B * T, d, d) + product(B * T, d, d) + product(B * S, 2 * d, d) +
           attention(T, S) + product(B * T, d, d) + forward(B * T))
assert bench.forward_flops("small", B, S, T) == L * (encoder + decoder) + product(B * T, V, d)'
check 'operations, counted product by product' status 0

arithmetic '
import report
verdict = lambda old, new: report.verdict(report.summary(old), report.summary(new), "higher")
assert verdict([1, 1, 3], [2.5, 4.2, 4.4]) == "within noise"  # the ranges meet
assert verdict([1, 1.9, 2], [2.1, 2.2, 3]) == "within noise"  # they do not, but are wider than the medians are apart
assert verdict([1, 1.1, 1.2], [2.1, 2.2, 2.3]) == "**better**"
assert verdict([1], [2]) == "one round: noise unknown"'
check 'what is beyond noise' status 0

finish
