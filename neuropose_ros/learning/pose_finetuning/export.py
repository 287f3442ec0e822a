"""From a network that learnt on to a folder that the registry takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from neuropose_ros.core.errors import ModelError, ParameterError
from neuropose_ros.inference.download import file_sha256
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import check_picture
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.ops.host import HostOps
from neuropose_ros.inference.precision import Probe, half_precision
from neuropose_ros.learning.new_folder import new_folder
from neuropose_ros.learning.pose_finetuning.graph import GraphNetwork
from neuropose_ros.learning.pose_finetuning.tuned import (
    FILE_NAME,
    LANDMARKS,
    TunedPose,
    entry_tables,
    save_tuned,
    write_model,
)
from neuropose_ros.learning.pose_training.entry import CARD_FILE, ENTRY_FILE
from neuropose_ros.learning.pose_training.export import PoseExportSettings

HALF_FILE, HALF = 'model_fp16.onnx', '-fp16'
_HALF_TOLERANCE = 0.05
_TIMED_RUNS = 20
_LONGEST = 64  # of a name in the registry
_LIMITS = (
    'It knows people, clothes, cameras and light like those it learnt from: measure it on '
    'pictures of your own with `neuropose evaluate pose`.',
    'Joints that were annotated mean what the annotations say now; the others mean what they '
    'meant before.',
    'It is no medical device and no safety device.',
)


@dataclass(frozen=True)
class TunedVariant:
    """One of the files.

    Attributes:
        ms: of one look at one person on one thread of this processor, median.
    """

    file: str
    megabytes: float
    ms: float


@dataclass(frozen=True)
class TunedExport:
    """What was written.

    Attributes:
        variants: float32 first.
    """

    folder: Path
    name: str
    variants: tuple[TunedVariant, ...]


def export_tuned(
    tuned: TunedPose, folder: Path, settings: PoseExportSettings | None = None,
    announce: Callable[[str], None] = print,
) -> TunedExport:
    """Write a model's folder; an earlier one there is replaced once the new one is whole.

    There is no int8 variant, and none in half precision where that loses too much.

    Args:
        announce: takes one sentence for people.

    Raises:
        ModelError: it cannot be written.
        ParameterError: the folder's name is no name of a model, and none is given.
    """
    settings = settings or PoseExportSettings()
    name = settings.name or PoseExportSettings(folder.resolve().name.lower()).name
    if len(f'{name}{LANDMARKS}{HALF}') > _LONGEST:
        raise ParameterError(f'name is {name!r}; {_LONGEST - len(LANDMARKS + HALF)} letters are '
                             'allowed: its parts have longer ones')
    about = {'title': settings.title, 'licence': _licence(tuned, settings)}
    with new_folder(folder, FILE_NAME, 'fine-tuned pose model') as made:
        tables = write_model(tuned, made, name, **about)
        path = made / 'model.onnx'
        probe = _probe(tuned)
        variants = [_measured(path, probe)]
        half = made / HALF_FILE
        if settings.half and _halved(path, probe, half, announce):
            variants.append(_measured(half, probe))
            tables |= entry_tables(
                tuned, name, half.name, suffix=HALF, sha256=file_sha256(half),
                megabytes=round(variants[-1].megabytes, 1), **about)
        (made / ENTRY_FILE).write_text(
            yaml.safe_dump(tables, sort_keys=False, allow_unicode=True), 'utf-8')
        (made / CARD_FILE).write_text(
            '\n'.join(_card(tuned, name, about['licence'], variants)), 'utf-8')
        save_tuned(tuned, made / FILE_NAME)
    return TunedExport(folder, name, tuple(variants))


def _halved(
    path: Path, probe: Probe, half: Path, announce: Callable[[str], None],
) -> bool:
    try:
        half.write_bytes(half_precision(path, [probe], _HALF_TOLERANCE).content)
    except ModelError as error:
        announce(f'no variant in half precision is written: {error}')
    return half.is_file()


def _licence(tuned: TunedPose, settings: PoseExportSettings) -> str:
    """The vendor's terms bind what was learnt on its weights."""
    vendor = tuned.vendor.network.licence
    own = settings.licence
    return vendor if own in ('', PoseExportSettings().licence) else f'{own}; made from {vendor}'


def _probe(tuned: TunedPose) -> Probe:
    size: ModelEntry = tuned.vendor.network
    network = GraphNetwork(tuned.vendor.content)
    picture = check_picture(size.input.width, size.input.height)[0]
    crops = HostOps().crops(picture, np.eye(2, 3)[np.newaxis], size.input)
    return {network.input: np.asarray(crops)}


def _measured(path: Path, probe: Probe) -> TunedVariant:
    runtime = OnnxRuntime(path, threads=1)
    try:
        times = []
        for _ in range(_TIMED_RUNS):
            begin = time.perf_counter()
            runtime.run(probe)
            times.append(time.perf_counter() - begin)
    finally:
        runtime.close()
    return TunedVariant(path.name, path.stat().st_size / 1e6, 1e3 * float(np.median(times)))


def _card(
    tuned: TunedPose, name: str, licence: str, variants: list[TunedVariant],
) -> Iterator[str]:
    vendor, facts = tuned.vendor, tuned.trained_on
    yield from (
        f'# Pose model {name}', '',
        f'{vendor.entry.title}, which learnt on from the weights of {vendor.entry.name}: '
        f'{len(vendor.skeleton)} joints ({vendor.skeleton.id}), read as that one is.', '',
        f'Licence: {licence}. Terms of the pictures: {facts.get("terms") or "not stated"}.', '',
        '## Learnt from', '', '| | |', '|---|---|')
    for key, value in _facts(facts):
        yield f'| {key} | {value} |'
    yield from ('', '## Files', '', '| file | MB | ms a look, one thread |', '|---|---|---|')
    for variant in variants:
        yield f'| {variant.file} | {variant.megabytes:.1f} | {variant.ms:.1f} |'
    yield from ('', '## Limits', '', *(f'- {limit}' for limit in _LIMITS), '')


def _facts(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in facts.items():
        if key not in ('terms', 'validation') and value not in ('', []):
            shown = ', '.join(value) if isinstance(value, list) else str(value)
            yield key.replace('_', ' '), shown.replace('|', '/')
    for key, value in facts.get('validation', {}).items():
        yield f'validation {key}', f'{value:.3f}'
