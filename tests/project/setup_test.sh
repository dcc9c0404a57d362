#!/bin/sh
# scripts/setup on machines made of stand-ins for dpkg-query, apt-get, sudo, id and python3: nothing is installed.
. "$(dirname "$0")/harness.sh"

# machine: a fresh PATH on which every package is there, the user is root and apt-get works
machine() {
  bin=$scratch/bin
  rm -rf "$bin" "$scratch/absent" "$scratch/calls" "$scratch/offline" "$scratch/stale" "$scratch/unknown" "$scratch/tmp"
  mkdir "$bin" "$scratch/tmp"
  : >"$scratch/absent"
  : >"$scratch/calls"
  export scratch
  tools sh awk sed grep paste cat tail head rm mktemp tee env printf
  # shellcheck disable=SC2016
  stub dpkg-query <<'STUB'
shift 3
for package; do grep -qx "$package" "$scratch/absent" || echo "ii  $package"; done
STUB
  stub apt-get <<'STUB'
echo "apt-get $*" >>"$scratch/calls"
case "$*" in *' -s '*) [ ! -e "$scratch/unknown" ]; exit ;; esac
[ ! -e "$scratch/offline" ] || { echo 'Err:1 http://deb.example'; echo 'E: Failed to fetch http://deb.example'; exit 100; }
case "$*" in
  *update*) rm -f "$scratch/stale" "$scratch/unknown"; [ ! -e "$scratch/bad-source" ] || { echo 'E: bad source'; exit 100; } ;;
  *install*) [ ! -e "$scratch/stale" ] || { echo 'E: 404 Not Found'; exit 100; }; echo 'Setting up it' ;;
esac
STUB
  # shellcheck disable=SC2016
  echo 'printf "nvidia-cuda-toolkit:\n  Installed: (none)\n  Candidate: %s\n" "$(cat "$scratch/nvcc")"' | stub apt-cache
  echo '(none)' >"$scratch/nvcc"
  echo 'echo 0' | stub id
  echo 'exit 1' | stub python3
}
absent() { printf '%s\n' "$@" >"$scratch/absent"; }
a_user() { echo 'echo 1000' | stub id; }
sudo_there() { stub sudo <<'STUB'
echo "sudo $*" >>"$scratch/calls"
exec "$@"
STUB
}
setup() { try env PATH="$bin" TMPDIR="$scratch/tmp" CI="${ci:-}" CUDACXX= CUDA_PATH="$scratch/cuda" sh "$here/scripts/setup" "$@"; }
called() { grep -qF -e "$1" "$scratch/calls"; }
times_called() { [ "$(grep -cF -e "$1" "$scratch/calls")" -eq "$2" ]; }
nothing_called() { [ ! -s "$scratch/calls" ]; }
tidy() { [ -z "$(ls -A "$scratch/tmp")" ]; }

machine
setup
check 'all there: succeeds' status 0
check 'all there: says nothing' silent
check 'all there: apt-get is left alone' nothing_called

machine
absent libfmt-dev ninja-build
setup
check 'root: succeeds' status 0
check 'root: names what is missing and why' says 'ninja-build             runs the compile steps'
check 'root: names the other one' says 'libfmt-dev              formats text'
check 'root: does not name what is there' no says 'cmake'
check 'root: installs just these' called 'install -y --no-install-recommends ninja-build libfmt-dev'
check 'root: no update when the lists know the packages' no called 'update'
check 'root: no sudo' no called 'sudo'
check 'root: apt output stays out of sight' no says 'Setting up'
check 'root: no file left behind' tidy

machine
absent libfmt-dev
touch "$scratch/unknown"
setup
check 'empty lists: succeeds' status 0
check 'empty lists: one update' times_called 'update' 1

machine
absent libfmt-dev
touch "$scratch/stale"
setup
check 'stale lists: succeeds' status 0
check 'stale lists: updates and tries again' times_called 'install -y' 2
check 'stale lists: one update' times_called 'update' 1

machine
absent libfmt-dev
touch "$scratch/unknown" "$scratch/bad-source"
setup
check 'a foreign source that fails to update: succeeds all the same' status 0
check 'a foreign source that fails to update: installed' called 'install -y'
rm "$scratch/bad-source"

