"""How noisy a detector is: from the confidence it gives to the error it really makes.

An error has two parts. The white part changes from frame to frame and is what a filter takes out.
The slow part stays for a while (a joint found on the wrong fold of a sleeve), no filter takes it
out, and only the uncertainty that is told can speak of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError

Values = NDArray[np.float64]

LEVELS = 64
"""Steps of confidence that a table of noise has, beside 0."""


@dataclass(frozen=True)
class NoiseCurve:
    """Standard deviations, per axis and in body sizes, at confidences.

    Attributes:
        scores: S confidences, rising, within 0..1.
        white: S standard deviations of the part that changes from frame to frame.
        slow: S standard deviations of the part that stays.
    """

    scores: tuple[float, ...]
    white: tuple[float, ...]
    slow: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no curve.

        Raises:
            DataError: lengths differ, scores do not rise, or a deviation is not a number > 0.
        """
        sizes = {len(self.scores), len(self.white), len(self.slow)}
        if len(sizes) != 1 or not self.scores:
            raise DataError('a noise curve needs as many deviations as scores, at least one')
        if any(a >= b for a, b in zip(self.scores, self.scores[1:])):  # noqa: B905
            raise DataError(f'the scores of a noise curve must rise: {self.scores}')
        if not all(math.isfinite(x) and x > 0 for x in (*self.white, *self.slow)):
            raise DataError('the deviations of a noise curve must be above 0')

    def table(self) -> Values:
        """Return (2, LEVELS + 1): white and slow deviation, geometric between the scores."""
        scores = np.linspace(0.0, 1.0, LEVELS + 1)
        return np.stack([np.exp(np.interp(scores, self.scores, np.log(values)))
                         for values in (self.white, self.slow)])


def generic_curve(confident: float, unsure: float) -> NoiseCurve:
    """Return the curve of a detector of which nothing is known.

    The slow part of its errors is taken as large as the white one.

    Args:
        confident: white standard deviation at confidence 1, in body sizes.
        unsure: at confidence 0.
    """
    return NoiseCurve((0.0, 1.0), (unsure, confident), (unsure, confident))


@dataclass(frozen=True)
class DetectorNoise:
    """The noise of one detector: a curve for all joints, and those of some joints by name."""

    curve: NoiseCurve
    joints: Mapping[str, NoiseCurve] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """The noise of detectors by the id that poses carry (``PoseFrame.model``)."""

    detectors: Mapping[str, DetectorNoise] = field(default_factory=dict)

    def of(self, model: str) -> DetectorNoise | None:
        """Return the noise of a detector; None = it is not known.

        An id joins those of networks and runtimes, as ``yolox-nano:cpu>movenet-lightning:cpu``.
        """
        for part in re.split(r'[^\w.-]+', model.rpartition('>')[2]):
            if part in self.detectors:
                return self.detectors[part]
        return None

    def to_json(self) -> dict[str, Any]:
        """Return a table that `from_json` reads."""
        return {model: {
            'curve': _to_table(noise.curve),
            'joints': {name: _to_table(curve) for name, curve in noise.joints.items()},
        } for model, noise in self.detectors.items()}

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> NoiseModel:
        """Return the model that `to_json` described.

        Raises:
            DataError: it describes none.
        """
        try:
            return cls({model: DetectorNoise(
                _from_table(noise['curve']),
                {name: _from_table(curve) for name, curve in noise.get('joints', {}).items()},
            ) for model, noise in table.items()})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f'the noise of detectors cannot be read: {error!r}') from error


def _to_table(curve: NoiseCurve) -> dict[str, list[float]]:
    return {'scores': list(curve.scores), 'white': list(curve.white), 'slow': list(curve.slow)}


def _from_table(table: Mapping[str, Any]) -> NoiseCurve:
    return NoiseCurve(*(tuple(float(x) for x in table[name])
                        for name in ('scores', 'white', 'slow')))


class JointNoise:
    """The noise of the joints of one layout, as look-up tables.

    Attributes:
        learnt: whether it is of errors that this detector really made.
    """

    def __init__(self, curves: Sequence[NoiseCurve], *, learnt: bool) -> None:
        """Take the curve of each of the R rows."""
        self.learnt = learnt
        tables = np.array([curve.table() for curve in curves]).reshape(-1, 2, LEVELS + 1)
        self._white = np.ascontiguousarray(tables[:, 0])
        self._slow = np.ascontiguousarray(tables[:, 1])
        self._first = np.arange(len(curves)) * (LEVELS + 1)

    def deviations(self, scores: Values) -> tuple[Values, Values]:
        """Return (P, R) white and slow deviations, in body sizes, at scores (P, R) in 0..1."""
        at = (scores * LEVELS + 0.5).astype(np.intp) + self._first
        return self._white.take(at), self._slow.take(at)


@lru_cache(maxsize=16)
def joint_noise(
    model: NoiseModel | None, detector: str, names: tuple[str, ...], confident: float,
    unsure: float,
) -> JointNoise:
    """Return the noise of the K joints ``names`` in the image, then of the K joints in 3D.

    What is learnt is about the image; 3D joints, and all joints of a detector that is not known,
    have the `generic_curve` of ``confident`` and ``unsure``.
    """
    generic = generic_curve(confident, unsure)
    known = None if model is None else model.of(detector)
    if known is None:
        return JointNoise([generic] * (2 * len(names)), learnt=False)
    return JointNoise([*(known.joints.get(name, known.curve) for name in names),
                       *[generic] * len(names)], learnt=True)
