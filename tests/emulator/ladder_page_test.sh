#!/bin/sh
# The kernel ladder's page says what the program counts: ladder_page_test.sh PROGRAM PAGE
set -eu
program=$1
page=$2
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
"$program" >"$counts" || { cat "$counts"; exit 1; }

# Nine numbers end each line of a version: as a row of the page's tables.
rows=$(awk '/^v[0-9]/ { row = $1 ".*"; for (i = NF - 8; i <= NF; i++) row = row " [|] " $i; print row " [|]" }' "$counts")
[ "$(printf '%s\n' "$rows" | grep -c .)" -ge 19 ] || { printf 'ladder_page_test: too few versions\n'; cat "$counts"; exit 1; }
failed=0
while IFS= read -r row; do
  grep -q -e "^| $row" "$page" && continue
  printf 'ladder_page_test: %s has no row %s\n' "$page" "$row"
  failed=1
done <<ROWS
$rows
ROWS
exit "$failed"
