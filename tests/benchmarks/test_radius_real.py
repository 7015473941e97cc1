"""What fixed phases say of a radius: exact where the network is affine, or the image's region reaches far enough."""

import sys
from pathlib import Path

import numpy as np
import pytest

import verdict
from verdict.models import data

sys.path.append( str(Path(__file__).parents[2]))

from benchmarks.cases.radius_real import with_fixed_phases


def test_phases_do_not_matter_where_there_are_none():
    images, _ = data("digits").load()
    for image in images[:5]:
        exact = verdict.maxeps("digits-linear", image.ravel(), range=(0, 1))
        assert with_fixed_phases("digits-linear", image.ravel()) == pytest.approx(float(exact.upper), rel=1e-5)


def test_they_are_right_where_the_region_reaches_to_the_boundary():
    # |x| is x right of 0, so the affine function reaches 1/2 where the network does, at 3/8 and 1/4.
    assert with_fixed_phases("abs", np.array([0.125])) == pytest.approx(0.375)
    assert with_fixed_phases("abs", np.array([0.75])) == pytest.approx(0.25)
