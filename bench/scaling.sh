#!/usr/bin/env bash
# Images per second of two ranks against one, one compute thread each, on the typefaces recipe; in turns,
# medians.
# Needs data/typefaces (./dev demo makes it, or: build/lodestone data typefaces --output data/typefaces).
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
program=${LODESTONE:-build/lodestone} data=${TYPEFACES:-data/typefaces} rounds=${ROUNDS:-3} steps=${STEPS:-60}
export OMP_NUM_THREADS=1
if ((EUID == 0)); then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

train() {  # train RANKS ROUND [--set ...]
  local ranks=$1 run=$scratch/$1-$2
  shift 2
  mpirun --oversubscribe --bind-to none -n "$ranks" "$program" train configs/typefaces.yaml --set \
    data.root="$data" \
    --set run_dir="$run" --set schedule.steps="$steps" --set threads=1 --set evaluate.data.path= \
    --set checkpoint.every_steps=0 "$@" >"$run.log" 2>&1 || { cat "$run.log"; exit 1; }
}

for ((round = 1; round <= rounds; round++)); do
  train 1 "$round"
  train 2 "$round"
done
python3 - "$scratch" <<'END'
import glob, json, statistics, sys
rates, phases = {}, {}
for path in sorted(glob.glob(sys.argv[1] + "/*/metrics.jsonl")):
    ranks = int(path.split("/")[-2].split("-")[0])
    steps = [json.loads(line) for line in open(path) if '"train"' in line][10:]
    rates.setdefault(ranks, []).append(statistics.median(s["samples_per_second"] for s in steps))
    for name in ("load", "encode", "gather", "loss", "backward", "reduce", "update"):
        phases.setdefault(ranks, {}).setdefault(name, []).extend(s[name + "_seconds"] for s in steps)
print("ranks  images/s  per round            milliseconds a step by phase")
for ranks, values in sorted(rates.items()):
    parts = "  ".join(f"{name} {1e3 * statistics.median(p):.1f}" for name, p in phases[ranks].items())
    print(f"{ranks:5}  {statistics.median(values):8.0f}  {' '.join(f'{v:.0f}' for v in values):20} {parts}")
print(f"two ranks against one: {statistics.median(b / a for a, b in zip(rates[1], rates[2])):.2f} x")
END
