#!/usr/bin/env bash
# Tokens per second of fine-tuning all-MiniLM-L6-v2 beside sentence-transformers: docs/speed.md.
#   bash bench/minilm.sh                               # on WordNet's definitions and words
#   bash bench/minilm.sh --pairs mine.jsonl --rounds 5
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
program=${LODESTONE:-build/lodestone}
source bench/peers/venv.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
[[ " $* " == *" --pairs "* ]] || { "$program" data wordnet --output "$scratch/wordnet" &&
  set -- --pairs "$scratch/wordnet/train-pairs.jsonl" "$@"; }
"$venv/bin/python" bench/training/minilm.py --program "$program" "$@"
