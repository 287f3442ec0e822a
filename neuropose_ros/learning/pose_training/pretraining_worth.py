"""What a start from pictures without labels buys a pose network, by how many frames are labelled.

Recordings are held back, of which nothing is learnt, with labels or without; the networks are
asked about them once, when a training has ended. Both starts see the same frames with labels.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuropose_ros.core.errors import ParameterError, TrainingError
from neuropose_ros.learning.config import fingerprint
from neuropose_ros.learning.datasets.picture_sets import PictureSet, hold_out, read_picture_set
from neuropose_ros.learning.datasets.tables import read_arrays
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pose_training.fitting import (
    Learnt,
    Start,
    content_hash,
    prepare,
    train_pose,
)
from neuropose_ros.learning.pose_training.recipe import PoseRecipe
from neuropose_ros.learning.pose_training.self_supervised import (
    FILE_NAME,
    PosePretraining,
    pretrain_pose,
    save_backbone,
    start_from,
)
from neuropose_ros.learning.pose_training.task import LIMITS, judge
from neuropose_ros.learning.pose_training.views import PictureStore, pictures_of_set
from neuropose_ros.learning.training.progress import Report
from neuropose_ros.learning.workers import Watch, nobody, run_jobs

_RESULT, _STORE = 'result.json', 'pictures.npz'


@dataclass(frozen=True)
class WorthJob:
    """One training.

    Attributes:
        frames: with labels; 0 = all, None = the pre-training, which needs none.
        pretrained: whether it starts from that.
    """

    seed: int
    frames: int | None = None
    pretrained: bool = False

    @property
    def name(self) -> str:
        """Unique among the jobs of a run; a folder's name."""
        if self.frames is None:
            return f'backbone-{self.seed}'
        start = 'pretrained' if self.pretrained else 'fresh'
        return f'{self.frames or "all"}-{start}-{self.seed}'


@dataclass(frozen=True)
class WorthWork:
    """What the jobs share; an `AnyWork`.

    Attributes:
        root: of the data with labels.
        folder: of the results, one below it for each job.
        every: of the people that are held back every so many is asked about.
        people: who is learnt from and who is held back, in a word.
    """

    recipe: PoseRecipe
    pretraining: PosePretraining
    root: Path
    folder: Path
    cache: Path | None = None
    resume: bool = False
    every: int = 1
    people: str = ''

    def earlier(self, job: WorthJob) -> dict[str, float] | None:
        """Return what a job came to before, where that is to be kept."""
        if not self.resume:
            return None
        try:
            found = json.loads((self.folder / job.name / _RESULT).read_text('utf-8'))
            figures: dict[str, float] = found['figures']
        except (OSError, ValueError, KeyError):
            return None
        return figures if found.get('settings') == self._settings else None

    @property
    def _settings(self) -> str:
        return (f'{fingerprint(self.recipe)} {fingerprint(self.pretraining)} {self.every} '
                f'{self.people}')

    def run(self, job: WorthJob, report: Report) -> dict[str, float]:
        """Train and ask about those held back.

        Raises:
            TrainingError, DataError: it cannot be trained.
        """
        folder = self.folder / job.name
        place = Place(folder, self.resume, report)
        figures = (self._backbone(job, place) if job.frames is None
                   else self._trained(job, place))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _RESULT).write_text(json.dumps(
                {'settings': self._settings, 'figures': figures}), 'utf-8')
        except OSError as error:
            raise TrainingError(f'{folder}: cannot be written ({error.strerror})') from error
        return figures

    def _backbone(self, job: WorthJob, place: Place) -> dict[str, float]:
        table = np.load(self.folder / _STORE)
        store = PictureStore(table['pixels'], table['offsets'])
        weights = pretrain_pose(self.pretraining, store, job.seed, place)
        save_backbone(weights, self.pretraining, {'pictures': len(store), 'seed': job.seed},
                      self.folder / job.name / FILE_NAME)
        return {}

    def _trained(self, job: WorthJob, place: Place) -> dict[str, float]:
        learnt = prepared(self.recipe, self.root, self.cache)
        assert learnt.held is not None and job.frames is not None
        part = with_frames(learnt, job.frames, job.seed)
        start = Start()
        if job.pretrained:
            start = start_from(self.folder / WorthJob(job.seed).name)
        trained = train_pose(recipe_for(self.recipe, learnt, part), part, job.seed, start=start,
                             place=place)
        held = learnt.held.only(np.arange(0, len(learnt.held), self.every))
        with torch.inference_mode():
            away = judge(trained.network.eval(), held, self.recipe)
        away = away[np.isfinite(away)]
        return {f'pck@{limit:g}': float((away < limit).mean()) for limit in LIMITS}


def prepared(recipe: PoseRecipe, root: Path, cache: Path | None) -> Learnt:
    """Return all that may be learnt from, and those held back."""
    data = replace(recipe.data, pictures=0)
    pictures = read_picture_set(data.form, root, data.part)
    return prepare(replace(recipe, data=data), pictures, 0, cache=cache)


def with_frames(learnt: Learnt, frames: int, seed: int) -> Learnt:
    """Return people of so many pictures, drawn by the seed, and nobody held back; 0 = all."""
    train = learnt.train
    pictures = np.unique(train.pictures)
    if frames and frames < len(pictures):
        drawn = np.random.default_rng([seed, 11]).permutation(pictures)[:frames]
        train = train.only(np.flatnonzero(np.isin(train.pictures, drawn)))
        pictures = drawn
    return Learnt(train, None, (len(pictures), 0), learnt.name, learnt.source)


