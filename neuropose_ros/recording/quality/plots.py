"""Plots of the quality of a session, each as a PNG file in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import JointState, PersonPose, PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.drawing.figures import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    PURPLE,
    QUIET,
    VERMILION,
    new_figure,
    percent_axis,
    png,
    tidy,
)
from neuropose_ros.drawing.overlay import PAPER, draw
from neuropose_ros.recording.quality.measures import (
    LATENCIES,
    Clock,
    Counts,
    Floats,
    Stage,
    Times,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BINS = 240
_WIDTH = 11.0
_MOST_TRACKS = 60
_TILE_PX = 320
_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, QUIET, INK)
# From the surest to what is not known; together they are all states.
_STATE_GROUPS = (
    ('measured', (JointState.MEASURED, JointState.CORRECTED), BLUE),
    ('predicted or interpolated', (JointState.PREDICTED, JointState.INTERPOLATED), GREEN),
    ('occluded', (JointState.OCCLUDED,), VERMILION),
    ('out of the picture', (JointState.OUT_OF_FRAME,), PURPLE),
    ('missing', (JointState.MISSING, JointState.UNKNOWN), FAINT),
)


def _seconds(stamps_ns: Counts, start_ns: int) -> Floats:
    return np.asarray((stamps_ns - start_ns) / 1e9)


def _bins(times_s: Floats, duration_s: float) -> tuple[Floats, NDArray[np.intp]]:
    """Return the middles of bins over the session and the bin of each time."""
    count = max(1, min(_BINS, len(times_s) // 2))
    edges = np.linspace(0.0, max(duration_s, 1e-9), count + 1)
    place = np.clip(np.searchsorted(edges, times_s, 'right') - 1, 0, count - 1)
    return (edges[:-1] + edges[1:]) / 2, place


def _per_bin(values: Floats, place: NDArray[np.intp], count: int, share: float) -> Floats:
    """Return a quantile of the values in each bin, NaN where there are none."""
    result = np.full(count, np.nan)
    for index in range(count):
        known = values[(place == index) & np.isfinite(values)]
        if known.size:
            result[index] = np.quantile(known, share)
    return result


def _time_axis(axes: Axes, duration_s: float) -> None:
    axes.set_xlim(0, max(duration_s, 1e-9))
    axes.set_xlabel('time [s]')


def rate_plot(times: Times, start_ns: int, duration_s: float) -> bytes:
    """Intervals between frames over time, and how often each occurs."""
    figure = new_figure(_WIDTH, 3.6)
    left, right = figure.subplots(1, 2, width_ratios=(3, 1), sharey=True)
    intervals_ms = 1e3 * times.intervals_s
    at_s = _seconds(times.stamps_ns[1:], start_ns)
    lost = times.missing > 0
    left.plot(at_s, intervals_ms, '.', color=BLUE, markersize=3, label='from frame to frame')
    left.plot(at_s[lost], intervals_ms[lost], 'x', color=VERMILION, markersize=6,
              label='numbers of frames are missing')
    left.set_ylabel('interval [ms]')
    _time_axis(left, duration_s)
    known = intervals_ms[np.isfinite(intervals_ms)]
    right.hist(known, bins=60, orientation='horizontal', color=BLUE, log=True)
    right.set_xlabel('how often')
    for axes in (left, right):
        tidy(axes)
    figure.legend(loc='outside upper center', ncols=2, frameon=False)
    return png(figure)


def age_plot(series: Sequence[tuple[str, Times]], start_ns: int, duration_s: float) -> bytes:
    """How old frames and results were when they were recorded: median and 95th percentile."""
    figure = new_figure(_WIDTH, 3.4)
    axes = figure.subplots()
    for (name, times), colour in zip(series, _COLOURS, strict=False):
        at_s, place = _bins(_seconds(times.stamps_ns, start_ns), duration_s)
        ages_ms = 1e3 * times.ages_s
        axes.plot(at_s, _per_bin(ages_ms, place, len(at_s), 0.5), color=colour, label=name)
        axes.plot(at_s, _per_bin(ages_ms, place, len(at_s), 0.95), color=colour, linewidth=0.8,
                  linestyle='dotted')
    axes.set_ylabel('age when recorded [ms]')
    _time_axis(axes, duration_s)
    tidy(axes)
    figure.legend(loc='outside upper center', ncols=4, frameon=False)
    return png(figure)


def joints_plot(stage: Stage, start_ns: int, duration_s: float) -> bytes:
    """Where the joints of everybody in view came from, over time."""
    figure = new_figure(_WIDTH, 3.6)
    axes = figure.subplots()
    at_s, place = _bins(_seconds(stage.times.stamps_ns, start_ns), duration_s)
    totals = np.zeros((len(at_s), stage.states.shape[1]))
    np.add.at(totals, place, stage.states)
    whole = totals.sum(1)
    shares = np.divide(totals, whole[:, None], out=np.zeros_like(totals), where=whole[:, None] > 0)
    axes.stackplot(
        at_s, [shares[:, list(states)].sum(1) for _, states, _ in _STATE_GROUPS],
        labels=[name for name, _, _ in _STATE_GROUPS], linewidth=0, step='mid',
        colors=[colour for _, _, colour in _STATE_GROUPS])
    axes.set_ylim(0, 1)
    percent_axis(axes.yaxis)
    axes.set_ylabel('joints of people in view')
    _time_axis(axes, duration_s)
    tidy(axes, None)
    figure.legend(loc='outside upper center', ncols=5, frameon=False)
    return png(figure)


def latency_plot(stage: Stage, start_ns: int, duration_s: float) -> bytes:
    """What each step of a stage took, over time: medians, one on the other."""
    figure = new_figure(_WIDTH, 3.4)
    axes = figure.subplots()
    at_s, place = _bins(_seconds(stage.times.stamps_ns, start_ns), duration_s)
    medians = [_per_bin(stage.latencies_ms[:, step], place, len(at_s), 0.5)
               for step in range(len(LATENCIES))]
    axes.stackplot(at_s, np.nan_to_num(medians), labels=LATENCIES, colors=_COLOURS, linewidth=0,
                   step='mid', alpha=0.85)
    axes.set_ylabel('latency [ms]')
    _time_axis(axes, duration_s)
    tidy(axes)
    figure.legend(loc='outside upper center', ncols=4, frameon=False)
    return png(figure)


def track_plot(stage: Stage, start_ns: int, duration_s: float) -> bytes:
    """When each track was there, and how many people were at a time."""
    tracks = sorted(stage.tracks.items(), key=lambda item: item[1].first_ns)
    shown = sorted(tracks, key=lambda item: -item[1].frames)[:_MOST_TRACKS]
    rows = [item for item in tracks if item in shown]
    figure = new_figure(_WIDTH, 2.6 + 0.16 * len(rows))
    upper, lower = figure.subplots(
        2, 1, sharex=True, height_ratios=(1.2, max(0.5, 0.16 * len(rows))))
    times_s = _seconds(stage.times.stamps_ns, start_ns)
    upper.step(times_s, stage.people, where='post', color=BLUE)
    upper.set_ylabel('people')
    upper.set_ylim(0, max(1, int(stage.people.max(initial=0))) + 0.5)
    for row, ((epoch, track_id), track) in enumerate(rows):
        ends = _seconds(np.array([track.first_ns, track.last_ns]), start_ns)
        lower.plot(ends, [row, row], '|-', color=VERMILION if track.interruptions else BLUE,
                   linewidth=3, markersize=5, solid_capstyle='butt')
        lower.annotate(f'{epoch}:{track_id} ', (ends[0], row), ha='right', va='center',
                       fontsize=7, color=QUIET)
    lower.set_yticks([])
    lower.set_ylim(len(rows) - 0.3, -0.7)
    lower.set_ylabel('tracks')
    _time_axis(lower, duration_s)
    tidy(upper)
    tidy(lower, 'x')
    return png(figure)


def clock_plot(clocks: Sequence[Clock], start_ns: int, duration_s: float) -> bytes:
    """How the clock of each stream moved against the session's, with its uncertainty."""
    figure = new_figure(_WIDTH, 3.4)
    axes = figure.subplots()
    for clock, colour in zip(clocks, _COLOURS, strict=False):
        at_s = _seconds(clock.stamps_ns, start_ns)
        moved_ms = 1e3 * (clock.offsets_s - clock.offsets_s[0])
        axes.plot(at_s, moved_ms, color=colour, label=clock.stream)
        unsure_ms = 1e3 * clock.uncertainties_s
        axes.fill_between(at_s, moved_ms - unsure_ms, moved_ms + unsure_ms, color=colour,
                          alpha=0.2, linewidth=0)
    axes.set_ylabel('offset since the start [ms]')
    _time_axis(axes, duration_s)
    tidy(axes)
    figure.legend(loc='outside upper center', ncols=4, frameon=False)
    return png(figure)


