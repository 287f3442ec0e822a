"""Puts an evaluation on a page: what was measured, how, how sure, and what it looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neuropose_ros.drawing.page import Section, figure, page, paragraph, table, write_page
from neuropose_ros.drawing.words import NONE, number, percent
from neuropose_ros.learning.boundaries import Onsets
from neuropose_ros.learning.evaluation import (
    BURST_FRAMES,
    Evaluation,
    completion_gain,
    missing_loss,
)
from neuropose_ros.learning.examples import Example
from neuropose_ros.learning.metrics import share_of
from neuropose_ros.learning.open_set import OpenSet
from neuropose_ros.learning.report import figures, timelines
from neuropose_ros.learning.report.strips import example_plot
from neuropose_ros.learning.report.words import (
    interval,
    number_interval,
    number_row,
    percent_row,
    points_row,
    share,
)

_HEAD = ('figure', 'how it was measured', 'value', '95 % interval', 'clips')


@dataclass(frozen=True)
class Report:
    """Everything that can stand on the page.

    Attributes:
        model: name of the recogniser.
        protocol: which clips it was trained and tested on.
        facts: further lines about model and data, name -> words.
        onsets, open_set: None = not measured.
    """

    model: str
    protocol: str
    evaluation: Evaluation
    onsets: Onsets | None = None
    open_set: OpenSet | None = None
    examples: tuple[Example, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


def write_report(report: Report, path: Path) -> None:
    """Write the page: one HTML file with its pictures in it.

    Raises:
        DataError: it cannot be written there.
    """
    write_page(render(report), path)


def render(report: Report) -> str:
    """Return the HTML of the page."""
    parts: tuple[tuple[Callable[[Report], Section], bool], ...] = (
        (_summary, True), (_protocol, True), (_confusion, True), (_classes, True),
        (_calibration, True), (_shares, bool(report.evaluation.by_share)),
        (_missing, bool(report.evaluation.missing)), (_unknown, report.open_set is not None),
        (_onsets, report.onsets is not None), (_cost, report.evaluation.cost is not None),
        (_examples, bool(report.examples)))
    clips = report.evaluation.clips
    return page(
        f'How well {report.model} recognises actions',
        f'{len(clips)} test clips of {clips.name}, {len(_labels(report))} actions. '
        f'{report.protocol}', [make(report) for make, wanted in parts if wanted],
        'Made by neuropose evaluate. All figures are shares of test clips that the recogniser '
        'has not learned from, unless said.')


def _labels(report: Report) -> Sequence[str]:
    labels = report.evaluation.clips.labels
    return labels.labels if labels is not None else ()


def _summary(report: Report) -> Section:
    result = report.evaluation
    rows = [
        percent_row('Top-1 accuracy', result.top1, 'the surest answer is the true one'),
        percent_row('Macro F1', result.macro_f1, 'mean of the classes’ F1, bootstrap'),
        number_row('Expected calibration error', result.ece,
                   f'{len(result.calibration.count)} bins of confidence, bootstrap'),
    ]
    for point in result.missing:
        if point.share:
            rows.append(percent_row(
                f'Accuracy, {share(point.share)} of the joints missing', point.top1,
                f'bursts of {BURST_FRAMES} frames, mean of {result.missing_draws} draws'))
    rows += _loss_rows(report)
    if report.open_set is not None:
        rows.append(number_row('AUROC of “unknown”', report.open_set.auroc,
                               f'mean of {len(report.open_set.pairs)} pairs of actions left out'))
    if report.onsets is not None:
        rows.append(number_row(
            'Onset, median error', report.onsets.median_error_s,
            'boundaries of joined clips; a missed one is infinitely late', 2, 's'))
    if result.cost is not None:
        rows.append(number_row('Time of an answer', result.cost.ms_per_clip,
                               'median of single clips, on this machine', 1, 'ms'))
    return Section('summary', 'In short', table(_HEAD, rows, words=2))


def _loss_rows(report: Report) -> list[tuple[str, ...]]:
    points = report.evaluation.missing
    if not {0.0, 0.4} <= {point.share for point in points}:
        return []
    rows = [points_row('Accuracy lost at 40 %', missing_loss(points),
                       'against all joints, the same clips')]
    if all(point.without is not None for point in points):
        rows.append(points_row('Gained by completion at 40 %', completion_gain(points),
                               'against the recogniser without it, the same joints'))
    return rows


def _protocol(report: Report) -> Section:
    clips = report.evaluation.clips
    facts = {
        'Recogniser': report.model, 'Protocol': report.protocol,
        'Data': f'{clips.name}: {clips.source}' if clips.source else clips.name,
        'Skeleton': f'{clips.layout.id}, {len(clips.layout)} joints, {clips.dimensions}D',
        **report.facts}
    body = table(('', ''), list(facts.items()), words=2)
    body += paragraph(
        'Intervals are of 95 %: Wilson’s for shares of clips, the percentile bootstrap over clips '
        f'(1000 draws, seed {report.evaluation.seed}) for all else. They say how far another test '
        'set of the same kind might differ, not what another training would give; a mean of '
        'several seeds comes from neuropose reproduce.')
    return Section('protocol', 'What was tested, and how', body)


def _confusion(report: Report) -> Section:
    confusion, labels = report.evaluation.confusion, _labels(report)
    off = confusion - np.diag(np.diag(confusion))
    order = np.argsort(-off, axis=None, kind='stable')
    worst = [np.unravel_index(i, off.shape) for i in order[:3]]
    words = [f'{labels[row]} taken for {labels[column]} ({off[row, column]} of '
             f'{confusion[row].sum()})' for row, column in worst if off[row, column]]
    said = f'Most often: {"; ".join(words)}.' if words else 'Nothing was taken for anything else.'
    caption = (f'{confusion.sum()} clips. Rows: what it is; columns: what was said; numbers are '
               f'clips, the colour is the share of the row. {said}')
    return Section('confusion', 'What is taken for what', figure(
        figures.confusion_plot(confusion, labels), f'Confusion matrix. {said}', caption))


def _classes(report: Report) -> Section:
    scores, labels = report.evaluation.per_class, _labels(report)
    hits = np.diag(report.evaluation.confusion)
    rows = [(label, percent(float(scores.precision[i])), percent(float(scores.recall[i])),
             interval(share_of(int(hits[i]), int(scores.support[i]))),
             percent(float(scores.f1[i])), str(scores.support[i]))
            for i, label in enumerate(labels)]
    rows.append(('mean of the classes', percent(_mean(scores.precision)),
                 percent(_mean(scores.recall)), NONE, percent(_mean(scores.f1)),
                 str(scores.support.sum())))
    body = figure(figures.class_plot(scores, labels),
                  'Precision, recall and F1 of each class; the table below has the numbers.',
                  f'{scores.support.sum()} clips. Precision: answers of this class that are '
                  'right; recall: clips of this class that are found. In brackets: clips.')
    head = ('class', 'precision', 'recall', '95 % interval', 'F1', 'clips')
    return Section('classes', 'Class by class', body + table(
        head, rows, f'The interval is that of the recall (Wilson). {NONE}: never answered, or no '
        'such clip; left out of the mean.'))


def _mean(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float('nan')


def _calibration(report: Report) -> Section:
    ece = report.evaluation.ece
    caption = (f'{ece.count} clips in {len(report.evaluation.calibration.count)} bins of '
               f'confidence. Expected calibration error {number(ece.value)} '
               f'(95 % interval {number(ece.low)} to {number(ece.high)}). Points below the dashed '
               'line: surer than right.')
    return Section('calibration', 'Is it as sure as it is right?', figure(
        figures.calibration_plot(report.evaluation.calibration),
        f'Calibration curve; expected calibration error {number(ece.value)}.', caption))


def _shares(report: Report) -> Section:
    points = report.evaluation.by_share
    rows = [(f'first {share(part)}', percent(value.value), interval(value), str(value.count))
            for part, value in points]
    body = figure(
        figures.share_plot(points), 'Accuracy over the part of the clip that was seen; the table '
        'below has the numbers.', f'{points[0][1].count} clips, each cut off after that share of '
        'its frames and recognised as if it were all. Bars: 95 % intervals (Wilson).')
    return Section('early', 'How early is it right?', body + table(
        ('part seen', 'accuracy', '95 % interval', 'clips'), rows))


def _missing(report: Report) -> Section:
    points, draws = report.evaluation.missing, report.evaluation.missing_draws
    rows = [(share(point.share), percent(point.top1.value), interval(point.top1),
             NONE if point.without is None else percent(point.without.value),
             NONE if point.without is None else interval(point.without), str(point.top1.count))
            for point in points]
    body = figure(
        figures.missing_plot(points, BURST_FRAMES), 'Accuracy over the share of joints that are '
        'missing; the table below has the numbers.',
        f'{points[0].top1.count} clips. Single joints are taken away for {BURST_FRAMES} frames at '
        f'random until that share of a clip’s joints is missing; mean of {draws} draws (seeds '
        f'{report.evaluation.seed} to {report.evaluation.seed + draws - 1}). Bars: 95 % '
        'intervals (Wilson, a clip counts once).')
    return Section('missing', 'What do missing joints cost?', body + table(
        ('joints missing', 'accuracy', '95 % interval', 'without completion', '95 % interval',
         'clips'), rows))


def _unknown(report: Report) -> Section:
    assert report.open_set is not None
    result = report.open_set
    rows = [(' and '.join(pair.labels), number(pair.auroc), percent(pair.top1),
             str(len(pair.unknown_scores)), str(len(pair.known_scores))) for pair in result.pairs]
    body = figure(
        timelines.unknown_plot(result),
        f'Unknown scores; mean AUROC {number(result.auroc.value)}.',
        f'Mean AUROC {number(result.auroc.value)} (95 % interval over the pairs '
        f'{number(result.auroc.low)} to {number(result.auroc.high)}); {result.auroc.count} clips '
        'of actions never seen. For each pair of actions, in alphabetical order, a recogniser '
        'was trained without them; then their test clips were held against the others.')
    return Section('unknown', 'Does it know what it does not know?', body + table(
        ('left out', 'AUROC', 'accuracy on the others', 'clips left out', 'others'), rows))


def _onsets(report: Report) -> Section:
    assert report.onsets is not None
    result, labels = report.onsets, _labels(report)
    chance = result.chance
    rows = [
        number_row('Median error', result.median_error_s,
                   'without an onset near it: infinitely late', 2, 's'),
        number_row('Median latency', result.median_latency_s,
                   'of those found: when it was said, after the boundary', 2, 's'),
        percent_row('Recall', result.recall, 'boundaries that were found'),
        percent_row('Precision', result.precision, 'onsets said that found a boundary'),
        percent_row('Recall, right action', result.labelled_recall, 'found and named'),
        percent_row('Precision, right action', result.labelled_precision, 'said and right'),
        ('By chance', f'as many onsets at random times: median error '
         f'{number(chance.median_error_s, 2, "s")}, recall {percent(chance.recall)}, precision '
         f'{percent(chance.precision)}', NONE, NONE, str(len(result.matches))),
    ]
    text = paragraph(
        f'Test clips of one scale were joined into streams, {result.transition_s:g} s of '
        'minimum-jerk movement between the last pose of one and the first pose of the next, '
        'without a cut. The boundary is the first frame of the new clip: nobody can know it '
        'earlier. The exported recogniser watched the streams frame by frame. The time of an '
        'onset is the time that the answer is about: when it was said, less the decision delay '
        'that the recogniser states. Onsets and boundaries are paired one to one, the nearest '
        f'first; up to {result.tolerance_s:g} s apart, a boundary is found. The first answer of '
        'a stream is not counted.')
    text += table((*_HEAD[:-1], 'boundaries or onsets'), rows, words=2)
    text += figure(
        timelines.onset_plot(result), f'Histogram of onset errors, median of all boundaries '
        f'{number(result.median_error_s.value, 2, "s")}.', f'{len(result.matches)} boundaries; '
        'left of 0: said during the transition, before the clip began.')
    text += figure(
        timelines.timeline_plot(result.example, labels), 'Probabilities of all actions over one '
        'stream, with the truth and the onsets that were said.',
        f'The first stream, {len(result.example.stream.segments)} clips. Blue: probability; '
        'frames: the truth; triangles: onsets, each with a line to the moment it was said; ticks '
        'in the first row: answered “unknown”.')
    return Section('onsets', 'When does it notice that an action begins?', text)


def _cost(report: Report) -> Section:
    cost = report.evaluation.cost
    assert cost is not None
    time = cost.ms_per_clip
    rows = [('median time of an answer', number(time.value, 1, 'ms')),
            ('95 % interval', number_interval(time, 1, 'ms')),
            ('per frame of the clip', number(float(np.median(cost.ms / cost.frames)), 3, 'ms')),
            ('clips timed', str(time.count))]
    if cost.parameters:
        rows.insert(0, ('parameters', f'{cost.parameters:,}'.replace(',', ' ')))
    return Section('cost', 'What does it cost?', table(('', ''), rows) + figure(
        figures.cost_plot(cost), f'Time of an answer, median {number(time.value, 1, "ms")}.',
        f'{len(cost.ms)} clips, one at a time, from keypoints to answer, normalisation included, '
        'on the machine that made this page. Streams are cheaper: neuropose bench action.'))


def _examples(report: Report) -> Section:
    labels = _labels(report)
    body = paragraph(
        'The surest and the least sure of the right and the wrong answers. The answer is that to '
        'the clip as it is; drawn is the same clip with 40 % of its joints taken away, and what '
        'the network made of it.')
    for example in report.examples:
        said = labels[int(example.probabilities.argmax())]
        caption = (f'{example.name}: {example.why}. Truth: {labels[example.label]}; answer: '
                   f'{said}, {percent(float(example.probabilities.max()))} sure. Above the '
                   'skeletons: the part of the clip. Grey in the map of errors: missing.')
        body += figure(
            example_plot(example, report.evaluation.clips.layout, labels),
            f'{example.name}, {example.why}: {labels[example.label]} answered as {said}', caption)
    return Section('examples', 'Clips to look at', body)
