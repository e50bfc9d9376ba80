#!/usr/bin/env bash
# Time and memory of loss and gradient beside other libraries, on the same rows: docs/peers.md,
# bench/peers/results.md.
# Then whole training steps (bench/training.sh). Their packages (5 GB) go to a folder of their own, once. With
# options, which go to bench/peers/run.py, the losses alone:
#   bash bench/peers.sh --sizes 256,1024 --only supcon,circle --output /tmp/peers
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
program=${LODESTONE:-build/lodestone}
source bench/peers/venv.sh
"$venv/bin/python" bench/peers/run.py --program "$program" "$@"
if (($# == 0)); then exec bash bench/training.sh; fi