def innovation_plot(stage: Stage, start_ns: int, duration_s: float) -> bytes:
    """How far measured joints lay from predicted ones, over time."""
    figure = new_figure(_WIDTH, 3.2)
    axes = figure.subplots()
    at_s, place = _bins(_seconds(stage.times.stamps_ns, start_ns), duration_s)
    for share, colour, name in ((0.5, BLUE, 'median'), (0.95, VERMILION, '95th percentile')):
        axes.plot(at_s, _per_bin(stage.innovations, place, len(at_s), share), color=colour,
                  label=name)
    axes.set_ylim(0, None)
    percent_axis(axes.yaxis)
    axes.set_ylabel('innovation [size of the person]')
    _time_axis(axes, duration_s)
    tidy(axes)
    figure.legend(loc='outside upper center', ncols=2, frameon=False)
    return png(figure)


def contact_sheet(
    samples: Sequence[PoseFrame], layouts: dict[str, SkeletonLayout], columns: int = 4,
) -> bytes:
    """Skeletons on empty paper: how people stood, and nobody's face."""
    tiles = [_tile(frame, layouts[frame.layout]) for frame in samples]
    height = max(tile.shape[0] for tile in tiles)
    tiles = [cv2.copyMakeBorder(
        tile, 2, 2 + height - tile.shape[0], 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255))
        for tile in tiles]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[i:i + columns]) for i in range(0, len(tiles), columns)]
    return bytes(cv2.imencode('.png', np.vstack(rows))[1])


def _tile(frame: PoseFrame, layout: SkeletonLayout) -> NDArray[np.uint8]:
    width, height = max(frame.image_width, 1), max(frame.image_height, 1)
    scale = _TILE_PX / width
    paper = np.full((max(1, round(height * scale)), _TILE_PX, 3), PAPER, np.uint8)
    small = PoseFrame(
        frame.stamp_ns, frame.frame_seq, frame.layout, paper.shape[1], paper.shape[0],
        status=frame.status, stage=frame.stage,
        persons=tuple(_scaled(person, scale) for person in frame.persons))
    return draw(paper, small, layout)


def _scaled(person: PersonPose, scale: float) -> PersonPose:
    """Return the person smaller and without a box, which would be all one sees."""
    return PersonPose(
        person.keypoints * np.float32(scale), person.keypoint_scores, person.keypoint_states,
        np.full(4, np.nan, np.float32), person.score, person.track_id, person.track_state)
