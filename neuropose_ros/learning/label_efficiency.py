"""What pre-training buys when few clips have labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.jobs import Job, with_labels
from neuropose_ros.learning.recipe import Recipe
from neuropose_ros.learning.reproduction import deviation, mean, prepare
from neuropose_ros.learning.workers import Watch, nobody, run_jobs


@dataclass(frozen=True)
class Point:
    """Accuracy on the test part with a share of the labels, 0..1; one value per seed.

    Attributes:
        clips: with a label, of the first seed.
        fresh: trained from nothing.
        pretrained: started from poses without labels.
    """

    share: float
    clips: int
    fresh: tuple[float, ...]
    pretrained: tuple[float, ...]

    @property
    def gain(self) -> float:
        """What pre-training adds to the mean."""
        return mean(self.pretrained) - mean(self.fresh)


def jobs_of(shares: Sequence[float], seeds: int) -> tuple[list[Job], list[Job]]:
    """Return the pre-trainings, and the trainings that need them."""
    return ([Job('pretraining', seed) for seed in range(seeds)],
            [Job('ours', seed, share, pretrained) for share in sorted(shares, reverse=True)
             for pretrained in (False, True) for seed in range(seeds)])


def label_efficiency(
    recipe: Recipe, split: Split, folder: Path, *, shares: Sequence[float] = (0.1, 0.25, 1.0),
    seeds: int = 3, workers: int = 2, sources: Sequence[ClipSet] = (), resume: bool = False,
    watch: Watch = nobody,
) -> tuple[Point, ...]:
    """Train a recipe with shares of the labels, with and without pre-training.

    Both use the same clips with labels. Pre-training sees the poses of the whole training part,
    and those of `sources`; of the test part it sees nothing.

    Raises:
        ParameterError: a share is not in 0..1, or the recipe has no pre-training.
        TrainingError: a training fails, or the folder holds something else.
    """
    if not shares or any(not 0 < share <= 1 for share in shares):
        raise ParameterError('shares of the labels lie between 0 and 1')
    if not recipe.pretraining.epochs:
        raise ParameterError('pretraining.epochs is 0: there is nothing to compare')
    work = prepare(recipe, split, folder, sources=sources, resume=resume)
    before, after = jobs_of(shares, seeds)
    run_jobs(work, before, workers, watch)
    results = run_jobs(work, after, workers, watch)

    def top1(share: float, pretrained: bool) -> tuple[float, ...]:
        return tuple(result.scores['top1'] for result in results
                     if (result.job.labels, result.job.pretrained) == (share, pretrained))

    return tuple(
        Point(share, len(with_labels(split.train, share, 0)), top1(share, False),
              top1(share, True)) for share in sorted(shares))


def summary(points: Sequence[Point]) -> dict[str, Any]:
    """Return the figures for ``--json``."""
    return {f'{point.share:g}': {
        'clips': point.clips, 'fresh_mean': mean(point.fresh),
        'fresh_std': deviation(point.fresh), 'pretrained_mean': mean(point.pretrained),
        'pretrained_std': deviation(point.pretrained), 'gain': point.gain} for point in points}


def table(points: Sequence[Point]) -> str:
    """Return the figures for people, in percent."""
    lines = [f'{"labels":>7} {"clips":>6}  {"from nothing":>14}  {"pre-trained":>14}  gain']
    lines += [
        f'{100 * point.share:5.0f} % {point.clips:6}  '
        f'{100 * mean(point.fresh):7.1f} ± {100 * deviation(point.fresh):4.1f}  '
        f'{100 * mean(point.pretrained):7.1f} ± {100 * deviation(point.pretrained):4.1f}  '
        f'{100 * point.gain:+.1f}' for point in points]
    return '\n'.join(lines)
