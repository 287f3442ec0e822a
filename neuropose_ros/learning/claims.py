"""What is claimed of a recipe beside its table: calibration, missing joints, unknown actions.

The recipe is trained with several seeds, with and without completion, and once without each pair
of classes (`open_set`). The test part is asked when a training has ended, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.inference.threads import one_thread_each
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.evaluation import (
    Answers,
    Predict,
    ask,
    completion_gain,
    labels_of,
    missing_joints,
    missing_loss,
)
from neuropose_ros.learning.jobs import Job
from neuropose_ros.learning.metrics import calibration, top1_accuracy
from neuropose_ros.learning.open_set import class_pairs, leave_out, open_set
from neuropose_ros.learning.recipe import Recipe
from neuropose_ros.learning.reproduction import prepare
from neuropose_ros.learning.training.recognition import predictor
from neuropose_ros.learning.weights import load_recogniser
from neuropose_ros.learning.workers import nobody, run_jobs

WHOLE, PLAIN = 'whole', 'without-completion'
_LOST_SHARE = 0.4

Watch = Callable[[str, float], None]
"""Takes the name of a training and how much of it is done, 0..1."""


@dataclass(frozen=True)
class Variant:
    """A recipe with the clips it learns from, trained with some seeds."""

    name: str
    recipe: Recipe
    split: Split
    seeds: int

    @property
    def jobs(self) -> list[Job]:
        """One training for each seed."""
        return [Job('ours', seed) for seed in range(self.seeds)]

    def title(self, job: Job) -> str:
        """Unique among the trainings of all variants."""
        return f'{self.name}-{job.seed}'

    def weights(self, folder: Path) -> list[Path]:
        """Return where the trainings leave their weights."""
        return [folder / self.name / 'jobs' / job.name for job in self.jobs]


@dataclass(frozen=True)
class Claims:
    """Figures on the test part, shares 0..1; one value per seed.

    Attributes:
        ece: expected calibration error.
        missing40_loss: accuracy lost with 40 % of the joints missing in bursts.
        completion_gain: accuracy that completion saves there.
        auroc: of the unknown score, mean over the pairs of classes left out.
    """

    top1: tuple[float, ...]
    ece: tuple[float, ...]
    missing40_loss: tuple[float, ...]
    completion_gain: tuple[float, ...]
    auroc: float


def variants(recipe: Recipe, split: Split, seeds: int) -> list[Variant]:
    """Return what has to be trained; the longest first.

    Raises:
        DataError: the clips have no labels.
    """
    if split.train.labels is None:
        raise DataError(f'{split.train.name}: without labels nothing can be claimed')
    plain = replace(
        recipe, network=replace(recipe.network, completion=False),
        training=replace(recipe.training, completion_weight=0.0, motion_weight=0.0))
    found = [Variant(WHOLE, recipe, split, seeds), Variant(PLAIN, plain, split, seeds)]
    for pair in class_pairs(split.train.labels):
        left = leave_out(split, pair)
        found.append(Variant(f'without-{"-".join(pair)}', recipe, left.known, 1))
    return found


def train(
    todo: Sequence[Variant], folder: Path, *, sources: Sequence[ClipSet] = (), workers: int = 2,
    resume: bool = False, watch: Watch | None = None,
) -> None:
    """Train all variants, `workers` at a time, one core each.

    Args:
        folder: of this run, one below it for each variant.
        sources: further poses for the recipe's pre-training.
        resume: keep what is there; it must be of the same recipe, data and code.

    Raises:
        TrainingError: a training fails, or the folder holds something else.
    """
    def one(variant: Variant) -> None:
        work = prepare(variant.recipe, variant.split, folder / variant.name, sources=sources,
                       resume=resume)
        run_jobs(work, variant.jobs, 1, nobody if watch is None else (
            lambda job, share: watch(variant.title(job), share)))

    # The threads only wait: each training is a process of its own.
    # Each pool of processes does so, too, but here several start at a time.
    with one_thread_each(), ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(one, todo):
            pass


def measure(todo: Sequence[Variant], folder: Path) -> Claims:
    """Ask the trained networks about the test part."""
    found = {variant.name: variant for variant in todo}
    whole, plain = found[WHOLE], found[PLAIN]
    test, labels = whole.split.test, labels_of(whole.split.test)
    tops, eces, losses, gains = [], [], [], []
    for path, bare in zip(whole.weights(folder), plain.weights(folder), strict=True):
        predict = _predict(path)
        answers = ask(predict, test)
        tops.append(top1_accuracy(answers.probabilities, labels))
        eces.append(calibration(answers.probabilities, labels).ece)
        points = missing_joints(predict, test, (0.0, _LOST_SHARE), without=_predict(bare))
        losses.append(missing_loss(points, _LOST_SHARE).value)
        gains.append(completion_gain(points, _LOST_SHARE).value)
    by_labels = {variant.split.train.labels: variant for variant in todo}

    def fitted(clips: ClipSet) -> Predict:
        return _predict(by_labels[clips.labels].weights(folder)[0])

    return Claims(tuple(tops), tuple(eces), tuple(losses), tuple(gains),
                  open_set(whole.split, fitted).auroc.value)


def _predict(path: Path) -> Callable[[ClipSet], Answers]:
    trained = load_recogniser(path)
    return predictor(trained.network, trained.recipe.sampling, trained.recipe.evaluation.views)


def mean(values: Sequence[float]) -> float:
    """Return the mean over the seeds."""
    return float(np.mean(values))
