"""Plots of a pose model's figures, each as a PNG file in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from neuropose_ros.core.pose import Image
from neuropose_ros.drawing.figures import (
    BLUE,
    GREEN,
    INK,
    QUIET,
    VERMILION,
    new_figure,
    percent_axis,
    png,
    tidy,
)
from neuropose_ros.learning.pose_evaluation.assessment import Cost
from neuropose_ros.learning.pose_evaluation.examples import Example
from neuropose_ros.learning.pose_evaluation.measures import pck_by_joint
from neuropose_ros.learning.pose_evaluation.people import Array, Flags, People

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVE_SHARES = np.linspace(0, 0.3, 61)
_COLUMNS = 4
_GAP_PX = 6


def pck_plot(people: People, thresholds: tuple[float, ...]) -> bytes:
    """PCK over the threshold: all joints, those seen, and those hidden."""
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    counted = people.counted
    lines = [('all labelled joints', counted, BLUE)]
    hidden = counted & ~people.visible
    if hidden.any():
        lines += [('seen', counted & people.visible, GREEN), ('hidden', hidden, VERMILION)]
    for name, chosen, colour in lines:
        if chosen.any():
            axes.plot(CURVE_SHARES, _curve(people.distances, chosen), color=colour,
                      linewidth=2 if colour == BLUE else 1.3, label=f'{name} ({chosen.sum()})')
    for threshold in thresholds:
        axes.axvline(threshold, color=QUIET, linewidth=0.8, linestyle=':')
    _pck_axes(axes)
    axes.set_xlabel('distance to the truth, as a share of the person’s size')
    axes.set_ylabel('joints nearer than that (PCK)')
    axes.legend(loc='lower right', frameon=False)
    return png(figure)


def joints_plot(people: People) -> bytes:
    """PCK over the threshold for each joint; left and right share a field."""
    fields: dict[str, list[int]] = {}
    counted = people.counted
    for joint, name in enumerate(people.layout.names):
        if counted[:, joint].any():
            fields.setdefault(_plain(name), []).append(joint)
    rows = -(-len(fields) // _COLUMNS)
    figure = new_figure(9.0, 0.7 + 1.9 * rows)
    grid = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    shares = np.stack([pck_by_joint(people.distances, share, counted) for share in CURVE_SHARES])
    for axes, (field, joints) in zip(grid, fields.items(), strict=False):
        for joint in joints:
            name = people.layout.names[joint]
            colour = BLUE if 'left' in name else VERMILION if 'right' in name else INK
            axes.plot(CURVE_SHARES, shares[:, joint], color=colour, linewidth=1.5)
        axes.set_title(field.replace('_', ' '), fontsize=10)
        _pck_axes(axes)
    for axes in grid[len(fields):]:
        axes.set_visible(False)
    figure.supxlabel('distance as a share of the person’s size', fontsize=10)
    figure.supylabel('PCK', fontsize=10)
    return png(figure)


def cost_plot(cost: Cost) -> bytes:
    """How the times of single pictures are distributed, by the number of people."""
    figure = new_figure(6.4, 3.6)
    axes = figure.subplots()
    low, high = np.percentile(cost.ms, (0, 99))
    axes.hist(np.clip(cost.ms, low, high), bins=40, color=BLUE, edgecolor='white', linewidth=0.4)
    axes.axvline(float(np.median(cost.ms)), color=VERMILION, linestyle='--',
                 label=f'median {np.median(cost.ms):.1f} ms')
    axes.set_xlabel('time of a picture [ms]; the slowest hundredth stands at the right end')
    axes.set_ylabel('pictures')
    axes.legend(frameon=False)
    tidy(axes, 'y')
    return png(figure)


def example_picture(example: Example) -> bytes:
    """The truth and, right of it, what was found."""
    gap = np.full((example.truth.shape[0], _GAP_PX, 3), 255, np.uint8)
    both: Image = np.concatenate((example.truth, gap, example.found), 1)
    return bytes(cv2.imencode('.png', both)[1].tobytes())


def _curve(distances: Array, chosen: Flags) -> Array:
    values = np.sort(distances[chosen])
    found: Array = np.searchsorted(values, CURVE_SHARES, 'right') / values.size
    return found


def _pck_axes(axes: Axes) -> None:
    axes.set_xlim(0, CURVE_SHARES[-1])
    axes.set_ylim(0, 1.02)
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    tidy(axes)


def _plain(name: str) -> str:
    return '_'.join(part for part in name.split('_') if part not in ('left', 'right'))
