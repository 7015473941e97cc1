#!/bin/bash
# VNN-COMP: before each instance, outside of its time. Arguments: v1, category, onnx, vnnlib.
# There is nothing to convert. The files are read once, so that the timed run finds them in the file cache, and an
# instance that cannot be read is skipped here (exit code 1).
set -uo pipefail
[ "${1:-}" = v1 ] || { echo "expected the version string v1, found '${1:-}'" >&2; exit 1; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${VERDICT_PYTHON:-$root/.vnncomp/bin/python}
exec "$python" "$root/vnncomp/instance.py" prepare "$3" "$4"
