"""A refiner's folder: ``refiner.json`` beside the networks it describes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.download import check_listed_file
from neuropose_ros.refinement.canonical import CORE_JOINTS
from neuropose_ros.refinement.skeletal import SkeletalModel

FILE_NAME, STEP_FILE = 'refiner.json', 'step.onnx'
FORMAT = 1


@dataclass(frozen=True)
class RefinerDescription:
    """What a refiner says of itself.

    Attributes:
        name: of its folder.
        joints: names of the C joints its networks read.
        told: names of those of which they say something: whose truth was known in training.
        hidden: size of the state that a step keeps, per person.
        skeleton: ``mean`` (C, 2), ``shape`` (C, C) and ``walk`` (C, C), see `SkeletalModel`.
        spread: factors on the standard deviations that the networks state, of joints that are
            seen and of hidden ones, so that ellipses hold what they promise.
        noise: `NoiseModel.to_json` of the detectors it learnt from.
        networks: file name -> sha256.
        training: what it learnt from, for people.
    """

    name: str
    joints: tuple[str, ...]
    told: tuple[str, ...]
    hidden: int
    skeleton: Mapping[str, Any]
    spread: Mapping[str, tuple[float, float]]
    noise: Mapping[str, Any]
    networks: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def skeletal_model(self) -> SkeletalModel:
        """Return how bodies look and move."""
        return SkeletalModel(*(np.array(self.skeleton[part], np.float64)
                               for part in ('mean', 'shape', 'walk')))


def write_description(description: RefinerDescription, folder: Path) -> None:
    """Write ``refiner.json`` into a folder."""
    table = {'format': FORMAT, **asdict(description)}
    (folder / FILE_NAME).write_text(json.dumps(table, indent=1) + '\n', 'utf-8')


def read_description(folder: Path) -> RefinerDescription:
    """Read ``refiner.json`` of a folder.

    Raises:
        ModelError: it is not there, damaged or of another version.
    """
    path = folder / FILE_NAME
    try:
        fields = json.loads(path.read_text('utf-8'))
        if fields.pop('format') != FORMAT:
            raise ModelError(f'{path}: written by another version: train the refiner again')
        found = RefinerDescription(**{
            **fields, 'joints': tuple(fields['joints']), 'told': tuple(fields['told']),
            'spread': {name: tuple(pair) for name, pair in fields['spread'].items()}})
        _check(found)
    except OSError as error:
        raise ModelError(f'{path}: cannot be read ({error.strerror}); a refiner is a folder that '
                         '`neuropose train refiner` wrote') from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f'{path}: not a description of a refiner ({error}): train it '
                         'again') from error
    return found


def check_file(path: Path, description: RefinerDescription) -> None:
    """Refuse a network that is not the one which the description was written for.

    Raises:
        ModelError: it is missing, not in the description, or its sha256 differs.
    """
    check_listed_file(path, description.networks, 'refiner', 'training')


def _check(found: RefinerDescription) -> None:
    if found.joints != CORE_JOINTS:
        raise ValueError('its joints are not those of this version')
    if not set(found.told) <= set(found.joints):
        raise ValueError('it tells of joints that it does not read')
    if not isinstance(found.hidden, int) or not 0 < found.hidden < 10_000:
        raise ValueError(f'hidden is {found.hidden!r}, not a size')
    model, count = found.skeletal_model(), len(found.joints)
    for name, value, columns in (
            ('mean', model.mean, 2), ('shape', model.shape, count), ('walk', model.walk, count)):
        if value.shape != (count, columns) or not np.isfinite(value).all():
            raise ValueError(f'{name} of the skeleton is not {count} x {columns} numbers')
    for name, pair in found.spread.items():
        if len(pair) != 2 or not all(math.isfinite(x) and x > 0 for x in pair):
            raise ValueError(f'spread of {name} is {pair!r}, not two numbers above 0')
