"""z tanh(Softplus(z)) = z n / (n + 2) with w = exp(z) and n = w (w + 2).

f'' has the sign of 2 P + z Q with P = w^3 + 3 w^2 + 4 w + 2 and Q = 2 + 2 w - 3 w^2 - 2 w^3. Where Q > 0, which is
below 0, 2 P / Q + z rises with z; above 0, where Q < 0, 2 P / |Q| - z falls: two inflection points.
"""

from __future__ import annotations

from typing import Any

from .formula import Formula
from .onnx_operator import plain
from .softplus import SOFTPLUS
from .tanh import TANH


class Mish(Formula):
    name = "Mish"
    steepest = 1.1
    grows = True
    convex_first = False
    inflections = ((-2.2563763963608, -2.2563763963607), (1.4905711794854, 1.4905711794855))
    turns = ((-1.1924312145155, -1.1924312145154),)

    def value_in(self, a: Any, z: Any) -> Any:
        return z * self._share(a, z)

    def slope_in(self, a: Any, z: Any) -> Any:
        """n / (n + 2) + 4 z w (w + 1) / (n + 2)^2, or all of it divided by powers of w > 1."""
        e = a.falling(a.size(z))
        below = a.where(self.is_negative(z), e * (e + 2) + 2, 1 + 2 * e + 2 * (e * e))
        rise = a.where(self.is_negative(z), e * (e + 1), e * e * (1 + e))
        return self._share(a, z) + 4 * z * (rise / (below * below))

    def _share(self, a: Any, z: Any) -> Any:
        """n / (n + 2), with e = exp(-|z|)."""
        e = a.falling(a.size(z))
        top = a.where(self.is_negative(z), e * (e + 2), 1 + 2 * e)
        return top / (top + a.where(self.is_negative(z), e * 0 + 2, 2 * (e * e)))


MISH = Mish()
OPERATORS = (plain("Mish", 18, MISH),)
TIMES = {(TANH, SOFTPLUS): MISH}
