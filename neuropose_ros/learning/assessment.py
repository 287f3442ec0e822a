"""Everything that can be measured about trained weights, put together for the report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neuropose_ros.action import reasons
from neuropose_ros.action.recogniser import load_recogniser as load_exported
from neuropose_ros.action.stage import ActionStage
from neuropose_ros.core.errors import DataError, ModelError
from neuropose_ros.learning.boundaries import LEAST_BOUNDARIES, Onsets, onsets
from neuropose_ros.learning.clips import ClipSet, Split
from neuropose_ros.learning.config import at_least, within
from neuropose_ros.learning.datasets.validation import grouped_validation
from neuropose_ros.learning.degradation import without_joints
from neuropose_ros.learning.evaluation import (
    MISSING_SHARES,
    SHARES,
    Predict,
    completion_gain,
    evaluate,
    missing_loss,
)
from neuropose_ros.learning.examples import make_examples
from neuropose_ros.learning.export import ExportSettings, export
from neuropose_ros.learning.fitting import train_recogniser
from neuropose_ros.learning.joining import join_clips
from neuropose_ros.learning.open_set import OpenSet, open_set, open_splits
from neuropose_ros.learning.report.write import Report
from neuropose_ros.learning.tracing import explainer
from neuropose_ros.learning.training.recognition import predictor
from neuropose_ros.learning.watching import stage_recognise
from neuropose_ros.learning.weights import TrainedRecogniser, content_hash

_EXAMPLE_SHARE = 0.4
Announce = Callable[[str], None]


@dataclass(frozen=True)
class AssessmentSettings:
    """What is measured, and how.

    Attributes:
        part: ``test``; or ``validation``, the part of the training clips that the recipe held
            back: what to look at while a recipe is still being worked on.
        views: looks at a clip whose answers are averaged; 0 = as the recipe says.
        shares: of the clip, from its start.
        missing_shares: of the joints.
        missing_draws: how often other joints are taken away.
        bins: of the calibration curve.
        onsets: of causal networks: let the exported recogniser watch joined clips.
        per_stream: clips joined to a stream.
        transition_s: between two clips.
        tolerance_s: farther from a boundary an onset has not found it.
        open_set: train a network without each pair of classes, and see whether it notices.
        examples: draw single clips.
        seed: of draws, intervals, streams and of the trainings for `open_set`.
    """

    part: Literal['test', 'validation'] = 'test'
    views: int = 0
    shares: tuple[float, ...] = SHARES
    missing_shares: tuple[float, ...] = MISSING_SHARES
    missing_draws: int = 3
    bins: int = 15
    onsets: bool = True
    per_stream: int = 12
    transition_s: float = 0.5
    tolerance_s: float = 0.5
    open_set: bool = False
    examples: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ParameterError: a value is outside its own.
        """
        at_least(0, views=self.views, seed=self.seed)
        at_least(1, missing_draws=self.missing_draws, bins=self.bins)
        at_least(2, per_stream=self.per_stream)
        at_least(0.01, transition_s=self.transition_s, tolerance_s=self.tolerance_s)
        for share in self.shares:
            within(0.01, 1, shares=share)
        for share in self.missing_shares:
            within(0, 1, missing_shares=share)


def assess(
    trained: TrainedRecogniser, split: Split, settings: AssessmentSettings, *, name: str = '',
    without: TrainedRecogniser | None = None, announce: Announce = print,
) -> Report:
    """Measure a trained recogniser.

    Args:
        name: of the recogniser, for people; '' = that of its labels.
        without: the same recipe trained without completion, to see what completion gains.
        announce: takes a sentence about what is left out.

    Raises:
        DataError: there are no clips to measure on, or they do not fit the weights.
    """
    parts, protocol = _parts(trained, split, settings)
    clips = parts.test
    if settings.open_set:
        open_splits(parts)  # what cannot be measured is said before hours go into the rest
    result = evaluate(
        _predict(trained, settings), clips,
        without=None if without is None else _predict(without, settings),
        shares=settings.shares, missing_shares=settings.missing_shares,
        missing_draws=settings.missing_draws, seed=settings.seed, bins=settings.bins,
        parameters=sum(value.numel() for value in trained.network.parameters()))
    examples = make_examples(
        result, explainer(trained.network, trained.recipe.sampling),
        lambda part: without_joints(part, _EXAMPLE_SHARE, settings.seed),
    ) if settings.examples else ()
    facts = _facts(trained, split, announce)
    return Report(
        name or trained.labels.name, protocol, result,
        _onsets(trained, clips, settings, announce),
        _open_set(trained, parts, settings) if settings.open_set else None, examples, facts)


