#!/bin/sh
# The course's build tools: course_tools_test.sh LESSONS MUTANTS COMPILER, the two programs and what compiles theirs.
lessons=$1
mutants=$2
compiler=$3
. "$(dirname "$0")/harness.sh"
cd "$scratch" || exit 1

# --- lessons: regions are filled, and found out when they are stale ---
mkdir page
cat >page/results.json <<'JSON'
{"chapter": 3, "seeds": [1],
 "facts": [{"name": "soft", "value": 0.83, "text": "0.83 ± 0.01", "tolerance": {"absolute": 0.1, "relative": 0}},
           {"name": "two words", "value": 7, "text": "7"}],
 "claims": [{"name": "a", "text": "it holds", "holds": true}],
 "tables": [{"name": "t", "rows": [["x", "y"], ["1", "2"]]}]}
JSON
printf '// [part]\n  int x;\n    int y;\n// [/part]\nint z;\n' >page/code.hpp
page() { printf '%s\n' "$@" >page/README.md; }
page 'It is <!--= soft -->?<!--/-->, twice <!--=soft--><!--/-->.' 'And <!--= two words -->?<!--/-->' '<!-- begin table t -->stale' '<!-- end -->' \
  '<!-- begin code code.hpp part --><!-- end -->' '<!-- begin claims --><!-- end --> the end'
try "$lessons" --check page/README.md
check 'stale: found' status 1
check 'stale: named' says 'not up to date'
try "$lessons" page/README.md
check 'filled: succeeds' status 0
filled() { grep -qF -e "$1" page/README.md; }
check 'filled: a fact' filled 'It is <!--= soft -->0.83 ± 0.01<!--/-->, twice <!--=soft-->0.83 ± 0.01<!--/-->.'
check 'filled: a fact with a space in its name' filled 'And <!--= two words -->7<!--/-->'
check 'filled: a table' filled '| 1 | 2 |'
check 'filled: what stood there is gone' no filled 'stale'
check 'filled: code without its indent' grep -qx 'int x;' page/README.md
check 'filled: code keeps what is further in' grep -qx '  int y;' page/README.md
check 'filled: only the region' no filled 'int z;'
check 'filled: claims' filled '- ✔ it holds'
check 'filled: the rest stays' filled '<!-- end --> the end'
cp page/README.md once.md
try "$lessons" page/README.md
check 'filled twice: the same' cmp -s once.md page/README.md
try "$lessons" --check page/README.md
check 'filled: passes the check' status 0
sed -i 's/0\.83 ± 0\.01/0.99/' page/README.md
try "$lessons" --check page/README.md
check 'a number typed by hand: found' status 1

for bad in 'A <!--= none -->?<!--/-->' 'A <!--= soft -->?' '<!-- begin table none --><!-- end -->' '<!-- begin table t -->' \
  '<!-- begin nonsense --><!-- end -->' '<!-- begin code code.hpp none --><!-- end -->' '<!-- begin code none.hpp part --><!-- end -->'; do
  page "$bad"
  cp page/README.md before.md
  try "$lessons" page/README.md
  check "bad page: $bad" status 1
  check 'bad page: one line' [ "$(wc -l <out)" -eq 1 ]
  check 'bad page: untouched' cmp -s before.md page/README.md
done
try "$lessons"
check 'no page: usage' status 2

# --- mutants ---
cat >exercise.hpp <<'CPP'
#pragma once
#include <map>
namespace exercise {  // a comment; with {
struct Pair { int a = 0, b = 0; int sum() const { return a + b; } };
inline constexpr int one = 1;
int f();  ///< one
Pair   swapped(const Pair& p,
               const std::map<int, int>& by);
}
CPP
cat >solution.cpp <<'CPP'
#include "exercise.hpp"
namespace exercise {
namespace {
int mine() {
  return 1;
}
}
int f() { return mine(); }
Pair swapped(const Pair& p, const std::map<int, int>& by) { return {p.b, by.at(5) + f()}; }
}
CPP
cat >main.cpp <<'CPP'
#include <cstdio>
#include "exercise.hpp"
int main() {
  const exercise::Pair p = exercise::swapped({5, 6}, {{5, 50}});
  std::printf("%d %d %d\n", exercise::f(), p.a, p.b);
}
CPP
table() { printf '%s\n' "$@" >table.txt; }
table 'mutant two' 'breaks b' 'find   {\n  return 1;' 'write  { return 2;' 'fails  c: m' 'mutant a-b' 'breaks b' 'find p.b' \
  'write  p.a' 'fails c: m'
