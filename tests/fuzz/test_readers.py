"""Both readers of ONNX files against each other and against ONNX Runtime, on legal models and on damaged ones.

Three outcomes only: both readers compute what ONNX Runtime computes, or who does not has refused the file, with one
error of the one kind. `VERDICT_LONG=10000 pytest -n 0 tests/fuzz/test_readers.py` takes 10,000 of each.
"""

from __future__ import annotations

import os

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.importers import claimed, of_constants
from support.model_damage import damaged
from support.two_readers import look
from support.wide_models import schema, wide_model

COUNT = int(os.environ.get("VERDICT_LONG", "150"))
FUZZ = settings(deadline=None, max_examples=COUNT, suppress_health_check=[HealthCheck.too_slow])
seeds, steps = st.integers(0, 2**32), st.integers(1, 6)
# The operators of the standard's own domain; those of ai.onnx.ml have tests of their own.
CLAIMED = {reader: {name for name in names if "." not in name} for reader, names in claimed().items()}
ALL, BOTH = sorted(set.union(*CLAIMED.values())), sorted(set.intersection(*CLAIMED.values()))
OF_CONSTANTS = of_constants()
# Both read those from 7 to the newest.
OPSETS = list(range(7, onnx.defs.onnx_opset_version() + 1))


def model_of(seed: int, steps: int, legal: bool = False) -> onnx.ModelProto:
    """A wide model; every other one has operators alone that both readers claim."""
    pool = BOTH if seed % 2 else ALL
    return wide_model(seed, steps, pool, OF_CONSTANTS, OPSETS, pool[seed // 2 % len(pool)], legal).finish()


@FUZZ
@given(seeds, steps)
def test_legal_models(seed: int, steps: int) -> None:
    look(model_of(seed, steps).SerializeToString(), seed)


@FUZZ
@given(seeds, steps)
def test_damaged_models(seed: int, steps: int) -> None:
    look(damaged(model_of(seed, steps, legal=True), np.random.default_rng(seed))[0], seed)


@pytest.mark.parametrize("reader", CLAIMED)
def test_every_claimed_operator_is_read_in_some_legal_model(reader: str) -> None:
    missing = set(CLAIMED[reader])
    for seed in range(150):
        for name in sorted(missing):
            model = wide_model(seed, 1, [name], OF_CONSTANTS, [o for o in OPSETS[1:-1] if schema(name, o)], name)
            data = model.finish().SerializeToString()
            if name in model.used and reader in look(data, seed).read_by:
                missing.discard(name)
    assert not missing
