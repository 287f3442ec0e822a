"""Plots of what a stream's recogniser said, and of scores for actions it never learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuropose_ros.drawing.figures import (
    BLUE,
    FAINT,
    INK,
    QUIET,
    VERMILION,
    new_figure,
    png,
    tidy,
)
from neuropose_ros.learning.boundaries import Onsets, Timeline
from neuropose_ros.learning.open_set import OpenSet

_MOST_BINS = 41


def onset_plot(result: Onsets) -> bytes:
    """When the recogniser said that an action begins, against when it began."""
    figure = new_figure(7.2, 4.0)
    axes = figure.subplots()
    errors = np.array([match.error_s for match in result.matches])
    found, limit = sum(match.found for match in result.matches), 2 * result.tolerance_s
    errors = errors[np.isfinite(errors)]
    axes.axvspan(-result.transition_s, 0, color=FAINT, alpha=0.5, linewidth=0,
                 label='transition between two clips')
    for side_s in (-result.tolerance_s, result.tolerance_s):
        axes.axvline(side_s, color=QUIET, linewidth=1, linestyle=':',
                     label='tolerance' if side_s > 0 else None)
    axes.axvline(0, color=INK, linewidth=1.2, label='first frame of the new action')
    axes.hist(errors, np.linspace(-limit, limit, _MOST_BINS).tolist(), color=BLUE,
              edgecolor='white', label=f'{len(result.matches)} boundaries, {found} found')
    median = float(np.median(errors)) if errors.size else float('nan')
    if errors.size:
        axes.axvline(median, color=VERMILION, linewidth=1.6, linestyle='--',
                     label=f'median {median:+.2f} s')
    axes.set_xlim(-limit, limit)
    axes.set_xlabel('onset that was said minus the true one [s]')
    axes.set_ylabel('boundaries')
    tidy(axes, 'y')
    figure.legend(loc='outside upper center', ncols=3, frameon=False)
    return png(figure)


def timeline_plot(line: Timeline, labels: Sequence[str]) -> bytes:
    """Probabilities of the actions over a stream, the truth as frames around them."""
    from matplotlib.patches import Rectangle

    figure = new_figure(13, 1.8 + 0.28 * len(labels))
    axes = figure.subplots()
    step_s = float(np.median(np.diff(line.times_s))) if len(line.times_s) > 1 else 1.0
    edges = np.append(line.times_s - step_s / 2, line.times_s[-1] + step_s / 2)
    mesh = axes.pcolormesh(edges, np.arange(len(labels) + 1) - 0.5, line.probabilities.T,
                           cmap='Blues', vmin=0, vmax=1, rasterized=True)
    for segment in line.stream.segments:
        axes.add_patch(Rectangle(
            (segment.start_s, segment.label - 0.5), segment.end_s - segment.start_s, 1,
            fill=False, edgecolor=INK, linewidth=1.4))
    times_s = [event.time_s for event in line.events]
    for event in line.events:
        axes.plot([event.time_s, event.said_s], [event.label] * 2, '|-', color=VERMILION,
                  linewidth=1, markersize=8)
    axes.plot(times_s, [event.label for event in line.events], '>', color=VERMILION, markersize=8,
              markeredgecolor='white')
    unknown = line.said < 0
    axes.plot(line.times_s[unknown], np.full(unknown.sum(), -1.0), '|', color=QUIET, markersize=7)
    axes.set_yticks(range(-1, len(labels)), ['(unknown)', *labels])
    axes.set_ylim(len(labels) - 0.5, -1.6)
    axes.set_xlim(0, edges[-1])
    axes.set_xlabel('time [s]')
    axes.set_ylabel('action')
    figure.colorbar(mesh, ax=axes, label='probability', pad=0.01)
    axes.plot([], [], 's', color='white', markeredgecolor=INK, label='truth')
    axes.plot([], [], '>', color=VERMILION, label='an action begins; line: until it was said')
    axes.plot([], [], '|', color=QUIET, label='no known action')
    figure.legend(loc='outside upper center', ncols=3, frameon=False)
    return png(figure)


def unknown_plot(result: OpenSet) -> bytes:
    """Unknown scores of actions that were learned and that were not, all pairs together."""
    figure = new_figure(7.2, 4.0)
    axes = figure.subplots()
    bins = np.linspace(0, 1, 31).tolist()
    for values, colour, name, hatch in (
            (np.concatenate([pair.known_scores for pair in result.pairs]), BLUE, 'learned', ''),
            (np.concatenate([pair.unknown_scores for pair in result.pairs]), VERMILION,
             'never seen', '///')):
        axes.hist(values, bins, weights=np.full(values.size, 1 / max(values.size, 1)), alpha=0.6,
                  color=colour, hatch=hatch, edgecolor='white',
                  label=f'{name}: {values.size} answers')
    axes.set_xlabel('unknown score')
    axes.set_ylabel('share of the answers')
    axes.set_xlim(0, 1)
    tidy(axes, 'y')
    figure.legend(loc='outside upper center', ncols=2, frameon=False)
    return png(figure)
