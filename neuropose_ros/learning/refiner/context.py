"""Learns how lively each joint is in each action, from the true joints of clips."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import DataError
from neuropose_ros.learning.refiner.pairs import RATE_HZ, TRUTH_LAYOUT, Pair
from neuropose_ros.refinement.canonical import CORE_JOINTS, core_columns
from neuropose_ros.refinement.context import CONTEXT_FILE, ActionPrior
from neuropose_ros.refinement.filters import Values

# So many clips of an action weigh as much as all others.
_CLIPS_AGAINST_NONE = 5.0
_LARGEST_FACTOR = 8.0
_LEAST_VARIANCE = 1e-6
_FACE = ('left_eye', 'right_eye', 'left_ear', 'right_ear')


def learn_prior(pairs: Sequence[Pair], labels: LabelSet) -> ActionPrior:
    """Return what actions say about the acceleration of joints.

    Means over clips of the logarithm of the mean squared acceleration, in boxes / s^2; that of
    an action is drawn to that of all clips by how few clips it has.

    Raises:
        DataError: a clip's action is none of the labels, or there is no clip.
    """
    if not pairs:
        raise DataError('an action context is learnt from clips, and there is none')
    spread = np.stack([_log_variance(pair) for pair in pairs])
    where = np.array([labels.index(pair.action) for pair in pairs])
    mean = spread.mean(0)
    factors = np.ones((len(labels), len(CORE_JOINTS)))
    columns = core_columns(TRUTH_LAYOUT.names)
    known = columns >= 0
    for label in range(len(labels)):
        chosen = spread[where == label]
        if not len(chosen):
            continue
        share = len(chosen) / (len(chosen) + _CLIPS_AGAINST_NONE)
        factor = np.exp(share * (chosen.mean(0) - mean))
        factors[label, known] = factor[columns[known]]
        for name in _FACE:
            factors[label, CORE_JOINTS.index(name)] = factors[label, CORE_JOINTS.index('nose')]
    return ActionPrior(
        labels.id, labels.labels, factors.clip(1 / _LARGEST_FACTOR, _LARGEST_FACTOR))


def context_of(pairs: Sequence[Pair], name: str) -> ActionPrior:
    """Return what the classes of clips say about movement; they are the labels called ``name``.

    Raises:
        DataError: there is no clip.
    """
    return learn_prior(pairs, LabelSet(name, tuple(sorted({pair.action for pair in pairs}))))


def write_context(prior: ActionPrior, folder: Path) -> Path:
    """Write what was learnt into a refiner's folder and return the file."""
    path = folder / CONTEXT_FILE
    path.write_text(json.dumps(prior.to_json(), indent=1) + '\n', encoding='utf-8')
    return path


def _log_variance(pair: Pair) -> Values:
    """Return (K,) logarithms of the mean squared accelerations of a clip."""
    if len(pair) < 3:
        return np.full(pair.truth.shape[1], np.log(_LEAST_VARIANCE))
    bend = np.diff(pair.truth.astype(np.float64), 2, axis=0) * RATE_HZ**2 / pair.box_px
    value: Values = np.log(np.maximum((bend**2).sum(-1).mean(0), _LEAST_VARIANCE))
    return value
