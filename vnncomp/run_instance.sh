#!/bin/bash
# VNN-COMP: one instance. Arguments: v1, category, onnx, vnnlib, results file, timeout in seconds.
# The results file holds sat, unsat, timeout, unknown or error, and after sat the counterexample. `onnx` is a path or,
# where a query declares several networks, a list [('name', 'path'), ...] as in instances.csv.
set -uo pipefail
[ "${1:-}" = v1 ] || { echo "expected the version string v1, found '${1:-}'" >&2; exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${VERDICT_PYTHON:-$root/.vnncomp/bin/python}
exec "$python" "$root/vnncomp/instance.py" run "$3" "$4" "$5" "$6"
