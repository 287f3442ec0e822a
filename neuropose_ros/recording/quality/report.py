"""Puts the quality of a session on a page: one HTML file with its plots in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from neuropose_ros.core.pose import FrameStatus
from neuropose_ros.drawing.page import Section, figure, page, paragraph, table
from neuropose_ros.drawing.words import NONE, number, percent
from neuropose_ros.recording.quality import plots
from neuropose_ros.recording.quality.measures import (
    LATE_S,
    LATENCIES,
    Floats,
    Quality,
    Stage,
    Times,
    measure,
)
from neuropose_ros.recording.session import Session

_SHORT_S = 1.0


def session_report(session: Session) -> tuple[str, dict[str, Any]]:
    """Return the HTML of the page and its figures.

    The page names no subject, not even by pseudonym, and shows no picture.

    Raises:
        SessionError: the session is damaged.
    """
    quality = measure(session)
    makers: tuple[Callable[[Quality], Section], ...] = (
        _rate, _losses, _joints, _latency, _tracks, _clocks, _innovation, _skeletons)
    sections = [_summary(session, quality), *(make(quality) for make in makers)]
    began = datetime.fromtimestamp(quality.start_ns / 1e9, timezone.utc)
    subtitle = (f'{began:%Y-%m-%d %H:%M:%S} UTC, {quality.duration_s:.1f} s, '
                f'{len(quality.frames)} frames' if quality.start_ns else 'Nothing was recorded')
    html = page(
        f'How good the recording {session.path.resolve().name} is', subtitle, sections,
        'Made by neuropose report. Skeletons only: the page shows nobody’s face and names nobody.')
    return html, figures(quality)


def default_path(session: Path) -> Path:
    """Return where the report of a session goes: into it, so that it is deleted with it."""
    return session / 'quality.html'


def figures(quality: Quality) -> dict[str, Any]:
    """Return the figures of the summary as JSON takes them; None = not known."""
    values: dict[str, Any] = {
        'duration_s': quality.duration_s, 'frames': len(quality.frames),
        'rate_hz': quality.frames.rate_hz, 'missing_frames': int(quality.frames.missing.sum()),
        'longest_gap_s': _largest(quality.frames.intervals_s)}
    if quality.stages:
        best, first = quality.stages[0], quality.first_stage
        values |= {
            'measured_joints': best.measured, 'tracks': len(best.tracks),
            'most_people': int(best.people.max(initial=0)),
            'latency_p95_ms': _quantile(first.latencies_ms[:, 1:].sum(1), 0.95),
            'late': _late(first.times), 'innovation': _quantile(best.innovations, 0.5)}
    return {name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in values.items()}


def _quantile(values: Floats, share: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if known.size else float('nan')


def _largest(values: Floats) -> float:
    return _quantile(values, 1.0)


def _late(times: Times) -> float:
    known = times.ages_s[np.isfinite(times.ages_s)]
    return float((known > LATE_S).mean()) if known.size else float('nan')


def _nothing(anchor: str, title: str, what: str) -> Section:
    return Section(anchor, title, paragraph(f'{what}: there is nothing to show.'))


def _summary(session: Session, quality: Quality) -> Section:
    about, values = session.about, figures(quality)
    rows = [('Task', about.task or NONE), ('Kind', about.kind),
            ('Subjects', str(len(about.subjects)) or NONE),
            ('Frames', f'{len(quality.frames)} at {number(quality.frames.rate_hz, 2, "Hz")}, '
             f'{values["missing_frames"]} missing'),
            ('Longest gap', number(_largest(quality.frames.intervals_s), 3, 's'))]
    if quality.stages:
        best, first = quality.stages[0], quality.first_stage
        rows += [
            ('Joints measured', percent(best.measured)),
            ('Latency of a pose, 95th percentile',
             number(_quantile(first.latencies_ms[:, 1:].sum(1), 0.95), 1, 'ms')),
            (f'Later than {LATE_S:g} s', percent(_late(first.times))),
            ('Tracks', f'{len(best.tracks)}, at most {best.people.max(initial=0)} people at a '
             'time')]
    body = table(('', ''), rows, words=2)
    body += ''.join(paragraph(note, 'note') for note in quality.notes)
    return Section('summary', 'In short', body)


def _rate(quality: Quality) -> Section:
    title, times = 'Did every frame come?', quality.frames
    if len(times) < 2:
        return _nothing('rate', title, 'Fewer than two frames were recorded')
    intervals, missing = times.intervals_s, times.missing
    rows = [
        ('usual rate', number(times.rate_hz, 2, 'Hz')),
        ('mean rate', number(len(times) / max(quality.duration_s, 1e-9), 2, 'Hz')),
        ('frames', str(len(times))), ('numbers missing', str(int(missing.sum()))),
        ('gaps', str(int((missing > 0).sum()))),
        ('longest interval', number(1e3 * _largest(intervals), 1, 'ms')),
        ('95th percentile', number(1e3 * _quantile(intervals, 0.95), 1, 'ms')),
        ('restarts, loops, backward time', str(int((~times.together).sum())))]
    source = ('as the camera told them' if quality.frames_told else
              f'of {quality.first_stage.topic}: the camera told nothing of its own')
    return Section('rate', title, figure(
        plots.rate_plot(times, quality.start_ns, quality.duration_s),
        'Intervals between frames over time, and how often each occurs; the table has the '
        'numbers.', f'Times of acquisition and numbers of frames, {source}.')
        + table(('', ''), rows))


def _losses(quality: Quality) -> Section:
    title = 'What was dropped or late?'
    series = [('frames', quality.frames)] if quality.frames_told else []
    series += [(stage.topic, stage.times) for stage in quality.stages]
    rows = []
    for stage in quality.stages:
        rows.append((
            stage.topic, str(len(stage.times)), str(int(stage.times.missing.sum())),
            str(stage.skipped), str(stage.statuses[FrameStatus.NO_PERSON]),
            str(stage.statuses[FrameStatus.ERROR] + stage.statuses[FrameStatus.UNKNOWN]),
            number(1e3 * _quantile(stage.times.ages_s, 0.5), 1, 'ms'),
            number(1e3 * _quantile(stage.times.ages_s, 0.95), 1, 'ms'),
            percent(_late(stage.times))))
    body = table(
        ('topic', 'frames', 'numbers missing', 'skipped', 'nobody there', 'errors', 'age, median',
         '95th percentile', f'later than {LATE_S:g} s'), rows) if rows else ''
    if quality.losses:
        body += table(('counted by the recorder', ''), [
            (name, str(count)) for name, count in sorted(quality.losses.items())])
    live = [(name, times) for name, times in series if np.isfinite(times.ages_s).any()]
    if live:
        body += figure(
            plots.age_plot(live, quality.start_ns, quality.duration_s),
            'Age of frames and results when they were recorded, over time.',
            'From the acquisition to the recorder; lines: median, dots: 95th percentile. Over '
            'several machines this is only as good as their clocks.')
        if any((times.ages_s < 0).any() for _, times in live):
            body += paragraph('Some came before they were taken: the clocks of the machines '
                              'do not agree.', 'note')
    else:
        body += paragraph('Nothing here was recorded live, so nothing was late.')
    return Section('losses', title, body)


def _joints(quality: Quality) -> Section:
    title = 'Which joints are missing?'
    if not quality.stages or not quality.stages[0].states.sum():
        return _nothing('joints', title, 'Nobody was recorded')
    stage = quality.stages[0]
    rows = sorted(((name, percent(seen / total), str(total))
                   for name, (seen, total) in stage.joints.items()),
                  key=lambda row: stage.joints[row[0]][0])
    return Section('joints', title, figure(
        plots.joints_plot(stage, quality.start_ns, quality.duration_s),
        f'Where joints came from over time; {percent(stage.measured)} were measured.',
        f'{stage.topic}: all joints of all people in view. Empty: nobody was in view.') + table(
            ('joint', 'measured', 'of'), rows, 'The hardest first.'))


def _latency(quality: Quality) -> Section:
    title, body = 'How long did each stage take?', ''
    shown: list[Floats] = []
    for stage in reversed(quality.stages):
        told = stage.latencies_ms
        # A stage that times nothing of its own carries on what the one before it told.
        if not told.any() or any(np.array_equal(told, other) for other in shown):
            continue
        shown.append(told)
        rows = [_latency_row(name, stage.latencies_ms[:, step])
                for step, name in enumerate(LATENCIES)]
        rows.append(_latency_row('all', stage.latencies_ms.sum(1)))
        body += figure(
            plots.latency_plot(stage, quality.start_ns, quality.duration_s),
            f'Latency of {stage.topic} over time; the table has the numbers.',
            f'{stage.topic}: medians, one on the other. Receive: from the acquisition to the '
            'stage.')
        body += table(('step', 'median', '95th percentile', 'longest'), rows, stage.topic)
    if not body:
        return _nothing('latency', title, 'No stage told what it took')
    return Section('latency', title, body)


def _latency_row(name: str, values_ms: Floats) -> tuple[str, ...]:
    return (name, *(number(_quantile(values_ms, share), 2, 'ms') for share in (0.5, 0.95, 1.0)))


def _tracks(quality: Quality) -> Section:
    title = 'Did people keep their identities?'
    if not quality.stages or not quality.stages[0].tracks:
        return _nothing('tracks', title, 'Nobody was tracked')
    stage = quality.stages[0]
    tracks = list(stage.tracks.values())
    durations = np.array([track.duration_s for track in tracks])
    most = int(stage.people.max(initial=0))
    rows = [
        ('tracks', str(len(tracks))), ('most people at a time', str(most)),
        ('tracks per person at a time', number(len(tracks) / max(most, 1), 2)),
        ('median duration', number(float(np.median(durations)), 2, 's')),
        (f'shorter than {_SHORT_S:g} s', str(int((durations < _SHORT_S).sum()))),
        ('interrupted', str(sum(track.interruptions > 0 for track in tracks))),
        ('longest interruption',
         number(max(track.longest_away_s for track in tracks), 2, 's'))]
    return Section('tracks', title, figure(
        plots.track_plot(stage, quality.start_ns, quality.duration_s),
        'People in view and each track over time; the table has the numbers.',
        f'{stage.topic}; tracks as epoch:number, those of the most frames. Orange: away in '
        'between.') + paragraph(
            'With everybody in view all the time there are as many tracks as people; more of them '
            'mean that people left and came back, or that identities broke.')
        + table(('', ''), rows))


def _clocks(quality: Quality) -> Section:
    title = 'Did the clocks agree?'
    if not quality.clocks:
        return _nothing('clocks', title, 'No signals were recorded')
    rows = [(clock.stream, str(clock.samples), str(clock.lost),
             number(1e3 * float(clock.offsets_s[0]), 3, 'ms'),
             number(1e3 * float(np.ptp(clock.offsets_s)), 3, 'ms'),
             number(1e3 * float(clock.uncertainties_s.max()), 3, 'ms'))
            for clock in quality.clocks]
    return Section('clocks', title, figure(
        plots.clock_plot(quality.clocks, quality.start_ns, quality.duration_s),
        'Offset of each stream’s clock over time; the table has the numbers.',
        'Session time minus the clock of the stream, since its first chunk; shaded: one standard '
        'deviation, where it is told.') + table(
            ('stream', 'samples', 'lost', 'first offset', 'range', 'largest uncertainty'), rows))


def _innovation(quality: Quality) -> Section:
    title = 'Did people move as predicted?'
    stages = [stage for stage in quality.stages if np.isfinite(stage.innovations).any()]
    if not stages:
        return _nothing('innovation', title, 'No stage told its innovations')
    stage: Stage = stages[0]
    rows = [(name, percent(_quantile(stage.innovations, share)))
            for name, share in (('median', 0.5), ('95th percentile', 0.95), ('largest', 1.0))]
    return Section('innovation', title, figure(
        plots.innovation_plot(stage, quality.start_ns, quality.duration_s),
        'Innovation over time; the table has the numbers.',
        f'{stage.topic}: the median over joints of the distance between where a joint was '
        'measured and where it was expected, as a share of the larger side of the person’s box. '
        'Peaks are abrupt movements, or joints that jumped.') + table(('frames', ''), rows))


def _skeletons(quality: Quality) -> Section:
    title = 'What was recorded?'
    samples = quality.stages[0].samples if quality.stages else ()
    if not samples:
        return _nothing('skeletons', title, 'Nobody was recorded')
    times = ', '.join(f'{(frame.stamp_ns - quality.start_ns) / 1e9:.1f}' for frame in samples)
    return Section('skeletons', title, figure(
        plots.contact_sheet(samples, quality.layouts),
        f'{len(samples)} frames of the session as skeletons.',
        f'At {times} s. Discs on solid bones are measured, rings on dashed bones predicted, dots '
        'occluded. Sky blue is the subject’s left, orange the right.'))