def figures(report: Report) -> dict[str, Any]:
    """Return the figures as plain values, each share 0..1; what was not measured is left out."""
    result = report.evaluation
    values: dict[str, Any] = {
        'protocol': report.protocol, 'clips': len(result.clips), 'top1': result.top1.value,
        'top1_interval': [result.top1.low, result.top1.high],
        'macro_f1': result.macro_f1.value, 'ece': result.ece.value,
        'top1_at_share': {f'{share:g}': value.value for share, value in result.by_share},
        'top1_missing': {f'{point.share:g}': point.top1.value for point in result.missing}}
    if {0.0, 0.4} <= {point.share for point in result.missing}:
        values['missing40_loss'] = missing_loss(result.missing).value
        if all(point.without is not None for point in result.missing):
            values['completion_gain'] = completion_gain(result.missing).value
    if result.cost is not None:
        values |= {'ms_per_clip': result.cost.ms_per_clip.value,
                   'parameters': result.cost.parameters}
    if report.open_set is not None:
        values['unknown_auroc'] = report.open_set.auroc.value
    if report.onsets is not None:
        found = report.onsets
        values |= {'onset_median_s': finite(found.median_error_s.value),
                   'onset_median_s_by_chance': finite(found.chance.median_error_s),
                   'onset_precision': found.precision.value, 'onset_recall': found.recall.value,
                   'onset_boundaries': found.recall.count}
    return values


def finite(value: float) -> float | None:
    """Return the value as JSON can hold it: None = not reached."""
    return value if np.isfinite(value) else None


def _parts(
    trained: TrainedRecogniser, split: Split, settings: AssessmentSettings,
) -> tuple[Split, str]:
    """Return what may be learnt from and, as its test part, what is measured on."""
    if settings.part == 'test':
        if not split.test.clips:
            raise DataError(f'{split.test.name} has no test part: set part to validation, or '
                            'divide the recordings')
        return split, f'{split.protocol}, test part'
    data = trained.recipe.data
    if not data.validation_share:
        raise DataError('the recipe of these weights held nothing back for validation')
    learnt, held = grouped_validation(
        split.train, data.validation_share, data.validation_seed)
    return (Split(learnt, held, split.protocol),
            f'{split.protocol}, validation part of the training clips')


def _predict(trained: TrainedRecogniser, settings: AssessmentSettings) -> Predict:
    views = settings.views or trained.recipe.evaluation.views
    return predictor(trained.network, trained.recipe.sampling, views)


def _facts(trained: TrainedRecogniser, split: Split, announce: Announce) -> dict[str, str]:
    about = trained.trained_on
    kind = 'causal, runs on streams' if trained.network.config.causal else 'sees whole clips'
    facts = {'Network': kind}
    if about:
        facts['Trained on'] = (
            f'{about.get("count", "?")} clips of {about.get("clips", "?")}, seed '
            f'{about.get("seed", "?")}, {about.get("epochs", "?")} epochs')
    if about.get('content') != content_hash(split.train):
        facts['Beware'] = ('these weights were not trained on the training part of this very '
                           'split: they may have learned clips that they are tested on')
        announce(facts['Beware'])
    return facts


def _onsets(
    trained: TrainedRecogniser, clips: ClipSet, settings: AssessmentSettings, announce: Announce,
) -> Onsets | None:
    if not settings.onsets or not trained.network.config.causal:
        return None
    streams = join_clips(clips, settings.per_stream, settings.transition_s, settings.seed)
    boundaries = sum(len(stream.segments) - 1 for stream in streams)
    if boundaries < LEAST_BOUNDARIES:
        announce(f'onsets are left out: these clips make {boundaries} boundaries, '
                 f'{LEAST_BOUNDARIES} are needed')
        return None
    with tempfile.TemporaryDirectory(prefix='neuropose-evaluate-') as folder:
        place = Path(folder) / 'recogniser'
        export(trained, place, ExportSettings(half=False), announce=_silent)
        layout = trained.layout
        stage = ActionStage(load_exported(place, announce=_silent), layouts=lambda _: layout)
        try:
            found = onsets(streams, stage_recognise(stage), tolerance_s=settings.tolerance_s,
                           transition_s=settings.transition_s, seed=settings.seed)
        finally:
            stage.close()
    if stage.counters.reasons[reasons.ERROR]:
        raise ModelError('the exported recogniser failed on a frame of the joined clips')
    return found


def _silent(_: str) -> None:
    """Announce nothing: what the passing export says is not what was asked for."""


def _open_set(
    trained: TrainedRecogniser, split: Split, settings: AssessmentSettings,
) -> OpenSet:
    def fit(train: ClipSet) -> Predict:
        return _predict(train_recogniser(trained.recipe, train, settings.seed), settings)
    return open_set(split, fit)
