"""Plots of keypoints over time, with what was measured told apart from what was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats, JointState, States

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEASURED = (JointState.MEASURED, JointState.CORRECTED)
_LEFT, _RIGHT, _MIDDLE, _TRUTH = '#0072b2', '#d55e00', '#009e73', '#222222'
_GAP_S = 0.25


@dataclass(frozen=True)
class JointTrack:
    """One joint of one person over time.

    Attributes:
        name: as in the layout.
        times_s: (N,) s since the start of the plot, increasing.
        points: (N, 2) px, NaN where unknown.
        states: (N,) `JointState`.
        truth: (N, 2) px, NaN where unknown; None if there is no truth at all.
    """

    name: str
    times_s: NDArray[np.float64]
    points: Floats
    states: States
    truth: Floats | None = None


@dataclass(frozen=True)
class Section:
    """A stretch of the time axis with a name, as a scene."""

    name: str
    start_s: float
    end_s: float


def plot_keypoints(
    rows: Sequence[tuple[str, Sequence[JointTrack]]], sections: Sequence[Section], title: str,
    path: Path,
) -> None:
    """Write a PNG: one row per body part, x on the left and y on the right, over time.

    Solid = measured, dots = not measured (occluded, predicted, interpolated), black = truth.

    Args:
        rows: a label and its joints (usually left and right) per row.
        sections: named stretches of time, shaded in turn.
        title: stands above the plot.
        path: where to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 1.2 + 1.9 * len(rows)), layout='constrained')
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), 2, sharex=True, squeeze=False)
    for (label, tracks), (left, right) in zip(rows, grid, strict=True):
        for axis, (axes, letter) in enumerate(((left, 'x'), (right, 'y'))):
            _shade(axes, sections)
            for track in tracks:
                _draw_track(axes, track, axis, [section.start_s for section in sections])
            axes.set_ylabel(f'{label} {letter} [px]')
            axes.margins(x=0)
            axes.grid(alpha=0.25)
        right.invert_yaxis()  # image rows count downwards; up in the plot is up in the image
    for axes in grid[-1]:
        axes.set_xlabel('time [s]')
    for axes in grid[0]:
        _name_sections(axes, sections)
    figure.legend(handles=_legend(rows), loc='outside lower center', ncols=6, frameon=False)
    figure.suptitle(title)
    figure.savefig(path, dpi=100)


def _shade(axes: Axes, sections: Sequence[Section]) -> None:
    for section in sections[1::2]:
        axes.axvspan(section.start_s, section.end_s, color='black', alpha=0.06, linewidth=0)


def _name_sections(axes: Axes, sections: Sequence[Section]) -> None:
    total_s = sum(section.end_s - section.start_s for section in sections)
    for section in sections:
        if section.end_s - section.start_s < 0.05 * total_s:
            continue  # its name would be written over its neighbours'
        axes.annotate(
            section.name, ((section.start_s + section.end_s) / 2, 1),
            xycoords=('data', 'axes fraction'), xytext=(0, 3), textcoords='offset points',
            ha='center', va='bottom', fontsize=9)


def _colour(name: str) -> str:
    if 'left' in name:
        return _LEFT
    return _RIGHT if 'right' in name else _MIDDLE


def _draw_track(axes: Axes, track: JointTrack, axis: int, starts_s: Sequence[float]) -> None:
    times_s = track.times_s
    section = np.searchsorted(starts_s, times_s, 'right')
    breaks = np.flatnonzero((np.diff(times_s) > _GAP_S) | (np.diff(section) > 0)) + 1
    measured = np.isin(track.states, _MEASURED)
    values = track.points[:, axis].astype(np.float64)

    def line(kept: NDArray[np.float64], **style: Any) -> None:
        # A line across a gap or a cut would claim what was never seen.
        axes.plot(np.insert(times_s, breaks, np.nan), np.insert(kept, breaks, np.nan), **style)

    colour = _colour(track.name)
    line(np.where(measured, values, np.nan), color=colour, linewidth=1.6)
    axes.plot(times_s, np.where(measured, np.nan, values), '.', color=colour, markersize=3,
              alpha=0.6)
    if track.truth is not None:
        line(track.truth[:, axis].astype(np.float64), color=_TRUTH, linewidth=0.7, alpha=0.8)


def _legend(rows: Sequence[tuple[str, Sequence[JointTrack]]]) -> list[Any]:
    from matplotlib.lines import Line2D

    tracks = [track for _, group in rows for track in group]
    sides = {'left': _LEFT, 'right': _RIGHT, 'middle': _MIDDLE}
    used = {_colour(track.name) for track in tracks}
    handles = [Line2D([], [], color=colour, linewidth=1.6, label=f'{side}, measured')
               for side, colour in sides.items() if colour in used]
    handles.append(Line2D([], [], color='gray', marker='.', linestyle='none',
                          label='occluded, predicted or interpolated'))
    if any(track.truth is not None for track in tracks):
        handles.append(Line2D([], [], color=_TRUTH, linewidth=0.7, label='truth'))
    return handles
