"""One registry of benchmark cases: `python -m benchmarks list`, `python -m benchmarks run CASE`.

A case is one file in `benchmarks/cases/`. Cases run in worker processes, so the same case can run with the
present code and with that of another revision, one instance of each in turn.
"""
