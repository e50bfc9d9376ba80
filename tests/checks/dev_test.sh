#!/usr/bin/env bash
# ./dev from another folder, with a wrong command, and without packages. usage: dev_test.sh ROOT
set -euo pipefail
root=$1
this=$(readlink -f "${BASH_SOURCE[0]}")
cd /
bash -n "$root/dev"
bash -n "$root/.ci/run"
if command -v shellcheck >/dev/null; then shellcheck "$root/dev" "$root/.ci/run" "$this"; fi
[[ $("$root/dev" help) == "usage: ./dev COMMAND"* ]]
status=0
"$root/dev" no-such-command 2>/dev/null || status=$?
[[ $status == 2 ]]
report=$("$root/dev" doctor || true)
grep -q '^LibTorch ' <<<"$report"
grep -q '^build ' <<<"$report"
