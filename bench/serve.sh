#!/usr/bin/env bash
# What `lodestone serve` answers beside the encoder's batch throughput: docs/speed.md. Needs Debian's package
# wrk.
# Options go to bench/serve/run.py:
#   bash bench/serve.sh --only conv4 --seconds 5
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
if ! command -v wrk >/dev/null; then
  echo "wrk is not installed (Debian's package wrk): left out"
  exit 0
fi
exec python3 -B bench/serve/run.py --program "${LODESTONE:-build/lodestone}" "$@"
