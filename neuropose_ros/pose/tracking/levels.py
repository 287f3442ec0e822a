"""Where a body ends above and below in the picture: who walks across a view keeps both levels.

People at different distances have different levels, however they cross. A detector's box tells
them to about a hundredth of the height (standard deviation over rendered crossings), better
than the joints do; whoever stands in front cuts a box off below, sometimes, so a level that is
far off says little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_USUAL_DEVIATIONS = 2.0


@dataclass(frozen=True, slots=True)
class LevelModel:
    """How levels change and are measured.

    Attributes:
        noise: standard deviation of the levels of a box, body heights.
        drift: variance per second with which they wander, heights^2/s.
        astray: how often a level says nothing of the body's: above, below.
    """

    noise: float = 0.015
    drift: float = 0.001
    astray: tuple[float, float] = (0.02, 0.05)


@dataclass(frozen=True, slots=True)
class Levels:
    """What is known of them at one time.

    Attributes:
        position: (2,) y of the upper and of the lower end, px.
        variance: (2,) px^2.
    """

    position: Array
    variance: Array

    @property
    def height_px(self) -> float:
        """From the upper to the lower."""
        return float(self.position[1] - self.position[0])

    def predicted(self, dt_s: float, model: LevelModel) -> Levels:
        """Return the levels ``dt_s`` later."""
        wandered = model.drift * max(dt_s, 0.0) * self.height_px**2
        return Levels(self.position, self.variance + wandered)

    def corrected(self, measured: Array, doubt: float, model: LevelModel) -> Levels:
        """Return the levels after a measurement (2,), whose variance is ``doubt`` times usual."""
        usual = doubt * (model.noise * self.height_px) ** 2
        innovation = measured - self.position
        # What is far off changes little, and still gets through in the end.
        deviations = np.abs(innovation) / np.sqrt(self.variance + usual)
        noise = usual * np.maximum(1.0, deviations / _USUAL_DEVIATIONS) ** 2
        gain = self.variance / (self.variance + noise)
        return Levels(self.position + gain * innovation, (1 - gain) * self.variance)


def first_levels(measured: Array, doubt: float, model: LevelModel) -> Levels:
    """Return the levels of a body that is seen for the first time."""
    height = measured[1] - measured[0]
    return Levels(measured, np.full(2, doubt * (model.noise * height) ** 2))


def level_evidence(boxes: Array, position: Array, variance: Array, model: LevelModel) -> Array:
    """Return (N, T) log-likelihoods of boxes (N, 4) at expected levels (T, 2), at best 0.

    Where levels are not known, NaN, they say nothing: 0.
    """
    heights = np.maximum(position[:, 1] - position[:, 0], 1e-6)
    spread = variance + (model.noise * heights[:, None]) ** 2
    squared = (boxes[:, None, [1, 3]] - position[None]) ** 2 / spread[None]
    astray = np.array(model.astray)
    evidence = np.log((1 - astray) * np.exp(-0.5 * squared) + astray).sum(-1)
    result: Array = np.nan_to_num(evidence, nan=0.0)
    return result
