# Sourced by the benches beside other libraries: sets $venv, with the packages of requirements.txt (5 GB),
# installed once.
venv=${LODESTONE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/lodestone}/peers-venv \
  wanted=bench/peers/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
  python3 -m pip --version >/dev/null ||
    { echo "python3 with pip is needed: apt-get install python3-pip" >&2; exit 1; }
  echo "Installing the peers (5 GB) into $venv"
  mkdir -p "$(dirname "$venv")"
  python3 -m venv --clear --without-pip "$venv"
  python3 -m pip --python "$venv/bin/python" install --quiet --requirement "$wanted"
  cp "$wanted" "$venv/installed.txt"  # only now does it count as there
fi
