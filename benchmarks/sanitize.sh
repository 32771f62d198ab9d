#!/bin/sh
# Builds the kernels with AddressSanitizer and UndefinedBehaviorSanitizer and runs their tests, on every instruction set
# that the machine has, with the shapes of CORTADO_HOSTILE seeds (20), which are drawn to do harm.
# Usage: benchmarks/sanitize.sh [build folder] [arguments of pytest]
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build/sanitize}
[ $# -gt 0 ] && shift
cmake -G Ninja -S "$root" -B "$build" -DCORTADO_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build "$build"
cd "$root"
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
    ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    CORTADO_HOSTILE="${CORTADO_HOSTILE:-20}" \
    CORTADO_KERNELS=$(ls "$build"/_kernels*.so) \
    python -m pytest -q -s -p no:cacheprovider --import-mode=importlib tests/engines/native "$@"
