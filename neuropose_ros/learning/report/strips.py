"""One clip as a strip of skeletons, and where in it the network looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.drawing.figures import (
    BLUE,
    FAINT,
    QUIET,
    VERMILION,
    new_figure,
    percent_axis,
    png,
    tidy,
)
from neuropose_ros.learning.examples import Example

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

    from neuropose_ros.core.pose import Floats

_POSES = 7
_MOST_NAMED = 33


def example_plot(example: Example, layout: SkeletonLayout, labels: Sequence[str]) -> bytes:
    """Draw a clip: skeletons over time, attention and prediction error, probabilities."""
    joints = len(layout)
    figure = new_figure(13, 3.4 + 0.155 * min(joints, _MOST_NAMED))
    rows = figure.add_gridspec(2, 1, height_ratios=(3.0, 0.4 + 0.155 * min(joints, _MOST_NAMED)))
    upper, lower = figure.add_subfigure(rows[0]), figure.add_subfigure(rows[1])
    _draw_poses(upper, example, layout)
    attention, error, answer = lower.subplots(1, 3, width_ratios=(1.25, 1.25, 1))
    mean = max(float(example.trace.attention.mean()), 1e-9)
    _heat(attention, example.trace.attention / mean, layout,
          'attention [times the mean]', 'Blues')
    _heat(error, example.trace.error, layout, 'prediction error [normalised]',
          'Oranges')
    error.set_yticks([])
    _draw_answer(answer, example, labels)
    return png(figure)


def _draw_poses(figure: SubFigure, example: Example, layout: SkeletonLayout) -> None:
    """The attention of a joint is the area of its dot; what was completed is hollow."""
    from matplotlib.lines import Line2D

    trace = example.trace
    ticks = np.unique(np.linspace(0, len(trace.completed) - 1, _POSES).round().astype(int))
    grid = figure.subplots(1, len(ticks), sharex=True, sharey=True, squeeze=False)[0]
    # Each pose stands in the middle of its place: how far somebody went would make them small.
    shift = np.zeros((len(trace.completed), 1, trace.completed.shape[-1]), np.float32)
    shift[..., 0] = trace.completed[..., 0].mean(1, keepdims=True)
    given, completed, truth = (
        part - shift for part in (trace.keypoints, trace.completed, example.truth))
    drawn = np.concatenate([completed[ticks], truth[ticks]])[..., :2].reshape(-1, 2)
    low, high = np.nanmin(drawn, 0), np.nanmax(drawn, 0)
    margin = 0.06 * max(float((high - low).max()), 1e-6)
    up = trace.completed.shape[-1] == 3  # pixels count downwards, metres upwards
    for axes, tick in zip(grid, ticks, strict=True):
        _draw_skeleton(axes, truth[tick], layout, QUIET, 1.0, 'dotted')
        _draw_skeleton(axes, completed[tick], layout, FAINT, 2.2, 'solid')
        _draw_joints(axes, given[tick], completed[tick], trace.attention[tick])
        axes.set_xlim(low[0] - margin, high[0] + margin)
        y = (low[1] - margin, high[1] + margin)
        axes.set_ylim(*(y if up else y[::-1]))
        axes.set_aspect('equal')
        axes.set_axis_off()
        axes.set_title(f'{tick / max(len(trace.completed) - 1, 1):.0%}', fontsize=9)
    figure.legend(loc='outside lower center', ncols=3, frameon=False, handles=[
        Line2D([], [], marker='o', color=BLUE, linestyle='none',
               label='measured (area: attention)'),
        Line2D([], [], marker='o', color=VERMILION, linestyle='none', markerfacecolor='none',
               markeredgewidth=1.8, label='missing, completed by the network'),
        Line2D([], [], color=QUIET, linestyle='dotted', label='where the body really was')])


def _draw_skeleton(
    axes: Axes, points: Floats, layout: SkeletonLayout, colour: str, width: float, style: str,
) -> None:
    for a, b in layout.edges:
        axes.plot(points[[a, b], 0], points[[a, b], 1], color=colour, linewidth=width,
                  linestyle=style, solid_capstyle='round')


def _draw_joints(axes: Axes, points: Floats, completed: Floats, attention: Floats) -> None:
    measured = np.isfinite(points).all(-1)
    area = 8 + 90 * attention / max(float(attention.max()), 1e-9)
    axes.scatter(completed[measured, 0], completed[measured, 1], s=area[measured], color=BLUE,
                 zorder=3)
    axes.scatter(completed[~measured, 0], completed[~measured, 1], s=area[~measured],
                 facecolors='none', edgecolors=VERMILION, linewidths=1.6, zorder=3)


def _heat(
    axes: Axes, values: Floats, layout: SkeletonLayout, label: str, colours: str,
) -> None:
    from matplotlib import colormaps

    image = axes.imshow(
        values.T, aspect='auto', cmap=colormaps[colours].with_extremes(bad='#dddddd'), vmin=0,
        interpolation='nearest', extent=(0, 1, len(layout) - 0.5, -0.5))
    if len(layout) <= _MOST_NAMED:
        axes.set_yticks(range(len(layout)), layout.names, fontsize=7)
    axes.set_xticks([0, 0.5, 1], ['start', 'half', 'end'])
    axes.set_xlabel('part of the clip')
    axes.figure.colorbar(image, ax=axes, pad=0.01, label=label)


def _draw_answer(axes: Axes, example: Example, labels: Sequence[str]) -> None:
    top = np.argsort(-example.probabilities, kind='stable')[:5]
    colours = [BLUE if i == example.label else QUIET for i in top]
    axes.barh(range(len(top)), example.probabilities[top], color=colours, alpha=0.45)
    for row, i in enumerate(top):
        axes.text(0.02, row, f'{labels[i]} {example.probabilities[i]:.0%}', va='center',
                  fontsize=9)
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    axes.set_yticks([])
    axes.set_xlabel('probability (blue: the truth)')
    percent_axis(axes.xaxis)
    tidy(axes, None)
