#!/bin/bash
# VNN-COMP: installs Verdict into an environment of its own beside this folder. Argument: the version string v1.
set -euo pipefail
[ "${1:-}" = v1 ] || { echo "expected the version string v1, found '${1:-}'" >&2; exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"${PYTHON:-python3}" -m venv "$root/.vnncomp"
"$root/.vnncomp/bin/python" -m pip install --quiet --upgrade pip
"$root/.vnncomp/bin/python" -m pip install --quiet "$root"
"$root/.vnncomp/bin/verdict" --version