try "$mutants" join table.txt exercise.hpp solution.cpp all.cpp
check 'mutants are joined' status 0
check 'joined: the fault is made' grep -qx 'int mine() { return 2;' all.cpp
check 'joined: it compiles' "$compiler" -std=c++20 -I. all.cpp main.cpp -o joined
try env TENFOLD_MUTANT=two ./joined
check 'joined: the one that is asked for' says '2 6 52'
try env TENFOLD_MUTANT=a-b ./joined
check 'joined: another' says '1 5 51'
try env TENFOLD_MUTANT=none ./joined
check 'joined: none of them' says 'must name a mutant'
# refused WHY LINES...: a table of which nothing but its last lines is wrong
refused() {
  why=$1
  shift
  table 'mutant two' 'breaks b' 'find   1;' 'write  2;' 'fails  c: m' "$@"
  try "$mutants" join table.txt exercise.hpp solution.cpp all2.cpp
  check "bad table ($why): fails" status 1
  check "bad table ($why): says why" says "$why"
  check "bad table ($why): writes nothing" no [ -e all2.cpp ]
}
refused 'must occur exactly once in the solution: nowhere' 'find   nowhere'
refused 'must occur exactly once in the solution: return' 'find   return'
refused 'unknown key "nonsense"' 'nonsense x'
refused '"fails" must be CHECK: TEXT' 'fails  c'
refused 'lacks one of breaks, find, fails' 'mutant three' 'breaks b' 'find   6;'
refused 'the mutant two is there already' 'mutant two' 'breaks b' 'find   by.at(5)' 'fails  c: m'
refused 'must be letters, digits and dashes' "mutant it's" 'breaks b' 'find   by.at(5)' 'fails  c: m'
: >table.txt
try "$mutants" join table.txt exercise.hpp solution.cpp all2.cpp
check 'an empty table: fails' status 1
check 'an empty table: says why' says 'there is no mutant'
table 'mutant two' 'breaks b' 'find   1;' 'write  2;' 'fails  c: m'
while read -r why bad; do
  echo "$bad" >bad.hpp
  try "$mutants" join table.txt bad.hpp solution.cpp all2.cpp
  check "bad header ($bad): fails" status 1
  check "bad header ($bad): says which" says 'solution.cpp with bad.hpp, table.txt: '
  check "bad header ($bad): says why" says "$why"
  check "bad header ($bad): writes nothing" no [ -e all2.cpp ]
done <<'END'
names: namespace exercise { int f(int); }
names: namespace exercise { int f(int (*g)(int)); }
opening int f();
arguments namespace exercise { int f(int a = 1); }
specifiers: namespace exercise { int f() noexcept; }
comments /* { */ namespace exercise { int f(); }
different namespace exercise { int f(int a); int f(); }
END

program() { printf '#!/bin/sh\n%s\n' "$2" >"$1"; chmod +x "$1"; }
program ./stub_good 'echo "  ✘ sums: no"; exit 1'
program ./solution_good 'echo "  ✔ sums"; exit 0'
program ./mutants 'echo "  ✘ sums: row 0 sums to 3"; exit 1'
four() {
  : >table.txt
  for i in 1 2 3 4; do printf 'mutant %s\nbreaks b\nfind x\nfails sums: %s\n' "$i" "$1" >>table.txt; done
}
four 'sums to 3'
try "$mutants" prove table.txt ./stub_good ./solution_good ./mutants
check 'all as it should be: succeeds' status 0
check 'all as it should be: the closing line' says '7 passed, 0 failed'
try "$mutants" prove table.txt ./solution_good ./solution_good ./mutants
check 'a stub that passes: found' status 1
try "$mutants" prove table.txt ./stub_good ./stub_good ./mutants
check 'a solution that fails: found' status 1
four 'something else'
try "$mutants" prove table.txt ./stub_good ./solution_good ./mutants
check 'another message than stated: found' says '3 passed, 4 failed'
four 'sums to 3'
program ./mutants 'echo "  ✘ sums: row 0 sums to 3"; [ $TENFOLD_MUTANT = 3 ]'
try "$mutants" prove table.txt ./stub_good ./solution_good ./mutants
check 'a mutant that survives: found' says '6 passed, 1 failed'
table 'mutant 1' 'breaks b' 'find   x' 'fails  sums: sums to 3'
try "$mutants" prove table.txt ./stub_good ./solution_good ./mutants
check 'fewer than four mutants: found' status 1
finish
