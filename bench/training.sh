#!/usr/bin/env bash
# Images per second of whole training steps beside PyTorch DDP with pytorch-metric-learning: docs/speed.md.
# Options go to bench/training/run.py:
#   bash bench/training.sh --only conv4 --rounds 5 --output /tmp/training
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
program=${LODESTONE:-build/lodestone}
source bench/peers/venv.sh
exec "$venv/bin/python" bench/training/run.py --program "$program" "$@"
