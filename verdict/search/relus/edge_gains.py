"""What splits and rounds of gradient steps have gained in a tree by planes over edges: what they may gain next.

Of a split counts what each half gained per unit of what the ReLU loses (pseudo-costs, Benichou et al. 1971). Of a round
counts the share of what was missing, by its rate: near the end of a tree long steps leave as much as they are long, and
where splits do most of the work short ones are not worth their time.
"""

from __future__ import annotations

import numpy as np

from ...network.exact import FloatArray

# After how many trials a ReLU's gains are known.
RELIABLE = 4
# A loss below it is none.
NONE = 1e-7
# The rates of rounds, and the share of what is missing that one has to gain.
RATES, PAYS = (0.1, 0.03, 0.01), 0.3
# The weight of a new round in what its rate gains, and how much better each half makes us think of rates, so that those
# that were left out are tried again.
FRESH, HOPE = 0.5, 0.03


class Rounds:
    """What a round of gradient steps at each rate usually gains: a share of what was missing."""

    def __init__(self) -> None:
        # Just enough until it is measured.
        self._usual = np.full(len(RATES), PAYS)

    def learn(self, rounds: tuple[tuple[int, float], ...]) -> None:
        """Take what rounds in a half gained: (number of the rate, share of what was missing)."""
        if rounds:
            self._usual += HOPE
        for number, gain in rounds:
            self._usual[number] += FRESH * (gain - self._usual[number])

    def pays(self, number: int) -> bool:
        """Whether a round at the rate of this number is worth its time, as the best always is."""
        return bool(self._usual[number] >= min(PAYS, self._usual.max()))


class Gains:
    """What splits of `size` ReLUs gained, and `rounds`, which another tree may share."""

    def __init__(self, size: int) -> None:
        # Sums of gains per unit of loss, and how many there are, for the halves of each ReLU: (2, size).
        self._sums, self._counts = np.zeros((2, size)), np.zeros((2, size))
        self.rounds = Rounds()

    def learn(self, tried: tuple[tuple[int, int, float], ...]) -> None:
        """Take what trials gained: (neuron, side, gain per unit of loss)."""
        for neuron, side, gain in tried:
            self._sums[side, neuron] += gain
            self._counts[side, neuron] += 1

    def is_known(self, neuron: int) -> bool:
        return bool(self._counts[:, neuron].min() >= RELIABLE)

    def expected(self, losses: FloatArray) -> FloatArray:
        """What splits may gain: the product over their halves, (size,)."""
        counts, everything = self._counts, self._counts.sum(axis=1)
        usual = np.where(everything > 0, self._sums.sum(axis=1) / np.maximum(everything, 1), 1.0)
        rates = np.where(counts > 0, self._sums / np.maximum(counts, 1), usual[:, None])
        product: FloatArray = np.maximum(rates * losses, 1e-12).prod(axis=0) * (losses > NONE)
        return product
