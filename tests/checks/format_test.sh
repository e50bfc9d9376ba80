#!/usr/bin/env bash
# Is all of it as ./dev format leaves it? usage: format_test.sh ROOT
# Other versions of clang-format break lines elsewhere.
set -euo pipefail
version=$(clang-format --version 2>/dev/null | grep -o 'version [0-9]*' || true)
if [[ $version != "version 14" ]]; then
  echo "skipped: clang-format 14 (Debian 12) is not here"
  exit 77
fi
cd "$1"
LODESTONE_PACKAGES=own ./dev format --check
