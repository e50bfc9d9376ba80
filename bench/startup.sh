#!/usr/bin/env bash
# Seconds from starting mpirun on two ranks to the end of the first training step and of the process; median
# of runs.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
program=${LODESTONE:-build/lodestone} data=${TYPEFACES:-data/typefaces} rounds=${ROUNDS:-5}
export OMP_NUM_THREADS=1
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for ((round = 0; round <= rounds; round++)); do  # round 0 warms the caches
  start=$(date +%s.%N)
  mpirun --oversubscribe --bind-to none -n 2 "$program" train configs/typefaces.yaml --set data.root="$data" \
    --set run_dir="$scratch/$round" --set schedule.steps=1 --set evaluate.data.path= \
    --set checkpoint.every_steps=0 >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
  end=$(date +%s.%N)
  # The metrics line of step 1 is written when the step ends.
  first=$(stat -c %.Y "$scratch/$round/metrics.jsonl")
  ((round == 0)) || echo "$start $first $end"
done | python3 -c '
import statistics, sys
rows = [list(map(float, line.split())) for line in sys.stdin]
print(f"start to first step: {statistics.median(r[1] - r[0] for r in rows):.2f} s (median of {len(rows)})")
print(f"start to exit:       {statistics.median(r[2] - r[0] for r in rows):.2f} s")'
