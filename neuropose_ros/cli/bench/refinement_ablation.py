"""What each part of the refiner is worth: the figures without it, as a table and a plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from neuropose_ros.cli.bench.refinement_rows import Bed
from neuropose_ros.cli.bench.refinement_swaps import swaps_made
from neuropose_ros.learning.refiner.protocol import causally
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage

PARTS = {
    'network': 'use_network', 'constraints': 'use_constraints',
    'action context': 'use_action_context', 'swap repair': 'use_swap_repair',
    'tremor protection': 'protect_tremor'}
"""Words -> the parameter that switches the part."""
FIGURES = ('pck@0.05', 'pck@0.1', 'pck@0.2', 'accel', 'masked20', 'masked40', 'swaps_repaired')
_UP = ('pck@0.05', 'pck@0.1', 'pck@0.2', 'swaps_repaired')
MakeStage = Callable[[RefinementParameters], RefinementStage]
Table = Mapping[str, Mapping[str, float]]


def ablate(bed: Bed, parameters: RefinementParameters, make: MakeStage) -> Table:
    """Return the figures of everything, and without each part that is on."""
    there = {field.name for field in fields(parameters)}
    rows = {'everything': _figures(bed, parameters, make)}
    for words, switch in PARTS.items():
        if switch in there and getattr(parameters, switch):
            rows[f'no {words}'] = _figures(bed, replace(parameters, **_off(switch)), make)
    alone = replace(parameters, **_off(*(one for one in PARTS.values() if one in there)))
    rows['filter alone'] = _figures(bed, alone, make)
    return rows


def _off(*switches: str) -> dict[str, Any]:
    return dict.fromkeys(switches, False)


def _figures(bed: Bed, parameters: RefinementParameters, make: MakeStage) -> dict[str, float]:
    refine = causally(lambda: make(parameters))
    sides = swaps_made(bed, refine)
    return bed.figures(refine) | {
        'swaps_repaired': sides.repaired / max(sides.exchanged, 1),
        'swaps_introduced': sides.introduced}


def plot(rows: Table, path: str) -> None:
    """Write a PNG: how much worse each figure is without a part."""
    import matplotlib as mpl
    mpl.use('Agg')
    from matplotlib import pyplot as plt

    everything = rows['everything']
    names = [name for name in rows if name != 'everything']
    figure, axes = plt.subplots(
        1, len(FIGURES), figsize=(2.4 * len(FIGURES), 0.6 * len(names) + 1.6), sharey=True,
        layout='constrained')
    for axis, key in zip(axes, FIGURES, strict=True):
        worse = [(everything[key] - rows[name][key]) * (1 if key in _UP else -1)
                 for name in names]
        axis.barh(names, worse, color=['#d55e00' if value > 0 else '#009e73' for value in worse])
        axis.axvline(0.0, color='#222222', linewidth=0.8)
        axis.set_title(f'{key}\nwith all: {everything[key]:.3g}', fontsize=9)
        axis.tick_params(labelsize=8)
    axes[0].invert_yaxis()
    figure.suptitle('What is lost without a part (orange: it helps; green: it harms)', fontsize=10)
    figure.savefig(path, dpi=120)
    plt.close(figure)
