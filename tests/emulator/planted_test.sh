#!/bin/sh
# What the emulator finds: planted_test.sh PROGRAM BUILD      BUILD: plain, asan or tsan
#
# Runs every planted bug with seeds 0 to 2, each in a process of its own, prints in how many of them it was found, and
# fails when that is not what the table says. A cell is NUMBER:WORDS: found in so many of the three (1+ means at least
# one), and then a line with these words, spaces written as dots, is in the output.
set -eu
program=$1
build=$2
case $build in
  plain) column=2 ;;
  asan) column=3 ;;
  tsan) column=4 ;;
  *) printf 'planted_test: BUILD must be plain, asan or tsan, got "%s"\n' "$build" >&2; exit 2 ;;
esac
[ -x "$program" ] || { printf "planted_test: no program %s\n" "$program" >&2; exit 2; }
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# bug                       plain                     asan                      tsan
table='
no-barrier-reused-buffer    1+:wrong.result           1+:wrong.result           3:data.race
no-barrier-tree             1+:wrong.result           1+:wrong.result           3:data.race
no-barrier-tile             1+:wrong.result           1+:wrong.result           3:data.race
exit-before-barrier         3:have.left.the.kernel    3:have.left.the.kernel    3:have.left.the.kernel
divergent-barrier           3:different.barriers      3:different.barriers      3:different.barriers
no-syncwarp                 3:wrong.result            3:wrong.result            3:data.race
mask-names-absent-lane      3:mask.0xffffffff         3:mask.0xffffffff         3:mask.0xffffffff
mask-leaves-out-caller      3:leaves.out.lane.0       3:leaves.out.lane.0       3:leaves.out.lane.0
shuffle-from-absent-lane    3:takes.no.part           3:takes.no.part           3:takes.no.part
not-atomic                  0:                        0:                        3:data.race
blocks-race                 0:                        0:                        3:data.race
no-fence                    0:                        0:                        3:data.race
write-past-end              3:written.past.the.end    3:AddressSanitizer        3:written.past.the.end
read-past-end               3:wrong.result            3:AddressSanitizer        3:wrong.result
never-written               3:wrong.result            3:wrong.result            3:wrong.result
null-pointer                3:memory.that.is.not.there  3:(runtime.error|SEGV)  3:SEGV
freed-memory                3:(wrong.result|no.device.memory)  3:no.device.memory  3:(wrong.result|no.device.memory)
shared-past-end             3:past.the.end.of.an.array  3:AddressSanitizer      3:past.the.end.of.an.array
shared-past-odd-end         3:past.the.end.of.an.array  3:AddressSanitizer      3:past.the.end.of.an.array
shared-never-written        3:wrong.result            3:wrong.result            3:wrong.result
shared-not-asked-for        3:asked.for.none          3:asked.for.none          3:asked.for.none
too-much-shared             3:at.most.48.KiB          3:at.most.48.KiB          3:at.most.48.KiB
misaligned-float4           3:misaligned.access                       3:misaligned.address      3:SEGV
stack-overflow              3:KiB.of.stack            3:stack-overflow          3:(SEGV|stack-overflow)
read-before-wait            3:wrong.result            3:wrong.result            3:wrong.result
staging-reused              3:wrong.result            3:wrong.result            3:wrong.result
no-event-between-streams    3:wrong.result            3:wrong.result            3:wrong.result
default-does-not-wait       3:wrong.result            3:wrong.result            3:wrong.result
free-is-no-wait             3:wrong.result            3:wrong.result            3:wrong.result
host-pointer                3:no.device.memory        3:no.device.memory        3:no.device.memory
host-pointer-in-struct      3:host.s.memory           3:host.s.memory           3:host.s.memory
host-touches-device         0:                        3:AddressSanitizer        0:
wrong-copy-kind             3:is.not.device.memory    3:is.not.device.memory    3:is.not.device.memory
too-long-copy               3:more.than               3:more.than               3:more.than
too-many-threads            3:invalid.configuration   3:invalid.configuration   3:invalid.configuration
too-much-dynamic-shared     3:invalid.argument        3:invalid.argument        3:invalid.argument
leak                        3:never.freed             3:never.freed             3:never.freed
free-twice                  3:cudaFree.of             3:cudaFree.of             3:cudaFree.of
wrong-leading-dimension     3:leading.dimension       3:leading.dimension       3:leading.dimension
'

# It waits a second at the end for threads that might still race; here none are left.
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}atexit_sleep_ms=0"
failed=0
# run BUG: sets $found and $said
run() {
  found=0
  said=0
  for seed in 0 1 2; do
    if ! TENFOLD_EMULATOR_SEED=$seed "$program" $1 >"$output" 2>&1; then
      found=$((found + 1))
      if [ -z "$words" ] || grep -E -q -e "$words" "$output"; then said=$((said + 1)); fi
    fi
  done
}

printf '%-29s %s\n' 'planted bug' "found in $build, of 3 seeds"
words=
run ''
printf '%-29s %s\n' none "$found"
if [ "$found" -ne 0 ]; then
  cat "$output"
  failed=1
fi
for bug in $(printf '%s' "$table" | awk 'NF { print $1 }'); do
  cell=$(printf '%s' "$table" | awk -v bug="$bug" -v column="$column" '$1 == bug { print $column }')
  words=${cell#*:}
  wanted=${cell%%:*}
  run "$bug"
  printf '%-29s %s\n' "$bug" "$found"
  case $wanted in
    1+) [ "$found" -ge 1 ] && ok=1 || ok=0 ;;
    *) [ "$found" -eq "$wanted" ] && ok=1 || ok=0 ;;
  esac
  if [ "$ok" = 0 ] || [ "$said" -ne "$found" ]; then
    printf '  expected %s, saying "%s"; it said so in %s; the last output:\n' "$wanted" "$words" "$said"
    head -n 8 "$output" | cut -c1-300 | sed 's/^/    /'
    failed=1
  fi
done
exit "$failed"
