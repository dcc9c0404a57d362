#!/bin/sh
# Whether nvcc compiled the CUDA backend into the command; where there is no nvcc, that is skipped, never passed.
#   cuda_build_test.sh TENFOLD 1|0    the command, and whether the build found nvcc
. "$(dirname "$0")/harness.sh"

# The check passes, or the reason is CUDA's own.
answers() { [ "$rc" = 0 ] || { [ "$rc" = 1 ] && says 'CUDA' && [ "$(grep -c . "$scratch/out")" -eq 1 ]; }; }

# Asked for CUDA where there is none, CMake fails, and has forgotten the wish when it is called again. Here there is none
# because the headers of cuBLAS are said to be missing, or because nvcc is.
configure() { try cmake -S "$here" -B "$scratch/build" -DTENFOLD_TESTS=OFF -DTENFOLD_CUBLAS_INCLUDE=OFF "$@"; }
configure -DTENFOLD_CUDA=on
check 'CUDA is asked for and not there: configuring fails' status 1
check 'CUDA is asked for and not there: says so' says 'TENFOLD_CUDA=on, but there is no CUDA to build with: '
configure
check 'the next time it is not asked for any more' status 0

try "$1" gradcheck --device cuda --op softmax
if [ "$2" = 1 ]; then
  check 'a build with nvcc has the backend' no says 'no CUDA backend'
  check 'which works, or says in a line of its own why not' answers
  finish
fi
check 'without CUDA one line says why, or how to get it' says 'no CUDA backend: i'
check 'and what needs none' says '; --device cpu needs none'
[ "$failures" -eq 0 ] || exit 1
echo 'skipped: the CUDA backend was not compiled, since nvcc was not found'
exit 77
