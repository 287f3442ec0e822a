"""Plots of one evaluation, each as a PNG file in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neuropose_ros.drawing.figures import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    QUIET,
    VERMILION,
    new_figure,
    percent_axis,
    png,
    tidy,
)
from neuropose_ros.learning.evaluation import Cost, MissingPoint
from neuropose_ros.learning.metrics import Calibration, ClassScores, Estimate, Indices

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NUMBERED = 30


def confusion_plot(confusion: Indices, labels: Sequence[str]) -> bytes:
    """Rows are the truth, columns the answers; the colour is the share of the row."""
    count = len(labels)
    side = min(14.0, 3.2 + 0.42 * count)
    figure = new_figure(side + 0.8, side)
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    image = axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
    size = 9 if count <= _MOST_NUMBERED else 5
    axes.set_xticks(range(count), labels, rotation=90, fontsize=size)
    axes.set_yticks(range(count), labels, fontsize=size)
    axes.set_xlabel('answer')
    axes.set_ylabel('truth')
    if count <= _MOST_NUMBERED:
        for row, column in zip(*np.nonzero(confusion), strict=True):
            dark = shares[row, column] > 0.55
            axes.text(column, row, str(confusion[row, column]), ha='center', va='center',
                      fontsize=8, color='white' if dark else INK)
        axes.set_xticks(np.arange(count + 1) - 0.5, minor=True)
        axes.set_yticks(np.arange(count + 1) - 0.5, minor=True)
        axes.grid(which='minor', color=FAINT, linewidth=0.5)
        axes.tick_params(which='minor', length=0)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, pad=0.02, label='share of the true class')
    percent_axis(bar.ax.yaxis)
    return png(figure)


def class_plot(scores: ClassScores, labels: Sequence[str]) -> bytes:
    """F1 as bars, precision and recall as marks, the hardest class at the bottom."""
    order = np.argsort(np.nan_to_num(scores.f1, nan=-1))
    figure = new_figure(8.5, 1.4 + 0.3 * len(labels))
    axes = figure.subplots()
    rows = np.arange(len(labels))
    axes.barh(rows, np.nan_to_num(scores.f1[order]), color=FAINT, height=0.62, label='F1')
    axes.plot(scores.precision[order], rows, '^', color=BLUE, label='precision', markersize=7)
    axes.plot(scores.recall[order], rows, 'o', color=VERMILION, label='recall', markersize=6,
              markerfacecolor='none', markeredgewidth=1.8)
    axes.set_yticks(rows, [f'{labels[i]} ({scores.support[i]})' for i in order])
    axes.set_xlim(0, 1.02)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    percent_axis(axes.xaxis)
    axes.set_xlabel('precision, recall and F1')
    axes.set_ylabel('class (clips)')
    tidy(axes, 'x')
    figure.legend(loc='outside upper center', ncols=3, frameon=False)
    return png(figure)


def calibration_plot(curve: Calibration, unit: str = 'clips') -> bytes:
    """How often answers of a confidence are right, and how many there are of each.

    Args:
        unit: what is answered.
    """
    figure = new_figure(6.2, 6.2)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    widths = np.diff(curve.edges)
    upper.plot([0, 1], [0, 1], '--', color=QUIET, linewidth=1, label='as sure as right')
    filled = curve.count > 0
    upper.vlines(curve.confidence[filled], curve.confidence[filled], curve.accuracy[filled],
                 color=VERMILION, linewidth=2.5, alpha=0.7, label='gap')
    share = np.sqrt(curve.count[filled] / curve.count.max())
    upper.plot(curve.confidence[filled], curve.accuracy[filled], color=BLUE, linewidth=1)
    upper.scatter(curve.confidence[filled], curve.accuracy[filled], s=20 + 90 * share, color=BLUE,
                  zorder=3, label='answers (area: how many)')
    upper.set_ylabel('answers that are right')
    upper.set_ylim(-0.02, 1.02)
    percent_axis(upper.yaxis)
    upper.text(0.98, 0.04, f'expected calibration error {curve.ece:.3f}', ha='right',
               transform=upper.transAxes)
    figure.legend(loc='outside upper center', ncols=3, frameon=False)
    lower.bar(curve.edges[:-1], curve.count, widths, align='edge', color=BLUE, edgecolor='white')
    lower.set_ylabel(unit)
    lower.set_xlabel('confidence of the answer')
    lower.set_xlim(0, 1)
    percent_axis(lower.xaxis)
    for axes in (upper, lower):
        tidy(axes)
    return png(figure)


def share_plot(points: Sequence[tuple[float, Estimate]]) -> bytes:
    """Accuracy over the share of the clip that was seen."""
    figure = new_figure(6.2, 4.2)
    axes = figure.subplots()
    _curve(axes, [share for share, _ in points], [value for _, value in points], BLUE, 'o-', '')
    axes.set_xlabel('part of the clip seen, from its start')
    axes.set_xlim(0, 1.04)
    axes.set_xticks([share for share, _ in points])
    percent_axis(axes.xaxis)
    _accuracy_axis(axes)
    return png(figure)


def missing_plot(points: Sequence[MissingPoint], burst_frames: int) -> bytes:
    """Accuracy over the share of joints that are missing."""
    figure = new_figure(6.2, 4.2)
    axes = figure.subplots()
    shares = [point.share for point in points]
    axes.set_xticks(shares)
    plain = [point.without for point in points if point.without is not None]
    if len(plain) == len(points):
        _curve(axes, shares, plain, VERMILION, 's--', 'without completion', below=True)
    _curve(axes, shares, [point.top1 for point in points], BLUE, 'o-',
           'with completion' if plain else '')
    axes.set_xlabel(f'joints missing, in bursts of {burst_frames} frames')
    percent_axis(axes.xaxis)
    axes.margins(x=0.12)
    _accuracy_axis(axes)
    if plain:
        axes.legend(loc='lower left', frameon=False)
    return png(figure)


def _curve(
    axes: Axes, x: Sequence[float], values: Sequence[Estimate], colour: str, style: str,
    label: str, below: bool = False,
) -> None:
    middle = np.array([value.value for value in values])
    spread = np.array([[value.value - value.low, value.high - value.value] for value in values]).T
    axes.errorbar(x, middle, yerr=spread, fmt=style, color=colour, capsize=4, elinewidth=1.2,
                  label=label or None)
    for at, value in zip(x, values, strict=True):
        axes.annotate(
            f'{value.value:.1%}', (at, value.low if below else value.high), fontsize=9,
            xytext=(0, -4 if below else 4), textcoords='offset points', color=colour, ha='center',
            va='top' if below else 'bottom')


def _accuracy_axis(axes: Axes) -> None:
    axes.set_ylabel('top-1 accuracy')
    axes.set_ylim(0, 1.1)
    axes.set_yticks(np.arange(6) / 5)
    percent_axis(axes.yaxis)
    tidy(axes)


def cost_plot(cost: Cost) -> bytes:
    """Time of an answer over the length of the clip, and where real time ends."""
    figure = new_figure(6.2, 4.4)
    axes = figure.subplots()
    longest_s = max(float(cost.durations_s.max()), 1e-3)
    line_s = np.linspace(0.02, 1.06, 60) * longest_s
    axes.plot(line_s, 1e3 * line_s, color=GREEN, linewidth=1.6,
              label='as long as the clip itself')
    axes.plot(cost.durations_s, cost.ms, 'o', color=BLUE, markersize=5, alpha=0.75,
              label='one clip, alone')
    median = cost.ms_per_clip.value
    axes.axhline(median, color=VERMILION, linewidth=1.4, linestyle='--',
                 label=f'median {median:.1f} ms')
    axes.set_yscale('log')
    axes.set_xlim(0, 1.06 * longest_s)
    axes.set_ylim(min(float(cost.ms.min()), 1e3 * line_s[0]) / 2, None)
    axes.set_xlabel('duration of the clip [s]')
    axes.set_ylabel('time of an answer [ms]')
    tidy(axes)
    figure.legend(loc='outside upper center', ncols=3, frameon=False)
    return png(figure)
