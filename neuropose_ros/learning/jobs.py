"""One training among many of the same data: what a worker process does."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.baselines import ddnet
from neuropose_ros.learning.baselines.svm import svm_scores
from neuropose_ros.learning.clips import ClipSet, Split, read_clip_set, write_clip_set
from neuropose_ros.learning.fitting import train_recogniser
from neuropose_ros.learning.place import Place
from neuropose_ros.learning.pretraining import FILE_NAME as PRETRAINED
from neuropose_ros.learning.pretraining import pretrain, read_pretrained, save_pretrained
from neuropose_ros.learning.recipe import Recipe
from neuropose_ros.learning.sampling import Sampler
from neuropose_ros.learning.training.loop import derived_seed, fit
from neuropose_ros.learning.training.recognition import Recognition, ask, scores
from neuropose_ros.learning.weights import FILE_NAME, content_hash, identity_of, save_recogniser

Model = Literal['ours', 'pose_only', 'ddnet', 'svm', 'pretraining']

RESULT = 'result.json'
_TRAIN, _TEST, _SOURCES = 'train.npz', 'test.npz', 'sources'


@dataclass(frozen=True)
class Job:
    """What is trained.

    Attributes:
        labels: share of the training clips whose labels may be used.
        pretrained: True = from the weights that the job ``pretraining`` of this seed left;
            False = from nothing; None = as the recipe says.
    """

    model: Model
    seed: int
    labels: float = 1.0
    pretrained: bool | None = None

    @property
    def name(self) -> str:
        """Unique among the jobs of a run; a folder's name."""
        share = '' if self.labels == 1 else f'-{self.labels:g}'
        start = {None: '', True: '-pretrained', False: '-fresh'}[self.pretrained]
        return f'{self.model}{share}{start}-{self.seed}'


@dataclass(frozen=True)
class Result:
    """What a job came to on the test part.

    Attributes:
        scores: top1, macro_f1.
        seconds: it took, in this go.
    """

    job: Job
    scores: Mapping[str, float]
    seconds: float


def write_data(split: Split, sources: tuple[ClipSet, ...], folder: Path) -> None:
    """Put what the workers read into a folder."""
    write_clip_set(split.train, folder / _TRAIN)
    write_clip_set(split.test, folder / _TEST)
    for number, source in enumerate(sources):
        write_clip_set(source, folder / _SOURCES / f'{number}.npz')


def read_result(folder: Path, job: Job) -> Result | None:
    """Return what a job came to before, None = it has not ended."""
    try:
        values = json.loads((folder / job.name / RESULT).read_text('utf-8'))
        return Result(job, values['scores'], values['seconds'])
    except (OSError, ValueError, KeyError):
        return None


def run_job(job: Job, recipe: Recipe, data: Path, place: Place) -> Result:
    """Train, ask about the test part, and write the result.

    Args:
        data: folder that `write_data` filled.
        place: its folder is the one of all jobs.

    Raises:
        TrainingError, DataError: it cannot be trained.
    """
    begin = time.monotonic()
    assert place.folder is not None
    folder = place.folder / job.name
    train = read_clip_set(data / _TRAIN)
    place = replace(place, folder=folder)
    if job.model == 'pretraining':
        _pretrain(job, recipe, train, data, place)
        found: dict[str, float] = {}
    else:
        test = read_clip_set(data / _TEST)
        logits = _logits(job, recipe, with_labels(train, job.labels, job.seed), test, data, place)
        found = scores(logits, test)
    result = Result(job, found, time.monotonic() - begin)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f'.{RESULT}'
    try:
        partial.write_text(json.dumps(asdict(result)), 'utf-8')
        partial.replace(folder / RESULT)
    except OSError as error:
        raise TrainingError(f'{folder / RESULT}: cannot be written ({error.strerror}); make room '
                            'and go on with --resume') from error
    return result


def with_labels(clips: ClipSet, share: float, seed: int) -> ClipSet:
    """Return the clips of a share of each label, at least one; drawn by the seed."""
    if share >= 1:
        return clips
    rng = np.random.default_rng([seed, 4])
    labels = np.array([clip.label for clip in clips.clips])
    chosen: set[int] = set()
    for label in np.unique(labels):
        these = np.flatnonzero(labels == label)
        chosen |= set(rng.permutation(these)[:max(1, round(share * len(these)))].tolist())
    return clips.only(tuple(clip for i, clip in enumerate(clips.clips) if i in chosen))


def _logits(
    job: Job, recipe: Recipe, train: ClipSet, test: ClipSet, data: Path, place: Place,
) -> torch.Tensor:
    if job.model == 'svm':
        return torch.from_numpy(svm_scores(train, test))
    if job.model == 'ddnet':
        return _ddnet(train, test, job.seed, place)
    if job.model == 'pose_only':
        recipe = recipe.without_scene()
    weights = None
    if job.pretrained is not None:
        weights = _weights_of(job.seed, train, place) if job.pretrained else None
        recipe = replace(recipe, pretraining=replace(recipe.pretraining, epochs=0))
    if job.labels < 1:
        recipe = _for_few(recipe, job.labels)
    trained = train_recogniser(
        recipe, train, job.seed, unlabelled=_sources(data), weights=weights, place=place)
    assert place.folder is not None
    save_recogniser(trained, place.folder / FILE_NAME)
    return ask(trained.network, test, recipe.sampling, recipe.evaluation.views).logits


def _for_few(recipe: Recipe, share: float) -> Recipe:
    """Too few clips to hold some back; more epochs, because each one has fewer steps."""
    training = recipe.training
    return replace(
        recipe, data=replace(recipe.data, validation_share=0, refit=False),
        training=replace(training, select='last', patience_epochs=0,
                         epochs=round(training.epochs / share ** 0.5)))


def _sources(data: Path) -> tuple[ClipSet, ...]:
    files = sorted((data / _SOURCES).glob('*.npz'), key=lambda path: int(path.stem))
    return tuple(read_clip_set(path) for path in files)


def _ddnet(train: ClipSet, test: ClipSet, seed: int, place: Place) -> torch.Tensor:
    assert train.labels is not None
    torch.manual_seed(derived_seed('weights', seed))
    network = ddnet.DDNet(len(train.layout), train.dimensions, len(train.labels))
    sampler = Sampler(train, ddnet.SAMPLING, ddnet.AUGMENTATION, seed=seed)
    trained = fit(
        Recognition(network, sampler, ddnet.TRAINING), ddnet.TRAINING, seed, folder=place.folder,
        resume=place.resume, identity={**identity_of(train), 'data': content_hash(train)},
        report=place.report, team=place.team)
    return ask(trained.network, test, ddnet.SAMPLING).logits


def _pretrain(job: Job, recipe: Recipe, train: ClipSet, data: Path, place: Place) -> None:
    weights = pretrain(recipe, (train, *_sources(data)), job.seed, place)
    assert place.folder is not None
    save_pretrained(weights, recipe, train, place.folder / PRETRAINED)


def _weights_of(seed: int, train: ClipSet, place: Place) -> dict[str, torch.Tensor]:
    assert place.folder is not None
    return read_pretrained(place.folder.parent / Job('pretraining', seed).name, train)
