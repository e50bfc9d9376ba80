#!/usr/bin/env bash
# Time and memory of loss and gradient beside other libraries, on the same rows: docs/peers.md, bench/peers/results.md.
# Their packages (5 GB) go to a folder of their own, once. Options go to bench/peers/run.py:
#   bash bench/peers.sh --sizes 256,1024 --only supcon,circle --output /tmp/peers
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
program=${LODESTONE:-build/lodestone}
cache=${LODESTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lodestone}
venv=$cache/peers-venv wanted=bench/peers/requirements.txt

if ! cmp -s "$wanted" "$venv/installed.txt"; then
  python3 -m pip --version >/dev/null || { echo "python3 with pip is needed: apt-get install python3-pip" >&2; exit 1; }
  echo "Installing the peers (5 GB) into $venv"
  mkdir -p "$cache"
  python3 -m venv --clear --without-pip "$venv"
  python3 -m pip --python "$venv/bin/python" install --quiet --requirement "$wanted"
  cp "$wanted" "$venv/installed.txt"  # only now does it count as there
fi
exec "$venv/bin/python" bench/peers/run.py --program "$program" "$@"
