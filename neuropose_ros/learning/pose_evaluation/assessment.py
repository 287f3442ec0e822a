"""Everything that is measured of a pose model on labelled pictures, put together."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.metrics import percentiles
from neuropose_ros.learning.datasets.findings import Finding, Findings
from neuropose_ros.learning.metrics import (
    Calibration,
    Estimate,
    confidence_curve,
)
from neuropose_ros.learning.pose_evaluation.average_precision import (
    AveragePrecision,
    average_precision,
)
from neuropose_ros.learning.pose_evaluation.data import Labelled, PoseData
from neuropose_ros.learning.pose_evaluation.examples import Example, Gallery, picture_error
from neuropose_ros.learning.pose_evaluation.measures import (
    Alignment,
    JointFigures,
    joint_error_m,
    joint_figures,
    joint_offsets,
    mean_by_group,
    oks_by_person,
    pck_of,
    pckh_of,
    rooted,
    share_by_group,
)
from neuropose_ros.learning.pose_evaluation.models import Asker
from neuropose_ros.learning.pose_evaluation.people import Array, Asked, People, gather
from neuropose_ros.learning.pose_evaluation.settings import PoseEvaluationSettings

Watch = Callable[[int], object]
_ALIGNMENTS: dict[str, Alignment] = {
    'mpjpe_m': 'none', 'n_mpjpe_m': 'scale', 'pa_mpjpe_m': 'procrustes'}


@dataclass(frozen=True)
class Cost:
    """What the answers cost, in this process on this machine.

    Attributes:
        ms: of each picture but the first, from the picture in memory to the people.
        people: told of or found in each of them.
        peak_mb: the largest memory of the whole process, pictures and libraries included.
    """

    ms: Array
    people: Array
    peak_mb: float


@dataclass(frozen=True)
class PoseReport:
    """What is known of a model.

    Attributes:
        knows_boxes: it was told where people are.
        people: all answers beside the truth, offsets taken out.
        pck: for each threshold.
        as_found: PCK before offsets were taken out; () = none were.
        pckh, oks: NaN where heads or areas are not annotated.
        ap: None = not measured.
        missed: share of the annotated people of whom nothing was found.
        extra: finds in the pictures that nobody is annotated for, a picture.
        unknown_joints: share of the joints that the model gave no number for.
        mpjpe: by name; empty where nothing is known in metres.
        offsets: (K, 2) shares of the size that were added; None = none were.
        calibration: of joint scores; right = within `settings.right_within` of the size.
        findings: what could not be used.
    """

    model: str
    data: PoseData
    settings: PoseEvaluationSettings
    knows_boxes: bool
    pictures: int
    people: People
    pck: tuple[Estimate, ...]
    as_found: tuple[Estimate, ...]
    pckh: Estimate
    oks: Estimate
    ap: AveragePrecision | None
    missed: Estimate
    extra: float
    unknown_joints: float
    mpjpe: dict[str, Estimate]
    joints: tuple[JointFigures, ...]
    offsets: Array | None
    calibration: Calibration
    cost: Cost
    worst: tuple[Example, ...]
    best: tuple[Example, ...]
    findings: tuple[Finding, ...]


def assess_pose(
    asker: Asker, data: PoseData, settings: PoseEvaluationSettings | None = None, *,
    findings: Findings | None = None, training: PoseData | None = None,
    watch: Watch = lambda _count: None,
) -> PoseReport:
    """Measure a model.

    Args:
        asker: the model; it is not closed.
        findings: with what was left out when the data was opened; takes what cannot be used.
        training: part to measure the offsets on, where the settings want them.
        watch: told after each picture how many there were.

    Raises:
        DataError: too much of the data cannot be used, nobody in it has a joint that the model
            has, or the model gives no numbers.
    """
    settings = settings or PoseEvaluationSettings()
    findings = Findings() if findings is None else findings
    offsets = None
    if settings.offsets:
        if training is None:
            raise DataError(f'{data.name}: offsets are measured on a training part, and there is '
                            'none: set offsets=false')
        asked = [(truth, asker.ask(truth, image)) for truth, image in training.load(Findings())]
        offsets = joint_offsets(gather(training.layout, asker.layout, asked, settings.size))
    gallery = Gallery(settings.examples)
    asked = list(_ask(asker, data.load(findings), gallery, watch))
    findings.refuse_many(len(asked), settings.skipped_share, 'picture')
    found = gather(data.layout, asker.layout, asked, settings.size)
    _check_comparable(found, data, asker)
    unknown = _share_unknown(asked)
    if unknown > settings.skipped_share:
        raise DataError(f'{asker.model} gives no number for {unknown:.0%} of its joints, more '
                        f'than the allowed {settings.skipped_share:.0%}: the network is damaged '
                        'or its entry in the list of models is wrong')
    return _report(asker, data, settings, asked, found, offsets, unknown, gallery, findings)


def figures(report: PoseReport) -> dict[str, object]:
    """Return the figures as JSON has them; shares are 0..1, what is not known is null."""
    settings, ap = report.settings, report.ap
    values: dict[str, object] = {
        'model': report.model, 'data': report.data.name, 'part': report.data.part,
        'regions': 'truth' if report.knows_boxes else 'found', 'pictures': report.pictures,
        'people': len(report.people), 'left_out': len(report.findings)}
    for threshold, share in zip(settings.thresholds, report.pck, strict=True):
        values[f'pck@{threshold:g}'] = _number(share.value)
        values[f'pck@{threshold:g}_interval'] = [_number(share.low), _number(share.high)]
    for threshold, share in zip(settings.thresholds, report.as_found, strict=False):
        values[f'pck@{threshold:g}_as_found'] = _number(share.value)
    values |= {'pckh@0.5': _number(report.pckh.value), 'oks': _number(report.oks.value)}
    if ap is not None:
        names = ('ap', 'ap50', 'ap75', 'ap_medium', 'ap_large',
                 'ar', 'ar50', 'ar75', 'ar_medium', 'ar_large')
        values |= {name: _number(getattr(ap, name)) for name in names}
    values |= {name: _number(error.value) for name, error in report.mpjpe.items()}
    values |= {
        'missed': _number(report.missed.value), 'extra_per_picture': report.extra,
        'unknown_joints': report.unknown_joints, 'ece': _number(report.calibration.ece),
        'joints_compared': [joint.name for joint in report.joints],
        'pck_by_joint': {joint.name: dict(zip(
            (f'{threshold:g}' for threshold in settings.thresholds), joint.pck, strict=True))
            for joint in report.joints}}
    median, most = percentiles(report.cost.ms, (50, 90))
    return values | {'ms': _number(median), 'ms_p90': _number(most),
                     'peak_mb': report.cost.peak_mb}


def _ask(
    asker: Asker, pictures: Iterator[Labelled], gallery: Gallery, watch: Watch,
) -> Iterator[Asked]:
    for number, (truth, image) in enumerate(pictures, 1):
        answer = asker.ask(truth, image)
        gallery.offer(truth, image, answer, picture_error(truth, answer))
        watch(number)
        yield truth, answer


def _check_comparable(found: People, data: PoseData, asker: Asker) -> None:
    if not found.counted.any():
        joints = ', '.join(asker.layout.names[:6])
        raise DataError(
            f'{data.name}: nobody in it has a joint that {asker.model} finds ({joints} ...): '
            f'its {len(found)} people cannot be compared')


def _share_unknown(asked: list[Asked]) -> float:
    total = sum(answer.joints for _, answer in asked)
    return sum(answer.unknown_joints for _, answer in asked) / total if total else 0.0


def _report(
    asker: Asker, data: PoseData, settings: PoseEvaluationSettings, asked: list[Asked],
    found: People, offsets: Array | None, unknown: float, gallery: Gallery, findings: Findings,
) -> PoseReport:
    seed, thresholds = settings.seed, settings.thresholds
    raw = tuple(pck_of(found, threshold, seed) for threshold in thresholds)
    people = found
    if offsets is not None:
        moved = found.found + offsets * found.sizes_px[:, np.newaxis, np.newaxis]
        people = replace(found, found=moved.astype(np.float32))
    seen = np.array([match is not None for _, answer in asked for match in answer.matches], bool)
    extra = sum(len(answer.people) - sum(match is not None for match in answer.matches)
                for _, answer in asked) / len(asked)
    has_areas = any(np.isfinite(truth.areas).any() for truth, _ in asked)
    counted = people.counted
    right = people.distances <= settings.right_within
    return PoseReport(
        asker.model, data, settings, asker.knows_boxes, len(asked), people,
        tuple(pck_of(people, threshold, seed) for threshold in thresholds),
        raw if offsets is not None else (), pckh_of(people, seed=seed),
        mean_by_group(people, oks_by_person(people), seed),
        average_precision(data.layout, found.comparable, asked) if (
            settings.ap and has_areas) else None,
        share_by_group(people, ~seen[:, np.newaxis], np.ones((len(seen), 1), bool), seed), extra,
        unknown, _mpjpe(people, seed), joint_figures(people, thresholds), offsets,
        confidence_curve(people.scores[counted], right[counted], settings.bins), _cost(asked),
        gallery.worst, gallery.best, findings.items)


def _mpjpe(people: People, seed: int) -> dict[str, Estimate]:
    found, truth = rooted(people)
    if not (np.isfinite(found).all(-1) & np.isfinite(truth).all(-1) & people.counted).any():
        return {}
    return {name: mean_by_group(people, joint_error_m(found, truth, people.counted, alignment),
                                seed)
            for name, alignment in _ALIGNMENTS.items()}


def _cost(asked: list[Asked]) -> Cost:
    later = asked[1:] or asked  # the first picture pays for warming up
    unit = 1 if sys.platform == 'darwin' else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    return Cost(np.array([answer.ms for _, answer in later]),
                np.array([float(len(answer.people)) for _, answer in later]), peak)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