def recipe_for(recipe: PoseRecipe, learnt: Learnt, part: Learnt) -> PoseRecipe:
    """Return a recipe for fewer frames: more epochs, since each has fewer steps.

    Nobody is held back to choose weights by: those of the last epoch are taken.
    """
    def shown(people: int) -> int:
        return min(recipe.training.people_per_epoch or people, people)

    longer = (shown(len(learnt.train)) / shown(len(part.train))) ** 0.5
    return replace(recipe, training=replace(
        recipe.training, select='last', patience_epochs=0,
        epochs=max(1, round(recipe.training.epochs * longer))))


@dataclass(frozen=True)
class PoseWorth:
    """PCK on those held back, one value for each seed.

    Attributes:
        frames: with labels; 0 = all.
    """

    frames: int
    fresh: Mapping[str, tuple[float, ...]]
    pretrained: Mapping[str, tuple[float, ...]]


def jobs_of(frames: Sequence[int], seeds: int) -> tuple[list[WorthJob], list[WorthJob]]:
    """Return the pre-trainings, and the trainings, of which half need them."""
    # The longest first: no process is left alone with one in the end.
    longest_first = sorted(frames, key=lambda count: count or math.inf, reverse=True)
    return ([WorthJob(seed) for seed in range(seeds)],
            [WorthJob(seed, count, pretrained) for count in longest_first
             for pretrained in (False, True) for seed in range(seeds)])


def pretraining_worth(
    work: WorthWork, *, frames: Sequence[int] = (100, 500, 0), seeds: int = 3, workers: int = 2,
    watch: Watch = nobody,
) -> tuple[PoseWorth, ...]:
    """Train with so many labelled frames, from nothing and from pictures without labels.

    Raises:
        ParameterError: nobody is held back, or the two networks differ.
        TrainingError: a training fails, or what is to be gone on with learnt from others.
        DataError: the data cannot be read.
    """
    if not work.recipe.data.validation_share:
        raise ParameterError('data.validation_share is 0: nobody is held back to be asked about')
    if work.recipe.network != work.pretraining.network:
        raise ParameterError('the two recipes have different network sections')
    if not frames or min(frames) < 0:
        raise ParameterError('numbers of frames are 0 (all) or more')
    data = work.recipe.data
    pictures = read_picture_set(data.form, work.root, data.part)
    # Before all processes do it at once.
    work = replace(work, people=_people(prepare(work.recipe, pictures, 0, cache=work.cache)))
    _store(work, pictures)
    before, after = jobs_of(frames, seeds)
    run_jobs(work, before, workers, watch)
    results = dict(zip(after, run_jobs(work, after, workers, watch), strict=True))

    def of(count: int, pretrained: bool) -> dict[str, tuple[float, ...]]:
        rows = [found for job, found in results.items()
                if (job.frames, job.pretrained) == (count, pretrained)]
        return {name: tuple(row[name] for row in rows) for name in rows[0]}

    return tuple(PoseWorth(count, of(count, False), of(count, True)) for count in frames)


def _people(learnt: Learnt) -> str:
    """Return a word that changes with whoever is learnt from or held back."""
    parts = (learnt.train, *(() if learnt.held is None else (learnt.held,)))
    return '-'.join(content_hash(part) for part in parts)


def _store(work: WorthWork, pictures: PictureSet) -> None:
    """Put the pictures without labels where the processes find them: none of those held back."""
    path = work.folder / _STORE
    identity = f'{work.people} {fingerprint(work.pretraining.data)}'
    if work.resume and path.is_file():
        if str(read_arrays(path, ('identity',))['identity']) != identity:
            raise TrainingError(f'{work.folder}: the pictures, or who is held back, have changed '
                                'since that run was cut off: start anew, without --resume')
        return
    data = work.recipe.data
    learnt, _ = hold_out(pictures.pictures, data.validation_share, data.validation_seed)
    store = pictures_of_set(pictures.only(learnt), work.pretraining.data)
    partial = path.with_name(f'.{path.name}')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open('wb') as file:
            np.savez(file, identity=np.array(identity), **asdict(store))
        partial.replace(path)
    except OSError as error:
        raise TrainingError(f'{path}: cannot be written ({error.strerror})') from error


def summary(rows: Sequence[PoseWorth]) -> dict[str, Any]:
    """Return the figures for ``--json``: means and, of several seeds, standard deviations."""
    return {str(row.frames or 'all'): {
        **{f'{start}_{name}': float(np.mean(values))
           for start, found in (('fresh', row.fresh), ('pretrained', row.pretrained))
           for name, values in found.items()},
        **{f'{start}_{name}_std': _deviation(values)
           for start, found in (('fresh', row.fresh), ('pretrained', row.pretrained))
           for name, values in found.items()},
        **{f'gain_{name}': float(np.mean(row.pretrained[name]) - np.mean(values))
           for name, values in row.fresh.items()}} for row in rows}


def table(rows: Sequence[PoseWorth]) -> str:
    """Return the figures for people."""
    names = [f'pck@{limit:g}' for limit in LIMITS]
    lines = [f'{"frames":>7}' + ''.join(
        f'  {name:>8} {"from nothing":>14}  {"pre-trained":>14}   gain' for name in names)]
    for row in rows:
        cells = [f'  {"":8} {np.mean(row.fresh[name]):7.3f} ± {_deviation(row.fresh[name]):4.3f}'
                 f'  {np.mean(row.pretrained[name]):7.3f} ± '
                 f'{_deviation(row.pretrained[name]):4.3f} '
                 f'{np.mean(row.pretrained[name]) - np.mean(row.fresh[name]):+.3f}'
                 for name in names]
        lines.append(f'{row.frames or "all":>7}' + ''.join(cells))
    return '\n'.join(lines)


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
