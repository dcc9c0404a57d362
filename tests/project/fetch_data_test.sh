#!/bin/sh
# scripts/fetch-data in a folder of its own, with a small mirror, its own checksums, and downloads that go wrong.
. "$(dirname "$0")/harness.sh"

six='train.en train.de train.fr val.en val.de val.fr'
mirror=$scratch/mirror
# A space in the name, because people have those.
root="$scratch/a clone"

# fresh: a clone without data and a mirror that is right
fresh() {
  rm -rf "$root" "$mirror" "$scratch/bin"
  mkdir -p "$root/scripts" "$mirror/multi30k" "$mirror/tatoeba" "$scratch/bin"
  bin=$scratch/bin
  cp "$here/scripts/fetch-data" "$root/scripts/"
  for text in $six; do
    awk -v text="$text" 'BEGIN { for (i = 0; i < 2000; i++) print "line", i, "of", text }' >"$scratch/text"
    gzip -c "$scratch/text" >"$mirror/multi30k/$text.gz"
    echo "$(sha256sum <"$scratch/text" | cut -d ' ' -f 1)  multi30k/$text"
  done >"$root/scripts/data.sha256"
  pairs 20000 | gzip -c >"$mirror/tatoeba/eng-cmn.tsv.gz"
}
pairs() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print "Hi " i ".\t嗨。\tby A & B"; print "" }'; }

fetch() { try env MIRROR="$mirror" WITH_TEST="${with_test:-}" PATH="$bin:$PATH" sh "$root/scripts/fetch-data" "$@"; }
has() { [ -f "$root/data/$1" ]; }
holds() { gzip -dc <"$mirror/$1/$2.gz" | cmp -s - "$root/data/$1/$2"; }
no_data() { [ ! -e "$root/data" ]; }
no_leftovers() { [ -z "$(find "$root" -name '.fetch*')" ]; }
cut_in_half() { head -c "$(($(wc -c <"$1") / 2))" "$1" >"$1.half" && mv "$1.half" "$1"; }

fresh
fetch multi30k
check 'folder: succeeds' status 0
for text in $six; do check "folder: $text is there, unpacked" holds multi30k "$text"; done
check 'folder: says where' says 'Now in data/multi30k'
check 'folder: says what comes next' says 'tenfold train'
check 'folder: nothing else left' no_leftovers
rm -rf "$mirror"
fetch multi30k
check 'again: succeeds without the mirror' status 0
check 'again: says that it is there' says 'complete already'

fresh
rm -rf "$root/data"
fetch multi30k
rm "$root/data/multi30k/val.fr"
fetch multi30k
check 'one file gone: succeeds' status 0
check 'one file gone: it is back' holds multi30k val.fr
check 'one file gone: only that one is fetched' no says '  train.en '
echo 'my own line' >>"$root/data/multi30k/train.en"
fetch multi30k
check 'an edited file: refused' status 1
check 'an edited file: named' says 'data/multi30k/train.en is there already, but: wrong SHA-256'
check 'an edited file: kept' grep -q 'my own line' "$root/data/multi30k/train.en"

fresh
mv "$mirror" "$scratch/the mirror"
mirror="file://$scratch/the%20mirror" fetch multi30k
mv "$scratch/the mirror" "$mirror"
check 'file:// address: succeeds' status 0
check 'file:// address: the text is there' holds multi30k val.de

fresh
mirror=$mirror/multi30k fetch multi30k
check 'files at the top of the mirror: succeeds' status 0

fresh
(cd "$mirror/.." && MIRROR=mirror sh "$root/scripts/fetch-data" multi30k >/dev/null)
check 'a relative folder is relative to where the caller stands' has multi30k/train.en

fresh
mirror=$scratch/nowhere fetch multi30k
check 'no such mirror: fails' status 1
check 'no such mirror: named' says "could not get train.en.gz from $scratch/nowhere"
check 'no such mirror: says what to do' says 'MIRROR=PLACE'
check 'no such mirror: nothing left' no_data
mirror=gopher://old fetch multi30k
check 'an address of another kind: refused' says 'MIRROR must be a folder or'

fresh
echo 'other text' | gzip -c >"$mirror/multi30k/val.fr.gz"
fetch multi30k
check 'wrong checksum: fails' status 1
check 'wrong checksum: both sums' says "expected $(awk '/val.fr/ { print $1 }' "$root/scripts/data.sha256"), found $(echo 'other text' | sha256sum | cut -d ' ' -f 1)"
check 'wrong checksum: nothing left, not even the good files' no_data

fresh
cut_in_half "$mirror/multi30k/train.fr.gz"
fetch multi30k
check 'cut file: fails' status 1
check 'cut file: says so' says 'train.fr.gz is cut or damaged'
check 'cut file: nothing left' no_data

fresh
# A limit on the size of files (in blocks of 512 bytes) stands in for a full disk: writing stops short.
disk_full() {
  # shellcheck disable=SC2016
  try env MIRROR="$mirror" sh -c 'trap "" XFSZ; ulimit -f '"$1"'; exec sh "$0" multi30k' "$root/scripts/fetch-data"
  check "disk full after $1 blocks: fails" status 1
  check "disk full after $1 blocks: says why" says 'File too large'
  check "disk full after $1 blocks: nothing left" no_data
}
disk_full 8
disk_full 40