machine
absent libfmt-dev
a_user
sudo_there
setup
check 'user with sudo: succeeds' status 0
check 'user with sudo: through sudo, asking nothing' called 'sudo env DEBIAN_FRONTEND=noninteractive apt-get'
check 'user with sudo: shows the command' says 'sudo apt-get install --no-install-recommends libfmt-dev'

machine
absent libfmt-dev
a_user
setup
check 'user without sudo: fails' status 1
check 'user without sudo: the command to run' says 'as root, run:  apt-get install --no-install-recommends libfmt-dev'
check 'user without sudo: installs nothing' nothing_called

machine
absent libfmt-dev
touch "$scratch/offline"
setup
check 'offline: fails' status 1
check 'offline: says why' says 'setup: apt-get could not install them (E: Failed to fetch http://deb.example)'
check 'offline: says what to run' says 'apt-get update && apt-get install --no-install-recommends libfmt-dev'
check 'offline: does not claim success' no says 'Installed'
check 'offline: no file left behind' tidy

machine
rm "$bin/apt-get" "$bin/dpkg-query"
setup
check 'no apt-get: fails' status 1
check 'no apt-get: lists what to install' says 'libsentencepiece-dev'
check 'no apt-get: tells the way on' says 'make SETUP=true demo'

machine
absent doxygen libfmt-dev
setup docs
check 'documentation: succeeds' status 0
check 'documentation: installs what it needs, and no more' called 'install -y --no-install-recommends doxygen'
check 'documentation: asks for nothing that only building needs' no says 'libfmt-dev'
machine
absent doxygen
setup
check 'Doxygen missing: the build does not care' silent
setup test
check 'Doxygen missing: the tests have it' called 'install -y --no-install-recommends doxygen'

machine
absent python3-torch
setup
check 'PyTorch missing: the build does not care' silent
setup test
check 'PyTorch missing: tests go on' status 0
check 'PyTorch missing: says what is skipped' says 'Optional, not installed: python3-torch.'
check 'PyTorch missing: installs nothing' nothing_called
ci=true setup test
check 'PyTorch missing in CI: installed' called 'install -y --no-install-recommends python3-torch'

machine
absent libbenchmark-dev python3-torch
setup bench
check 'measuring: succeeds' status 0
check 'measuring: installs what it needs' called 'install -y --no-install-recommends libbenchmark-dev'
check 'measuring: PyTorch is not forced on anyone' no called 'python3-torch'
check 'measuring: says what will be left out' says 'Optional, not installed: python3-torch. tenfold will be measured alone.'
setup
check 'measuring: the build does not care' silent

machine
absent python3-torch
echo 'exit 0' | stub python3
setup test
check 'PyTorch from elsewhere: says nothing' silent

machine
ci=true setup test
check 'no nvcc, and none to be had: goes on without' silent
echo '11.8.89~11.8.0-5' >"$scratch/nvcc"
ci=true setup test
check 'no nvcc, and one without C++20: goes on without' silent
echo '12.4.131~12.4.1-2' >"$scratch/nvcc"
setup test
check 'no nvcc on a person'"'"'s machine: its gigabytes are not forced on anyone' silent
ci=true setup test
check 'no nvcc in CI: succeeds' status 0
check 'no nvcc in CI: installed where the distribution has it' called 'install -y --no-install-recommends nvidia-cuda-toolkit'
absent libfmt-dev
: >"$scratch/calls"
ci=true setup test
check 'no nvcc in CI and a package missing: both are installed' times_called 'install -y' 2
check 'no nvcc in CI and a package missing: no file left behind' tidy
machine
echo '12.4.131~12.4.1-2' >"$scratch/nvcc"
stub nvcc </dev/null
ci=true setup test
check 'nvcc is there: it is used' silent

# The same on a terminal, where the output of apt-get runs through a pipe: its failure must not get lost there.
if command -v script >/dev/null; then
  machine
  absent libfmt-dev
  touch "$scratch/offline"
  try script -qec "env PATH='$bin' TMPDIR='$scratch/tmp' sh '$here/scripts/setup'" /dev/null
  check 'terminal, offline: fails' status 1
  check 'terminal, offline: says why' says 'E: Failed to fetch'
  rm "$scratch/offline"
  try script -qec "env PATH='$bin' TMPDIR='$scratch/tmp' sh '$here/scripts/setup'" /dev/null
  check 'terminal: succeeds' status 0
  check 'terminal: shows progress' says 'Setting up it'
fi

finish
