"""Curves of what is found over the strength of each harm, as PNG files in memory."""

from __future__ import annotations

from collections.abc import Sequence

from neuropose_ros.drawing.figures import (
    BLUE,
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
from neuropose_ros.learning.pose_robustness.conditions import HARMS
from neuropose_ros.learning.pose_robustness.outcome import CLEAN, Condition, Scores

_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, INK, QUIET)
_COLUMNS = 3


def curves(scores: Scores, source: str, rows: Sequence[str], title: str) -> bytes:
    """Draw PCK over the strength, one field for each harm that was measured.

    Args:
        rows: that get a line, in order; dashed where one is a variant of another.
    """
    measured = [harm for harm in HARMS.values() if any(
        condition.harm == harm.name and condition.source == source for condition in scores)]
    lines = max(1, -(-len(measured) // _COLUMNS))
    figure = new_figure(10.0, 1.0 + 2.6 * lines)
    grid = figure.subplots(lines, _COLUMNS, sharey=True, squeeze=False).ravel()
    for axes, harm in zip(grid, measured, strict=False):
        for row, colour in zip(rows, _COLOURS, strict=False):
            places = [(0, Condition(row, source, CLEAN, 0)), *(
                (strength, Condition(row, source, harm.name, strength))
                for strength in range(1, len(harm.levels) + 1))]
            known = [(at, scores[one].pck()) for at, one in places if one in scores]
            if len(known) > 1:
                axes.plot(*zip(*known, strict=True), color=colour, marker='o', markersize=3,
                          linestyle='--' if ',' in row else '-', label=row)
        axes.set_title(f'{harm.name.replace("_", " ")} [{harm.unit}]', fontsize=8)
        axes.set_xticks(range(len(harm.levels) + 1),
                        ['0', *(f'{level:g}' for level in harm.levels)], fontsize=8)
        axes.set_ylim(0, 1)
        percent_axis(axes.yaxis)
        tidy(axes)
    for axes in grid[len(measured):]:
        axes.set_visible(False)
    handles, labels = grid[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside lower center', ncols=3, frameon=False, fontsize=9)
    figure.suptitle(title, fontsize=11)
    return png(figure)
