"""What a few hundred labelled frames make of a network: before and after, on the same test part.

Beside it stands a small network of ours that learns from the same frames, from nothing or from
other weights.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.datasets.findings import Findings
from neuropose_ros.learning.datasets.picture_files import load_pictures
from neuropose_ros.learning.datasets.picture_sets import TEST, TRAIN, PictureSet, read_picture_set
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pose_evaluation.measures import joint_offsets, pck_of
from neuropose_ros.learning.pose_evaluation.models import InBoxes
from neuropose_ros.learning.pose_evaluation.people import People, gather
from neuropose_ros.learning.pose_finetuning.fitting import fine_tune, prepare_tuning
from neuropose_ros.learning.pose_finetuning.recipe import FineTuningRecipe
from neuropose_ros.learning.pose_finetuning.tuned import FILE_NAME as TUNED_FILE
from neuropose_ros.learning.pose_finetuning.tuned import (
    TunedPose,
    Vendor,
    in_registry,
    save_tuned,
    vendor_named,
)
from neuropose_ros.learning.pose_training.entry import ENTRY_FILE
from neuropose_ros.learning.pose_training.export import PoseExportSettings, export_pose
from neuropose_ros.learning.pose_training.fitting import Start, prepare, train_pose
from neuropose_ros.learning.pose_training.recipe import PoseRecipe
from neuropose_ros.learning.pose_training.task import LIMITS
from neuropose_ros.learning.training.progress import Report, bar
from neuropose_ros.pose.create import create_region_estimator

Watch = Callable[[str], AbstractContextManager[Report]]
"""Gives what is told of the training with that name."""
_OFFSETS = 200


@dataclass(frozen=True)
class Frames:
    """What everybody is asked about.

    Attributes:
        whole: the training part, to draw frames to learn from.
        test: frames of the test part.
        aside: frames of the training part by which other ideas of joints are measured.
    """

    whole: PictureSet
    test: PictureSet
    aside: PictureSet


@dataclass(frozen=True)
class Row:
    """A network on the test part, in the annotated boxes.

    Attributes:
        figures: ``pck@0.1`` ... as found; with ``_moved`` behind, the mean offset of each joint,
            measured on the training part, is taken out; ``_low`` and ``_high`` are the ends of
            the 95 % interval of the first, by recording.
        minutes: that it learnt.
    """

    name: str
    figures: Mapping[str, float]
    minutes: float = 0.0


def frames_of(root: Path, form: str = '', most: int = 800) -> Frames:
    """Read a data set that its makers divided.

    Args:
        most: test frames, evenly spread; 0 = all.

    Raises:
        DataError: it cannot be read.
    """
    train, test = (read_picture_set(form, root, part) for part in (TRAIN, TEST))
    return Frames(train, _spread(test, most), _spread(train, _OFFSETS))


def _spread(pictures: PictureSet, most: int) -> PictureSet:
    if not most or most >= len(pictures):
        return pictures
    chosen = np.linspace(0, len(pictures) - 1, most).round().astype(int)
    return pictures.only(tuple(pictures.pictures[index] for index in chosen))


def compare_tuning(
    recipe: FineTuningRecipe, model: str, frames: Frames, folder: Path, *, seeds: int = 1,
    cache: Path | None = None, registry: Mapping[str, ModelEntry] | None = None,
    watch: Watch = bar,
) -> list[Row]:
    """Ask a model of the registry, let it learn on, and ask it again: one row, and one a seed.

    Raises:
        DataError, TrainingError, ModelError: something cannot be had or learnt on.
    """
    vendor = vendor_named(model, registry)
    rows = [Row(model, _figures(TunedPose(vendor), frames))]
    for seed in range(seeds):
        rows.append(_tuned(recipe, vendor, frames, folder, seed, cache, watch))
    return rows


def _tuned(
    recipe: FineTuningRecipe, vendor: Vendor, frames: Frames, folder: Path, seed: int,
    cache: Path | None, watch: Watch,
) -> Row:
    learnt = prepare_tuning(recipe, vendor, frames.whole, seed, cache=cache)
    name = f'{vendor.entry.name}, {learnt.pictures[0]} frames, seed {seed}'
    begin = time.monotonic()
    with watch(name) as report:
        tuned = fine_tune(recipe, vendor, learnt, seed, place=Place(report=report))
    minutes = (time.monotonic() - begin) / 60
    save_tuned(tuned, folder / f'{vendor.entry.name}-{seed}' / TUNED_FILE)
    return Row(name, _figures(tuned, frames), minutes)


def compare_small(
    recipe: PoseRecipe, frames: Frames, start: Start, *, cache: Path | None = None,
    watch: Watch = bar, seed: int = 0,
) -> Row:
    """Train a small network of ours on as many frames, and ask it.

    Raises:
        DataError, TrainingError, ModelError: it cannot be trained or exported.
    """
    learnt = prepare(recipe, frames.whole, seed, cache=cache)
    origin = 'given weights' if start.trained or start.backbone else 'nothing'
    name = f'ours from {origin}, {learnt.pictures[0]} frames, seed {seed}'
    begin = time.monotonic()
    with watch(name) as report:
        trained = train_pose(recipe, learnt, seed, start=start, place=Place(report=report))
    minutes = (time.monotonic() - begin) / 60
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / 'model'
        export_pose(trained, folder, PoseExportSettings('small', half=False, int8=False))
        found = _asked('small', load_registry(folder / ENTRY_FILE), frames)
    return Row(name, found, minutes)


def _figures(tuned: TunedPose, frames: Frames) -> dict[str, float]:
    with in_registry(tuned) as (name, registry):
        return _asked(name, registry, frames)


def _asked(
    name: str, registry: Mapping[str, ModelEntry], frames: Frames,
) -> dict[str, float]:
    with _asker(name, registry) as asker:
        people, aside = (_people(asker, part) for part in (frames.test, frames.aside))
    offsets = joint_offsets(aside) * people.sizes_px[:, np.newaxis, np.newaxis]
    moved = replace(people, found=(people.found + offsets).astype(np.float32))
    figures: dict[str, float] = {}
    for limit in LIMITS:
        share = pck_of(people, limit)
        figures |= {f'pck@{limit:g}': share.value, f'pck@{limit:g}_low': share.low,
                    f'pck@{limit:g}_high': share.high,
                    f'pck@{limit:g}_moved': pck_of(moved, limit).value}
    return figures


@contextmanager
def _asker(name: str, registry: Mapping[str, ModelEntry]) -> Iterator[InBoxes]:
    asker = InBoxes(create_region_estimator(
        name, runtime='cpu', threads=1, registry=registry, announce=lambda _: None))
    try:
        yield asker
    finally:
        asker.close()


def _people(asker: InBoxes, pictures: PictureSet) -> People:
    asked = [(truth, asker.ask(truth, image))
             for _, truth, image in load_pictures(pictures.pictures, Findings())]
    return gather(pictures.layout, asker.layout, asked)


def summary(rows: list[Row]) -> dict[str, Any]:
    """Return the figures as JSON has them: the first row is before, those that follow after."""
    before, after = rows[0].figures, [row.figures for row in rows[1:]]
    values: dict[str, Any] = {'before': dict(before), 'after': {
        name: float(np.mean([figures[name] for figures in after])) for name in before}}
    for name in ('pck@0.1', 'pck@0.2'):
        for key in (name, f'{name}_moved'):
            values[f'{key}_gain'] = values['after'][key] - before[key]
    return values | {'minutes': float(np.mean([row.minutes for row in rows[1:]]))}


def table(rows: list[Row]) -> str:
    """Return the rows for people."""
    width = max(len(row.name) for row in rows)
    lines = [f'{"":{width}}  PCK@0.1  95 % interval    offsets out  PCK@0.2  minutes']
    for row in rows:
        found = row.figures
        lines.append(
            f'{row.name:{width}}  {found["pck@0.1"]:7.3f}  {found["pck@0.1_low"]:.3f} to '
            f'{found["pck@0.1_high"]:.3f}  {found["pck@0.1_moved"]:11.3f}  '
            f'{found["pck@0.2"]:7.3f}  {row.minutes:7.1f}')
    return '\n'.join(lines)
