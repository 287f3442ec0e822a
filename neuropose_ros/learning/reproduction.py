"""The table of a recipe: trained from scratch with several seeds, beside its baselines."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.config import fingerprint, to_table
from neuropose_ros.learning.jobs import Job, Model, Result, write_data
from neuropose_ros.learning.recipe import Recipe
from neuropose_ros.learning.weights import content_hash
from neuropose_ros.learning.workers import Watch, Work, nobody, run_jobs

MARKER = 'run.json'


@dataclass(frozen=True)
class Row:
    """One model over all seeds; shares 0..1.

    Attributes:
        seconds: of processor time per seed, mean.
    """

    model: str
    top1: tuple[float, ...]
    macro_f1: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Reproduction:
    """What a recipe came to.

    Attributes:
        rows: ours first.
    """

    name: str
    protocol: str
    clips: tuple[int, int]
    rows: tuple[Row, ...]

    def row(self, model: str) -> Row | None:
        """Return the row of a model, None = it was not asked for."""
        return next((row for row in self.rows if row.model == model), None)


def jobs_of(recipe: Recipe, seeds: int) -> list[Job]:
    """Return the trainings of a recipe; the longest first."""
    models: list[Model] = ['ours']
    if recipe.evaluation.pose_only:
        models.append('pose_only')
    if 'ddnet' in recipe.evaluation.baselines:
        models.append('ddnet')
    found = [Job(model, seed) for model in models for seed in range(seeds)]
    # There is nothing random in a support vector machine.
    return found + ([Job('svm', 0)] if 'svm' in recipe.evaluation.baselines else [])


def reproduce(
    name: str, recipe: Recipe, split: Split, folder: Path, *, seeds: int = 5, workers: int = 2,
    sources: Sequence[ClipSet] = (), resume: bool = False,
    watch: Watch = nobody,
) -> Reproduction:
    """Train a recipe and its baselines from scratch and ask each about the test part, once.

    Args:
        folder: of this run; results of an earlier one in it are thrown away.
        sources: further poses for the recipe's pre-training.
        resume: go on with a run that was cut off; it must be of the same recipe, data and code.

    Raises:
        TrainingError: a training fails, or the folder holds something else.
    """
    jobs = jobs_of(recipe, seeds)
    work = prepare(recipe, split, folder, sources=sources, resume=resume)
    results = run_jobs(work, jobs, workers, watch)
    models = list(dict.fromkeys(job.model for job in jobs))
    return Reproduction(
        name, split.protocol, (len(split.train), len(split.test)),
        tuple(_row(model, results) for model in models))


def prepare(
    recipe: Recipe, split: Split, folder: Path, *, sources: Sequence[ClipSet] = (),
    resume: bool = False,
) -> Work:
    """Make a folder ready for jobs, fresh or as it was left.

    Raises:
        TrainingError: the folder holds something else, or a run of something else.
    """
    identity = {
        'recipe': fingerprint(recipe), 'training clips': content_hash(split.train),
        'test clips': content_hash(split.test), 'code': _code_hash(),
        'further poses': [content_hash(source) for source in sources]}
    marker = folder / MARKER
    if folder.exists() and any(folder.iterdir()) and not marker.is_file():
        raise TrainingError(f'{folder} holds something else: choose an empty folder by --out')
    if resume and marker.is_file():
        before = json.loads(marker.read_text('utf-8'))
        changed = [key for key, value in identity.items() if before['identity'].get(key) != value]
        if changed:
            raise TrainingError(f'{folder}: changed since that run was cut off: '
                                f'{", ".join(changed)}: start anew, without --resume')
    else:
        shutil.rmtree(folder, ignore_errors=True)
        try:
            write_data(split, tuple(sources), folder / 'data')
            marker.write_text(json.dumps(
                {'identity': identity, 'recipe': to_table(recipe)}, indent=1), 'utf-8')
        except OSError as error:
            raise TrainingError(f'{folder}: cannot be written ({error.strerror})') from error
    return Work(recipe, folder / 'data', folder / 'jobs', resume)


def summary(found: Reproduction, split: int | str) -> dict[str, Any]:
    """Return the figures for ``--json``; every share is 0..1."""
    ours = found.rows[0]
    baselines = [row for row in found.rows if row.model in ('ddnet', 'svm')]
    values: dict[str, Any] = {
        'name': found.name, 'split': split, 'protocol': found.protocol, 'seeds': len(ours.top1),
        'training_clips': found.clips[0], 'test_clips': found.clips[1],
        'top1_mean': mean(ours.top1), 'top1_std': deviation(ours.top1),
        'macro_f1_mean': mean(ours.macro_f1), 'macro_f1_std': deviation(ours.macro_f1),
        'baselines': {row.model: mean(row.top1) for row in baselines},
        'baselines_std': {row.model: deviation(row.top1) for row in baselines},
        'baselines_macro_f1': {row.model: mean(row.macro_f1) for row in baselines},
        'top1': {row.model: list(row.top1) for row in found.rows},
        'seconds_per_seed': {row.model: row.seconds for row in found.rows}}
    alone = found.row('pose_only')
    if alone is not None:
        values |= {'pose_only_mean': mean(alone.top1), 'pose_only_std': deviation(alone.top1),
                   'pose_only_macro_f1': mean(alone.macro_f1),
                   'context_gain': mean(ours.top1) - mean(alone.top1)}
    return values


def table(found: Reproduction) -> str:
    """Return the figures for people, in percent."""
    lines = [f'{found.name}, {found.protocol}: {found.clips[0]} clips to learn from, '
             f'{found.clips[1]} to test', f'{"":10}  {"top-1 %":>14}  {"macro-F1 %":>14}  seeds']
    for row in found.rows:
        shown = (f'{100 * mean(values):6.1f} ± {100 * deviation(values):4.1f}'
                 if len(values) > 1 else f'{100 * values[0]:6.1f}       '
                 for values in (row.top1, row.macro_f1))
        lines.append('  '.join((f'{row.model:10}', *(f'{text:>14}' for text in shown),
                                f'{len(row.top1):5}')))
    return '\n'.join(lines)


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return float(np.mean(values))


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample; 0 of one value."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _row(model: str, results: Sequence[Result]) -> Row:
    these = [result for result in results if result.job.model == model]
    return Row(model, tuple(result.scores['top1'] for result in these),
               tuple(result.scores['macro_f1'] for result in these),
               mean([result.seconds for result in these]))


@functools.cache
def _code_hash() -> str:
    """Return what changes whenever the code that learns does."""
    learning = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted((*learning.rglob('*.py'), *learning.with_name('action').glob('*.py'))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
