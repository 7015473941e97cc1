"""Blur: the image moves in a straight line towards its Gaussian blur, which it reaches at strength one.

For a fixed image the blurred one is a constant, so the picture is linear in the strength. Edges are continued by their
own pixels; the blur is rounded to the network's floats, and as it is stored it is part of the question.
"""

from __future__ import annotations

from fractions import Fraction

from ...base.errors import InputError
from ...network.exact import FloatArray
from .front import Front, register
from .images import planes


@register("blur")
class Blur(Front):
    """x' = x + p (blurred(x) - x), 0 <= p <= 1; `sigma` of the kernel is in pixels."""

    unit = "the strength, of which 1 is the blurred image"

    def __init__(self, sigma: Fraction | float = 1, width: int | Fraction | None = None) -> None:
        if not sigma > 0:
            raise InputError(f"blur: sigma is {float(sigma):g}, expected more than 0")
        self.sigma, self.width = float(sigma), None if width is None else int(width)

    def matrix(self, x: FloatArray, shape: tuple[int, ...], low: float | None, high: float | None) -> FloatArray:
        from scipy.ndimage import gaussian_filter

        blurred, axes = planes(x, shape, self.width)
        blurred = gaussian_filter(blurred, self.sigma, axes=axes, mode="nearest")
        result: FloatArray = (blurred.ravel() - x)[None]
        return result

    def limits(self) -> tuple[Fraction | None, Fraction | None]:
        return Fraction(0), Fraction(1)