fresh
mkdir "$root/data"
touch "$root/data/multi30k"
fetch multi30k
check 'a file in the place of the folder: refused' says 'data/multi30k is not a folder'

# Downloads: a stand-in for curl.
fresh
stub curl <<'STUB'
for address; do :; done
while [ "$1" != -o ]; do shift; done
echo half >"$2"
case $address in
  *train.de.gz) echo 'curl: (18) transfer closed with 999 bytes remaining to read' >&2; exit 18 ;;
  *) cp "$source/${address##*/}" "$2" ;;
esac
STUB
export source="$mirror/multi30k"
mirror='' fetch multi30k
check 'download cut: fails' status 1
check 'download cut: says why' says 'curl: (18) transfer closed'
check 'download cut: says from where' says 'https://raw.githubusercontent.com/multi30k'
check 'download cut: nothing left' no_data
sed -i '/train.de.gz/d' "$bin/curl"
mirror='' fetch multi30k
check 'download whole: succeeds' status 0
check 'download whole: the text is there' holds multi30k train.de

# interrupted SIGNAL CODE: the signal comes to the script alone, while its download hangs for ten minutes; a busy
# machine may take half of that
interrupted() {
  fresh
  stub curl <<'STUB'
echo $$ >data/curl.pid
exec sleep 600
STUB
  MIRROR='' PATH="$bin:$PATH" setsid env --default-signal=INT sh "$root/scripts/fetch-data" multi30k >"$scratch/out" 2>&1 &
  pid=$!
  waited=0
  until [ -s "$root/data/curl.pid" ] || [ "$waited" -gt 3000 ]; do
    sleep 0.1
    waited=$((waited + 1))
  done
  download=$(cat "$root/data/curl.pid")
  rm "$root/data/curl.pid"
  before=$(date +%s)
  kill -s "$1" "$pid"
  rc=0
  wait "$pid" || rc=$?
  check "$1: exit code" status "$2"
  check "$1: at once" [ "$(($(date +%s) - before))" -lt 300 ]
  check "$1: the download is stopped" no kill -0 "$download" 2>/dev/null
  check "$1: nothing left" no_data
}
interrupted TERM 143
interrupted HUP 143
interrupted INT 130

fresh
mkdir -p "$root/data/.fetch-multi30k.999999999" "$root/data/.fetch-multi30k.$$"
fetch multi30k
check 'what a killed fetch left is removed by the next' [ ! -e "$root/data/.fetch-multi30k.999999999" ]
check 'the work of a fetch that still runs is not' [ -e "$root/data/.fetch-multi30k.$$" ]

fresh
fetch tatoeba
check 'tatoeba: succeeds' status 0
check 'tatoeba: the text is there' holds tatoeba eng-cmn.tsv
check 'tatoeba: another export is taken by its shape, its sum is shown' says "shape right, SHA-256 $(sha256sum <"$root/data/tatoeba/eng-cmn.tsv" | cut -d ' ' -f 1)"
fetch tatoeba
check 'tatoeba again: says that it is there' says 'complete already'

# bad_export WHAT MESSAGE: the export in $scratch/bad has to be refused
bad_export() {
  fresh
  gzip -c "$scratch/bad" >"$mirror/tatoeba/eng-cmn.tsv.gz"
  fetch tatoeba
  check "$1: refused" status 1
  check "$1: says why" says "$2"
  check "$1: nothing left" no_data
}
pairs 19999 >"$scratch/bad"
bad_export 'a short export' '19999 pairs, fewer than'
pairs 20000 | sed '77s/\tby.*//' >"$scratch/bad"
bad_export 'a lost column' 'line 77 has 2 columns, not 3'
{ pairs 20000; printf 'a\t\377\tb\n'; } >"$scratch/bad"
bad_export 'bad bytes' 'not valid UTF-8'

if command -v python3 >/dev/null; then
  fresh
  pairs 20000 >"$scratch/cmn.txt"
  echo 'about' >"$scratch/_about.txt"
  (cd "$scratch" && python3 -m zipfile -c "$mirror/tatoeba/cmn-eng.zip" _about.txt cmn.txt)
  mv "$mirror/tatoeba/eng-cmn.tsv.gz" "$scratch/"
  fetch tatoeba
  mv "$scratch/eng-cmn.tsv.gz" "$mirror/tatoeba/"
  check 'tatoeba as the site packs it: succeeds' status 0
  check 'tatoeba as the site packs it: the text is there' holds tatoeba eng-cmn.tsv
  rm -rf "$root/data" "$mirror/tatoeba/eng-cmn.tsv.gz"
  cut_in_half "$mirror/tatoeba/cmn-eng.zip"
  fetch tatoeba
  check 'a cut zip: fails' status 1
  check 'a cut zip: says so' says 'cmn-eng.zip is cut or damaged'
  check 'a cut zip: nothing left' no_data
fi

fresh
with_test=1 fetch multi30k
check 'test set not in the mirror: fails' says 'could not get test_2016_flickr.en.gz'
for language in en de fr; do
  awk 'BEGIN { for (i = 0; i < 1000; i++) print i }' | gzip -c >"$mirror/multi30k/test_2016_flickr.$language.gz"
done
with_test=1 fetch multi30k
check 'test set: fetched' holds multi30k test_2016_flickr.fr
fetch multi30k
check 'without the test set, all the same' says 'complete already'

fetch
check 'no corpus named: usage' status 2

finish
