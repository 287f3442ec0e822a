"""What people do says how lively their joints are: whoever sits does not fly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.action import Action
from neuropose_ros.core.errors import ModelError
from neuropose_ros.refinement.canonical import CORE_JOINTS, core_columns
from neuropose_ros.refinement.filters import Values

CONTEXT_FILE = 'context.json'
"""In a refiner's folder; may be absent."""
_LEAST, _MOST = 1e-3, 1e3


@dataclass(frozen=True)
class ActionPrior:
    """How much more or less joints accelerate in actions; see `ActionContext`.

    Attributes:
        label_set: id of the labels.
        labels: C names.
        factors: (C, J) on the variance of the acceleration of each of `CORE_JOINTS`, 1 = as in
            all actions.
    """

    label_set: str
    labels: tuple[str, ...]
    factors: Values

    def __post_init__(self) -> None:
        """Refuse factors that are not of the labels, or not between 0.001 and 1000.

        Raises:
            ModelError: such factors.
        """
        shape = (len(self.labels), len(CORE_JOINTS))
        if self.factors.shape != shape:
            raise ModelError(
                f'the action context has factors of shape {self.factors.shape}, not {shape}: '
                'learn it again with this version')
        if not ((self.factors >= _LEAST) & (self.factors <= _MOST)).all():
            raise ModelError(
                f'the action context has factors that are not from {_LEAST} to {_MOST}: learn '
                'it again')

    def __call__(self, action: Action, names: tuple[str, ...]) -> Values:
        """Return (K,) factors on the variance of the acceleration of joints; 1 = no say.

        The mean over what the person may do; the unknown share of it says nothing.

        Args:
            action: of a person, with probabilities of this label set.
            names: of the K joints.
        """
        shares = np.asarray(action.probabilities, np.float64)
        said = np.ones(len(names))
        if action.top_index < 0 or shares.shape != (len(self.labels),) or not (
                np.isfinite(shares).all() and math.isfinite(action.unknown_score)):
            return said
        known = 1.0 - min(max(action.unknown_score, 0.0), 1.0)
        columns = _columns(names)
        mean = 1.0 + known * (shares @ (self.factors - 1.0))
        said[columns >= 0] = mean[columns[columns >= 0]]
        return said

    def to_json(self) -> dict[str, Any]:
        """Return the factors by label and joint, to be read by `from_json`."""
        return {
            'label_set': self.label_set, 'joints': list(CORE_JOINTS),
            'factors': {label: [round(float(one), 4) for one in row]
                        for label, row in zip(self.labels, self.factors, strict=True)}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ActionPrior:
        """Return what `to_json` wrote.

        Raises:
            ModelError: it is something else.
        """
        try:
            joints, rows = list(value['joints']), dict(value['factors'])
            factors = np.array(list(rows.values()), np.float64).reshape(len(rows), -1)
            label_set = str(value['label_set'])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f'the action context cannot be read ({error!r})') from None
        if joints != list(CORE_JOINTS):
            raise ModelError(
                f'the action context has the joints {", ".join(map(str, joints))}, not those of '
                'this version: learn it again')
        return cls(label_set, tuple(map(str, rows)), factors)


def read_context(folder: Path) -> ActionPrior | None:
    """Return what a refiner's folder says about actions; None where it says nothing.

    Raises:
        ModelError: its file cannot be read.
    """
    path = folder / CONTEXT_FILE
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ModelError(f'{path}: the action context cannot be read ({error})') from error
    if not isinstance(value, dict):
        raise ModelError(f'{path}: the action context cannot be read (it is no object)')
    return ActionPrior.from_json(value)


@lru_cache(maxsize=32)
def _columns(names: tuple[str, ...]) -> Any:
    """Return (K,): which of `CORE_JOINTS` a joint of a layout is; -1 = none."""
    columns = np.full(len(names), -1, np.intp)
    for core, place in enumerate(core_columns(names)):
        if place >= 0:
            columns[place] = core
    return columns
