"""Puts the figures of a pose model on a page: what was measured, how, how sure, and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from neuropose_ros.core.metrics import percentiles
from neuropose_ros.drawing.page import Section, figure, page, paragraph, table, write_page
from neuropose_ros.drawing.words import NONE, number, percent
from neuropose_ros.learning.metrics import Estimate
from neuropose_ros.learning.pose_evaluation.assessment import PoseReport
from neuropose_ros.learning.pose_evaluation.examples import Example
from neuropose_ros.learning.pose_evaluation.plots import (
    cost_plot,
    example_picture,
    joints_plot,
    pck_plot,
)
from neuropose_ros.learning.report.figures import calibration_plot
from neuropose_ros.learning.report.words import number_row, percent_row, share

_HEAD = ('figure', 'how it was measured', 'value', '95 % interval', 'people')
_MOST_FINDINGS = 40
_SIZES = {'larger_side': 'the larger side of the person’s box',
          'diagonal': 'the diagonal of the person’s box',
          'auto': 'the data’s own size of a person where it has one (J-HMDB: the clip’s mean '
                  'diagonal of the box around the joints), else the larger side of the box'}


def write_pose_report(report: PoseReport, path: Path) -> None:
    """Write the page: one HTML file with its pictures in it.

    Raises:
        DataError: it cannot be written there.
    """
    write_page(render(report), path)


def render(report: PoseReport) -> str:
    """Return the HTML of the page."""
    parts: tuple[tuple[Callable[[PoseReport], Section], bool], ...] = (
        (_summary, True), (_protocol, True), (_distances, True), (_joints, True),
        (_precision, report.ap is not None), (_metres, bool(report.mpjpe)),
        (_calibration, True), (_cost, True), (_examples, bool(report.worst)),
        (_left_out, bool(report.findings)))
    return page(
        f'How well {report.model} finds joints',
        f'{report.pictures} pictures of {report.data.name}, {len(report.people)} annotated '
        f'people, {len(report.joints)} joints', [make(report) for make, use in parts if use],
        'Made by neuropose evaluate pose.')


def _summary(report: PoseReport) -> Section:
    rows = [
        percent_row(f'PCK@{threshold:g}', value, f'joints nearer than {share(threshold)} of the '
                    'person’s size')
        for threshold, value in zip(report.settings.thresholds, report.pck, strict=True)]
    rows += [
        percent_row(f'PCK@{threshold:g} as found', value, 'before constant offsets were taken out')
        for threshold, value in zip(report.settings.thresholds, report.as_found, strict=False)]
    rows += _known([percent_row('PCKh@0.5', report.pckh, 'half of the head size; without pelvis '
                                'and thorax')], report.pckh)
    rows += _known([number_row('OKS, mean', report.oks, 'similarity as COCO defines it; who is '
                               'not found counts 0')], report.oks)
    if report.ap is not None:
        rows.append(('COCO AP', f'pycocotools, {report.ap.finds} finds', number(report.ap.ap),
                     NONE, str(report.ap.people)))
    for name, error in report.mpjpe.items():
        rows.append(number_row(name.removesuffix('_m').replace('_', '-').upper(),
                               _scaled(error, 1000), 'mean distance in 3D', 1, 'mm'))
    rows.append(percent_row('Not found', report.missed, 'annotated people'))
    median, most = percentiles(report.cost.ms, (50, 90))
    rows.append(('Time of a picture', 'median; nine of ten are faster than '
                 f'{number(most, 1, "ms")}', number(median, 1, 'ms'), NONE, NONE))
    return Section('summary', 'In short', table(_HEAD, rows, words=2))


def _known(rows: list[tuple[str, ...]], value: Estimate) -> list[tuple[str, ...]]:
    return rows if np.isfinite(value.value) else []


def _scaled(value: Estimate, factor: float) -> Estimate:
    return Estimate(factor * value.value, factor * value.low, factor * value.high, value.count)


def _protocol(report: PoseReport) -> Section:
    data, settings = report.data, report.settings
    left = [name for name, has in zip(data.layout.names, report.people.comparable, strict=True)
            if not has]
    facts = {
        'Model': report.model, 'Data': f'{data.name} {data.part}'.strip(),
        'Terms of the data': data.source or 'not stated',
        'Joints': f'{data.layout.id}, {len(report.joints)} compared',
        'Joints that the model does not have': ', '.join(left) or 'none',
        'Where people are': 'told: the annotated boxes' if report.knows_boxes else
                            'found by the model or its detector',
        'Size of a person': _SIZES[settings.size],
        'Recordings': f'{len(set(report.people.groups))} that are independent of each other',
        'Offsets': 'none taken out' if report.offsets is None else
                   'each joint’s constant difference, measured on the training part'}
    body = table(('', ''), list(facts.items()), words=2)
    if not report.knows_boxes:
        body += paragraph(
            f'{number(report.extra, 2)} finds a picture are of nobody who is annotated; only AP '
            'counts them, as nobody knows whether those people are there.')
    body += paragraph(
        'Each picture stands for itself: nothing is tracked or smoothed. A labelled joint that '
        'was not found is wrong, hidden ones too. Intervals are of 95 %, from recordings drawn '
        'anew (bootstrap, 1000 draws): frames of one video are not independent of each other. '
        'With one recording there is none.')
    return Section('protocol', 'What was tested, and how', body)


def _distances(report: PoseReport) -> Section:
    hidden = report.people.counted & ~report.people.visible
    caption = (f'{report.people.counted.sum()} labelled joints of {len(report.people)} people, '
               f'{hidden.sum()} of them hidden. Dotted: the thresholds of the table.')
    return Section('distances', 'How near is it?', figure(
        pck_plot(report.people, report.settings.thresholds),
        'Share of joints over the distance to the truth.', caption))


def _joints(report: PoseReport) -> Section:
    thresholds = report.settings.thresholds
    rows = [(joint.name, *(percent(value) for value in joint.pck), number(joint.median),
             ', '.join(f'{100 * value:+.1f}' for value in joint.bias), str(joint.count))
            for joint in report.joints]
    head = ('joint', *(f'PCK@{threshold:g}' for threshold in thresholds), 'median distance',
            'offset x, y [%]', 'labelled')
    body = figure(joints_plot(report.people), 'Share of joints over the distance, joint by joint; '
                  'the table below has the numbers.', 'Blue: the subject’s left; vermilion: '
                  'right; black: neither.')
    return Section('joints', 'Joint by joint', body + table(
        head, rows, 'Median distance and offset are shares of the person’s size; the offset is '
        'the mean of found − true among joints within half of it, x to the right and y down. The '
        'same in all pictures, it tells of another idea of where that joint is.'))


def _precision(report: PoseReport) -> Section:
    ap = report.ap
    assert ap is not None
    rows = [
        ('AP', *(number(value) for value in (ap.ap, ap.ap50, ap.ap75, ap.ap_medium, ap.ap_large))),
        ('AR', *(number(value) for value in (ap.ar, ap.ar50, ap.ar75, ap.ar_medium,
                                             ap.ar_large)))]
    told = ('The model was told where people are: these figures are not to be compared with those '
            'of a detector and a model together.') if report.knows_boxes else (
            'Finds that nobody is annotated for are false here.')
    text = (f'{ap.people} annotated people, {ap.finds} finds, computed by pycocotools over OKS '
            f'thresholds of 0.5 to 0.95. {told}')
    if not report.people.comparable.all():
        text += ' Joints that the model does not have are left out: no official figures.'
    return Section('precision', 'Average precision', table(
        ('', 'all', 'OKS 0.5', 'OKS 0.75', 'medium people', 'large people'), rows, text))


def _metres(report: PoseReport) -> Section:
    how = {'mpjpe_m': 'pelvis on pelvis (Human3.6M, protocol 1)',
           'n_mpjpe_m': 'scaled to fit',
           'pa_mpjpe_m': 'rotated, scaled and moved to fit (protocol 2)'}
    rows = [number_row(name.removesuffix('_m').replace('_', '-').upper(), _scaled(value, 1000),
                       how[name], 1, 'mm') for name, value in report.mpjpe.items()]
    return Section('metres', 'In three dimensions', table(_HEAD, rows, words=2))


def _calibration(report: PoseReport) -> Section:
    curve, within = report.calibration, share(report.settings.right_within)
    caption = (f'{curve.count.sum()} joints; right = nearer than {within} of the person’s size. '
               f'Expected calibration error {number(curve.ece)}. Points below the dashed line: '
               'surer than right. A score that means another thing than being within '
               f'{within} need not lie on the line to be useful; that it rises does matter.')
    return Section('calibration', 'Do the scores mean what they say?', figure(
        calibration_plot(curve, 'joints'),
        f'Calibration curve; expected calibration error {number(curve.ece)}.', caption))


def _cost(report: PoseReport) -> Section:
    cost = report.cost
    median, most = percentiles(cost.ms, (50, 90))
    people = float(cost.people.mean())
    rows = [('median of a picture', number(median, 1, 'ms')),
            ('nine of ten are faster than', number(most, 1, 'ms')),
            ('people a picture', number(people, 2)),
            ('peak memory of the process', number(cost.peak_mb, 0, 'MB'))]
    return Section('cost', 'What does it cost?', table(('', ''), rows) + figure(
        cost_plot(cost), f'Histogram of times, median {number(median, 1, "ms")}.',
        f'{len(cost.ms)} pictures, from the picture in memory to the people, on the machine that '
        'made this page, in one process with the evaluation: its libraries and annotations are '
        'part of the memory.'))


def _examples(report: PoseReport) -> Section:
    body = paragraph(
        'Left the truth, right what was found. Discs: visible; dots on thin bones: hidden, or the '
        'model is not sure; sky blue is the subject’s left. One picture of a recording at most.')
    return Section('examples', 'Pictures to look at', body + _shown('Worst', report.worst)
                   + _shown('Best', report.best))


def _shown(word: str, examples: Sequence[Example]) -> str:
    return ''.join(
        figure(example_picture(example), f'{word}: {example.name}, truth and answer',
               f'{word}: {example.name}; mean distance {percent(example.error)} of the person’s '
               'size, a joint that was not found counting 100 %.')
        for example in examples)


def _left_out(report: PoseReport) -> Section:
    rows = [(item.name, item.problem) for item in report.findings[:_MOST_FINDINGS]]
    rest = len(report.findings) - len(rows)
    return Section('left-out', 'What was left out', table(
        ('what', 'why'), rows, f'{len(report.findings)} in all'
        + (f', of which {rest} are not shown' if rest else ''), words=2))
