"""A picture of what differs between two runs, over time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neuropose_ros.replay.compare import StreamDifference

_LINE, _GONE = '#0072b2', '#d55e00'  # Okabe and Ito 2008: colours that all eyes tell apart


def plot_difference(
    runs: Mapping[str, Mapping[str, StreamDifference]], title: str, path: Path,
) -> None:
    """Write a PNG: for each recording and stream with people, the largest distance over time.

    Args:
        runs: streams by name, by the name of the recording.
        path: where to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [(f'{run} {name}'.strip(), stream) for run, streams in runs.items()
            for name, stream in streams.items() if np.isfinite(stream.keypoint_px).any()]
    figure = Figure(figsize=(10, 1.2 + 2.2 * max(1, len(rows))), layout='constrained')
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    grid = figure.subplots(max(1, len(rows)), 1, squeeze=False)[:, 0]
    if not rows:
        grid[0].text(.5, .5, 'no frame with the same people in both', ha='center', va='center')
        grid[0].set_axis_off()
    for axes, (name, stream) in zip(grid, rows, strict=False):
        times, apart = np.array(stream.times_s), np.array(stream.keypoint_px)
        axes.plot(times, apart, '.-', color=_LINE, markersize=3, linewidth=0.8)
        gone = times[np.isnan(apart)]
        axes.plot(gone, np.zeros(len(gone)), '|', color=_GONE, markersize=8)
        axes.set_title(name, fontsize=10, loc='left')
        axes.set_ylabel('farthest joint [px]')
        axes.set_ylim(bottom=0, top=None if np.nanmax(apart) else 1)
        axes.spines[['top', 'right']].set_visible(False)
        axes.grid(alpha=0.25)
    grid[-1].set_xlabel('time [s]; red = nobody, or other people' if rows else '')
    figure.savefig(path, dpi=100)
