# shellcheck shell=sh
# What the shell tests share. They source it, call `check` as often as they like and end with `finish`.
set -u

here=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0
checks=0

# check WHAT COMMAND...: COMMAND must succeed
check() {
  what=$1
  shift
  checks=$((checks + 1))
  if ! "$@"; then
    failures=$((failures + 1))
    printf 'FAILED: %s\n  %s\n' "$what" "$*"
    [ ! -f "$scratch/out" ] || sed 's/^/  | /' "$scratch/out"
  fi
}

# The last `try` in one variable and one file: $rc, and stdout with stderr in $scratch/out.
try() {
  rc=0
  "$@" >"$scratch/out" 2>&1 </dev/null || rc=$?
}
status() { [ "$rc" -eq "$1" ]; }
says() { grep -qF -e "$1" "$scratch/out"; }
silent() { [ ! -s "$scratch/out" ]; }
no() { ! "$@"; }

# stub NAME: a program of that name in $bin, its body on standard input
stub() {
  { echo '#!/bin/sh'; cat; } >"$bin/$1"
  chmod +x "$bin/$1"
}

# tools NAME...: the real programs of these names, in $bin
tools() {
  for tool; do ln -sf "$(command -v "$tool")" "$bin/$tool"; done
}

finish() {
  echo "$checks checks, $failures failed"
  [ "$checks" -gt 0 ] && [ "$failures" -eq 0 ]
  exit
}
