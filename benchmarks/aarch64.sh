#!/bin/sh
# Cross-builds the kernels for AArch64 and runs their tests under qemu-user.
#
#     benchmarks/aarch64.sh ROOT [arguments of pytest]
#
# ROOT holds an arm64 Python of this Python's version, with its C and C++ libraries. On Debian, as root, without starting
# anything in it:
#
#     apt-get install debootstrap qemu-user-static g++-aarch64-linux-gnu
#     debootstrap --foreign --arch=arm64 --variant=minbase --include=python3,libstdc++6 bookworm ROOT
#     for deb in ROOT/var/cache/apt/archives/*.deb; do dpkg-deb -x "$deb" ROOT; done
#
# CXX is another cross compiler: CXX="clang++ --target=aarch64-linux-gnu". Tests that start Python again need the kernel
# to know qemu (binfmt_misc); without, leave them out:
# -k "not environment and not package and not nowhere and not old_kernels".
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -gt 0 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2; }
arm=$(cd "$1" && pwd)
shift
build=$root/build/aarch64
version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
headers=$(python -c 'import sysconfig; print(sysconfig.get_paths()["include"])')

cmake -G Ninja -S "$root" -B "$build" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_CXX_COMPILER="$(echo "${CXX:-aarch64-linux-gnu-g++}" | tr ' ' ';')" \
    -DPython_EXECUTABLE="$(command -v python)" -DPython_INCLUDE_DIR="$headers" >/dev/null
cmake --build "$build"

site=$build/site
if [ ! -d "$site" ]; then
    pip download -q -d "$build/wheels" --only-binary=:all: --python-version "$version" --implementation cp \
        --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 --platform manylinux_2_17_aarch64 \
        'numpy>=1.26' 'protobuf>=5.28' 'pluggy>=1.5' 'click>=8.1' 'rich>=13' 'pytest>=8' 'hypothesis>=6.100'
    for wheel in "$build"/wheels/*.whl; do python -m zipfile -e "$wheel" "$site"; done
fi
cd "$root"
PYTHONPATH="$site:src" PYTHONDONTWRITEBYTECODE=1 CORTADO_REQUIRE_NATIVE=1 CORTADO_KERNELS=$(ls "$build"/_kernels*.so) \
    qemu-aarch64-static -L "$arm" "$arm/usr/bin/python$version" -m pytest -q -p no:cacheprovider tests/engines/native "$@"
