#!/bin/sh
# scripts/course on a small course of its own; a stand-in for cmake "builds" an exercise by what its text says.
. "$(dirname "$0")/harness.sh"

bin=$scratch/bin
course=$scratch/course
mkdir -p "$bin"
# The program an exercise becomes: "right" passes, "wrong" fails a check, "broken" does not compile.
# shellcheck disable=SC2016
stub cmake <<'STUB'
for word; do case $word in exercise_*) target=$word ;; esac; done
[ -n "${target:-}" ] || exit 0
number=${target#exercise_}
text=$(cat chapters/"$number"-*/exercise/exercise.cpp)
case $text in
  *broken*) echo "$PWD/chapters/x/exercise/exercise.cpp:7:3: error: expected a semicolon"; exit 1 ;;
  *missing*) echo "/usr/bin/ld: check.cpp:(.text+0x1): undefined reference to \`exercise::softmax(int)'"; exit 1 ;;
  *right*) result='echo "1 of 1 checks passed"' ;;
  *) result='echo "  ✘ sums: row 0 sums to 3"; exit 1' ;;
esac
mkdir -p build/chapters
printf '#!/bin/sh\n%s\n' "$result" >"build/chapters/$target"
chmod +x "build/chapters/$target"
STUB
chapter() {  # chapter NN NAME
  mkdir -p "$course/chapters/$1-$2/exercise"
  echo '// stub' >"$course/chapters/$1-$2/exercise/stub.cpp"
  printf '# Hints\n\n## 1\nfirst hint\n\n## 2\nsecond hint\n' >"$course/chapters/$1-$2/exercise/hints.md"
}
fresh() {
  rm -rf "$course"
  mkdir -p "$course/scripts" "$course/build/chapters"
  cp "$here/scripts/course" "$course/scripts/course"
  printf '#!/bin/sh\nexit 0\n' >"$course/scripts/build"
  chmod +x "$course/scripts/build"
  chapter 01 first
  chapter 02 second
  printf '#!/bin/sh\necho "ran $*"\n' >"$course/build/chapters/chapter_02"
  chmod +x "$course/build/chapters/chapter_02"
}
course() { try env PATH="$bin:$PATH" BUILD=build YES="${yes:-}" sh "$course/scripts/course" "$@"; }
write() { echo "$2" >"$course/chapters/$1/exercise/exercise.cpp"; }
mine() { cat "$course/chapters/$1/exercise/exercise.cpp"; }

fresh
course check 1
check 'untouched: fails' status 1
check 'untouched: says so' says 'not started'
check 'untouched: the file is there now' [ "$(mine 01-first)" = '// stub' ]
write 01-first right
course check 1
check 'right: succeeds' status 0
check 'right: says so' says 'Chapter 01 is done.'
course check 01
check '01 is 1' status 0
write 01-first 'no idea'
course check 1
check 'wrong: fails' status 1
check 'wrong: shows the check' says 'sums: row 0 sums to 3'
check 'wrong: names the file' says 'chapters/01-first/exercise/exercise.cpp'
write 01-first broken
course check 1
check 'broken: fails' status 1
check 'broken: says so' says 'does not compile yet'
check 'broken: shows where' says 'line 7:3: error: expected a semicolon'
write 01-first missing
course check 1
check 'a function left out: named' says 'exercise::softmax(int) is not there'
write 01-first broken

course check
check 'score: fails while something is left' status 1
check 'score: names the state' says 'does not compile'
check 'score: the other is not started' says 'not started'
check 'score: counts' says '0 of 2 done'
write 01-first right
write 02-second wrong
course check
check 'score: what fails first' says 'sums: row 0 sums to 3'
check 'score: one' says '1 of 2 done'
write 02-second right
course check
check 'score: all' says '2 of 2 done'
check 'score: succeeds' status 0

course chapter 2 --predict 3
check 'chapter: runs with its options' says 'ran --predict 3'
for wrong in 0 11 x ''; do
  course chapter "$wrong"
  check "chapter '$wrong': usage" status 2
done
course nonsense
check 'an unknown command: usage' status 2

course hint 1
check 'hint: the first' says 'first hint'
check 'hint: counts' says 'hint 1 of 2'
check 'hint: not the second' no says 'second hint'
course hint 1
check 'hint: the second' says 'second hint'
check 'hint: where the solution is' says 'solution/'
course hint 1
check 'hint: stays at the last' says 'hint 2 of 2'

course reset 1
check 'reset without a yes: fails' status 1
check 'reset without a yes: keeps what was written' [ "$(mine 01-first)" = right ]
yes=1
course reset 1
check 'reset: succeeds' status 0
check 'reset: the stub is back' [ "$(mine 01-first)" = '// stub' ]
course hint 1
check 'reset: hints begin again' says 'hint 1 of 2'
finish
