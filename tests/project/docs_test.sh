#!/bin/sh
# The documentation: it builds without a warning, no link in it is dead, and it asks nothing of the outside. Each of these is
# also shown to be noticed. Skipped (77) where Doxygen is missing.
. "$(dirname "$0")/harness.sh"

for needed in doxygen awk; do
  command -v "$needed" >/dev/null || {
    echo "skipped: $needed is not installed (scripts/setup docs)"
    exit 77
  }
done
for needed in /usr/share/doxygen-awesome-css /usr/share/javascript/mathjax; do
  [ -d "$needed" ] || {
    echo "skipped: there is no $needed (scripts/setup docs)"
    exit 77
  }
done

# The text alone, so that this also runs where there is no git, and changes nothing.
tree=$scratch/tree
mkdir -p "$tree"
(cd "$here" && tar -cf - README.md LICENSE CMakeLists.txt Makefile chapters cuda docs scripts src tests) |
  tar -xf - -C "$tree"

site() { try sh "$tree/scripts/docs" "$scratch/site"; }
# links [PAGES]: all of the site, or these
links() {
  (cd "$scratch/site/html" && find . -type f | sed 's|^\./||' >../files)
  [ $# -gt 0 ] || set -- '*.html' '*.css' '*.js' 'search/*.js'
  try sh -c "cd '$scratch/site/html' && awk -f '$here/docs/site/check.awk' ../files $*"
}
site
check 'the site builds without a warning' status 0
[ "$rc" -eq 0 ] || finish
check 'there is a front page' [ -f "$scratch/site/html/index.html" ]
for page in autograd architecture adding-an-operation training checkpoints performance course; do
  check "there is a page $page" [ -f "$scratch/site/html/$page.html" ]
done
for lesson in "$here"/chapters/[0-9]*/README.md; do
  number=$(basename "$(dirname "$lesson")" | cut -c1-2)
  check "there is a page of chapter $number" [ -f "$scratch/site/html/chapter-$number.html" ]
done
links
check 'no link is dead, and nothing outside is asked for' status 0
try grep -lE '@(htmlonly|endhtmlonly|ref|subpage) |_form#|@htmlonly' "$scratch"/site/html/chapter-*.html "$scratch/site/html/course.html"
check 'no command of Doxygen is left as text' silent
check 'formulas are formulas' grep -qF '\(\sqrt' "$scratch/site/html/chapter-03.html"
check 'no dollar sign is left of them' no grep -q '\$[^$]*\\[a-z]' "$scratch/site/html/chapter-03.html"

# What must be noticed: links and requests,
page=$scratch/site/html/training.html
cp "$page" "$scratch/page"
for fault in '<a href="nowhere.html">' '<a href="index.html#nowhere">' '<img src="https://example.org/x.png">' \
  '<script src="//example.org/x.js"></script>'; do
  printf '%s\n' "$fault" >>"$page"
  links index.html training.html
  check "noticed: $fault" status 1
  cp "$scratch/page" "$page"
done
printf '<a href="repository:docs/nowhere.md">\n' >"$scratch/gone.html"
printf 'a\tb.html\n' >"$scratch/places"
try awk -v html="$scratch" -f "$tree/docs/site/finish.awk" "$scratch/places" "$scratch/gone.html"
check 'a page that links to a file that is not there is noticed' status 1
check 'and so is where to' says 'docs: gone.html links to docs/nowhere.md, which is not there'
# and a public name that nothing is said about, the one folder being enough for that.
printf '%s\n' 'namespace tenfold { int undocumented(); }' >>"$tree/src/core/errors.hpp"
{ cat "$tree/docs/Doxyfile"; echo 'INPUT = src/core'; } >"$scratch/Doxyfile"
try env -C "$tree" DOCS_ROOT="$tree" DOCS_OUT="$scratch" AWESOME=/usr/share/doxygen-awesome-css doxygen "$scratch/Doxyfile"
check 'an undocumented name is noticed' no status 0
check 'and named' says 'Member undocumented()'

# What GitHub shows and what Doxygen is given.
mkdir -p "$tree/docs"
cat >"$tree/docs/sample.md" <<'PAGE'
# 1. Sample
In $a_b$ and `$c$`: *"$so$"*, [there](training.md), <!-- no --> [lines](../LICENSE).

$$x^2$$

```sh
echo $HOME $PATH
```
<details><summary>Why?</summary>

Because.
</details>
PAGE
try awk -v root="$tree" -f "$tree/docs/site/markdown.awk" "$tree/docs/sample.md"
check 'an inline formula' says 'In \f$a_b\f$ and'
check 'a code span stays' says '`$c$`'
check 'emphasis' says '<em>&quot;\f$so\f$&quot;</em>'
check 'a link to a page' says '[there](@ref training),'
check 'a link to a file' says '<a href="repository:LICENSE">lines</a>'
check 'a comment goes' no says 'no -->'
check 'a formula of its own' says '\f[x^2\f]'
check 'code stays' says 'echo $HOME $PATH'
check 'answers fold' says '@htmlonly[block]<details>@endhtmlonly'

# Where the debugger is told to stop there must be something to stop at.
stop=$(sed -n 's/.*(gdb) break \([a-z_]*[.]cu\):\([0-9]*\)$/\2 \1/p' "$here/docs/cuda.md")
check 'a debugger is told where to stop' [ -n "$stop" ]
check 'and that is a statement' sh -c "sed -n '${stop% *}p' '$here/cuda/kernels/${stop#* }' | grep -q 'value.*;\$'"

finish
