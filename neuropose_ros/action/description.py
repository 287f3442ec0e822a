"""What a deployed recogniser says of itself: the file beside its networks.

A recogniser is a folder: ``recogniser.json`` (this file), ``step.onnx`` (one tick of time, for
streams), optionally ``clip.onnx`` (whole clips), each perhaps with an ``_fp16`` variant, and
``MODEL_CARD.md``. `learning.export` writes it, `action.recogniser` runs it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.errors import LabelError, LayoutError, ModelError
from neuropose_ros.core.skeleton import SkeletonLayout

FORMAT = 1
FILE_NAME = 'recogniser.json'
STEP_FILE = 'step.onnx'


@dataclass(frozen=True)
class RecogniserDescription:
    """Everything that is needed to run the networks of a recogniser.

    The step network takes ``keypoints`` (N, K, D) float32 as `action.normalisation` gives them
    (0 where missing), ``mask`` (N, K) float32 (1 = measured), where `scene_size` > 0 also
    ``scene`` (N, E) and ``scene_mask`` (N, 1), and each state in `states` (zeros at the begin of
    a track); N is dynamic. It gives ``logits`` (N, C; calibrated: softmax is the answer),
    ``unknown`` (N, 1; 0..1), ``completed`` (N, K, D), ``error`` (N, K), ``attention``, and
    ``next_NAME`` of each state.

    Attributes:
        name: id of the model, as ``jhmdb14``.
        layout: of the keypoints.
        dimensions: D, 2 or 3.
        labels: C actions.
        rate_hz: ticks per second that the network was trained at.
        window_s: how far back an answer looks.
        states: name -> shape without the first axis.
        normalisation: parameters of `action.normalisation`.
        unknown_threshold: an unknown score from here on makes the answer unknown.
        scene_model: encoder of the scene vectors; '' = none.
        scene_size: E, 0 = none.
        decision_delay_s: by how much the answer lies behind the newest frame.
        networks: file name -> sha256.
        training: what it was trained on and how, for the card and for people.
    """

    name: str
    layout: SkeletonLayout
    dimensions: int
    labels: LabelSet
    rate_hz: float
    window_s: float
    states: Mapping[str, tuple[int, ...]]
    normalisation: Mapping[str, Any] = field(default_factory=dict)
    unknown_threshold: float = 1.0
    scene_model: str = ''
    scene_size: int = 0
    decision_delay_s: float = 0.0
    networks: Mapping[str, str] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)


def write_description(description: RecogniserDescription, folder: Path) -> None:
    """Write ``recogniser.json`` into a folder."""
    fields = asdict(description)
    fields['format'] = FORMAT
    path = folder / FILE_NAME
    path.write_text(json.dumps(fields, indent=1) + '\n', 'utf-8')


def read_description(folder: Path) -> RecogniserDescription:
    """Read ``recogniser.json`` of a folder.

    Raises:
        ModelError: it is not there, damaged or of another version.
    """
    path = folder / FILE_NAME
    try:
        fields = json.loads(path.read_text('utf-8'))
        if fields.pop('format') != FORMAT:
            raise ModelError(f'{path}: written by another version: export the recogniser again')
        layout, labels = fields.pop('layout'), fields.pop('labels')
        found = RecogniserDescription(
            layout=SkeletonLayout.from_table(layout),
            labels=LabelSet(labels['name'], tuple(labels['labels'])),
            states={name: tuple(shape) for name, shape in fields.pop('states').items()},
            **fields)
        _check(found)
    except OSError as error:
        raise ModelError(f'{path}: cannot be read ({error.strerror}); a recogniser is a folder '
                         'that `neuropose export` wrote') from error
    except (ValueError, KeyError, TypeError, AttributeError, LabelError, LayoutError) as error:
        raise ModelError(f'{path}: not a description of a recogniser ({error}): export it '
                         'again') from error
    return found


def _check(found: RecogniserDescription) -> None:
    """Refuse values by which nothing can be run: no number compares with NaN, so NaN is silent.

    Raises:
        ValueError: one is impossible; the sentence names it.
    """
    for name, low, high in (
            ('rate_hz', 0.1, 1000.0), ('window_s', 0.0, 600.0), ('dimensions', 2, 3),
            ('unknown_threshold', 0.0, math.inf), ('scene_size', 0, 1e6),
            ('decision_delay_s', 0.0, 600.0)):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not (
                low <= value <= high):
            raise ValueError(f'{name} is {value!r}, not a number within {low:g} to {high:g}')
    texts = {'name': found.name, 'scene_model': found.scene_model, **found.networks}
    texts |= {f'label {i}': label for i, label in enumerate(found.labels.labels)}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise ValueError(f'{name} is {value!r}, not a text')
    if found.name in ('', '..') or Path(found.name).name != found.name:
        raise ValueError(f'name is {found.name!r}, not a plain name for a folder')
    if bool(found.scene_size) != bool(found.scene_model):
        raise ValueError('scene_model must be named where and only where scene_size is more '
                         'than 0')
