#!/usr/bin/env bash
# Runs the profiler in an arm64 Debian userland under qemu-user, on an x86-64 Debian or Ubuntu.
#
#   tests/emulated/arm64.sh [FOLDER]
#
# For function only: it shows that the profiler starts, measures, and writes a profile that can be
# read with arm64 packages. Times under emulation mean nothing; every figure of latency is removed
# from what it writes. Needs qemu-user-static or qemu-user, apt, python3 with pip, some 400 MB in
# FOLDER and a few minutes; nothing is installed outside of FOLDER, and root is not needed.
#
# Seen to end with QEMU 7.2, Python 3.11.2 and ONNX Runtime 1.20.1: both networks measured. An
# inference takes seconds there, so that two networks in one round take some minutes.
set -euo pipefail

checkout=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mkdir -p "${1:-out/arm64}" && cd "${1:-out/arm64}" && pwd)
root=$folder/root
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
if [ -z "$qemu" ] && [ -x "$folder/qemu/usr/bin/qemu-aarch64-static" ]; then
  qemu=$folder/qemu/usr/bin/qemu-aarch64-static
fi

# apt with folders of its own, so that the system's packages and lists stay as they are.
apt_for() {
  local arch=$1
  shift
  mkdir -p "$folder/apt/$arch/lists/partial" "$folder/apt/$arch/cache/archives/partial"
  touch "$folder/apt/$arch/status"
  apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures::="$arch" \
    -o Dir::State="$folder/apt/$arch" -o Dir::State::Lists="$folder/apt/$arch/lists" \
    -o Dir::State::status="$folder/apt/$arch/status" -o Dir::Cache="$folder/apt/$arch/cache" \
    -o APT::Sandbox::User="" "$@"
}

unpack() { # ARCH FOLDER PACKAGE...
  local arch=$1 target=$2
  shift 2
  mkdir -p "$folder/apt/$arch/deb" "$target"
  apt_for "$arch" update
  (cd "$folder/apt/$arch/deb" && apt_for "$arch" download "$@")
  for deb in "$folder/apt/$arch/deb"/*.deb; do dpkg -x "$deb" "$target"; done
}

if [ -z "$qemu" ]; then
  unpack "$(dpkg --print-architecture)" "$folder/qemu" qemu-user-static
  qemu=$folder/qemu/usr/bin/qemu-aarch64-static
fi
if [ ! -x "$root/usr/bin/python3.11" ]; then
  unpack arm64 "$root" python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 \
    libgcc-s1 libstdc++6 zlib1g libexpat1 libssl3 libffi8 libbz2-1.0 liblzma5 libuuid1 libcrypt1
fi
if [ ! -d "$root/packages/onnxruntime" ]; then
  python3 -m pip install --quiet --no-compile --target "$root/packages" --only-binary :all: \
    --implementation cp --python-version 3.11 \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 \
    --platform manylinux2014_aarch64 --platform manylinux_2_17_aarch64 \
    numpy onnx onnxruntime==1.20.1 # importing 1.31.1 crashes QEMU 7.2
fi

mkdir -p "$root/work"
rm -f "$root/work/profile.json"
export PYTHONPATH="$root/packages:$checkout/.importroot" PYTHONDONTWRITEBYTECODE=1
# As on a Raspberry Pi 4: what newer processors have, the emulator has only in part.
run() { "$qemu" -cpu cortex-a72 -L "$root" -E OMP_NUM_THREADS=1 "$root/usr/bin/python3.11" "$@"; }
run -c 'import platform; print("emulated:", platform.machine(), platform.python_version())'
run -m biglittle.edge_profiler --networks "${NETWORKS:-8888888888888888888888,0888888888888888888888}" \
  --reference 8888888888888888888888 --rounds 1 --out "$root/work/profile.json"
run - "$root/work/profile.json" "$folder/profile.json" <<'PYTHON'
import json
import sys
from pathlib import Path

profile = json.loads(Path(sys.argv[1]).read_text())
assert profile["environment"]["cpu_architecture"] == "aarch64", profile["environment"]
failed = [n["error"] for n in profile["networks"] if n["latency_ms"] is None]
# An emulator's speed jumps about, and a round that drifts is dropped: that is no failure here.
assert all("unsteady" in error for error in failed), failed
print(len(profile["networks"]) - len(failed), "networks measured,", len(failed), "too unsteady")
for network in profile["networks"]:
    kept = {k: network[k] for k in ("architecture", "n", "peak_memory_mib") if k in network}
    network.clear()
    network.update(kept, latency_ms=None, provenance="simulated", error="emulated: no time kept")
facts = {k: profile[k] for k in ("format", "runtime", "precision", "networks")}
Path(sys.argv[2]).write_text(json.dumps({**facts, "emulated": True}, indent=1) + "\n")
PYTHON
echo "the profiler works on arm64; what it found, without times: $folder/profile.json"
