"""How much better refined poses are than detected ones, and what it costs.

Split 1 of J-HMDB, test clips only. Real noise: detections of MoveNet in the clips whose joints
fit the picture; one offset for each joint between the two definitions of it, fitted on the clips
for training, is added to every method alike. Masked joints: true joints of all test clips, hidden
for 5 to 15 frames at a time. Lengths are shares of the person's box (mean diagonal of the clip).

The refiner has one causal configuration, that of the node, for all rows; the baselines are tuned
on the clips for training, for each row anew. `--part train` leaves the test clips alone.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neuropose_ros.cli.learning_options import need_torch
from neuropose_ros.core.errors import NeuroposeError

if TYPE_CHECKING:
    from neuropose_ros.cli.bench.refinement_aside import Beaten
    from neuropose_ros.cli.bench.refinement_ours import Ours
    from neuropose_ros.cli.bench.refinement_rows import Bed

ROW = ('pck@0.05', 'pck@0.1', 'pck@0.2', 'accel', 'masked20', 'masked40')
TARGETS: Mapping[str, tuple[str, float]] = {
    'causal.pck@0.1': ('>=', 0.735), 'causal.accel': ('<=', 0.065),
    'causal.masked20': ('<=', 0.045), 'causal.masked40': ('<=', 0.045),
    'offline.pck@0.1': ('>=', 0.755), 'offline.accel': ('<=', 0.042),
    'offline.masked20': ('<=', 0.03), 'offline.masked40': ('<=', 0.03),
    'swaps_repaired': ('>=', 0.95), 'swaps_introduced': ('<=', 0),
    'tremor_kept': ('>=', 0.9), 'tremor_hz_error': ('<=', 0.1),
    'tremor_noise_reduction': ('>=', 0.4), 'delay_frames': ('<=', 1.0),
    'coverage90': ('in', 0.9), 'area90_over_kalman': ('<=', 1.0),
    'precise_error_ratio': ('<=', 1.0),
    'ms_per_person_frame': ('<=', 1.0), 'ms_per_person_frame_without_network': ('<=', 0.3)}
_COVERAGE = (0.85, 0.95)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, default=os.environ.get('NEUROPOSE_DATA'),
                        help='folder with the data set (default: $NEUROPOSE_DATA)')
    parser.add_argument('--refiner', default='', help='name or folder; default: the shipped')
    parser.add_argument('--part', choices=('test', 'train'), default='test',
                        help='clips that are looked at')
    parser.add_argument('--out', type=Path, default=Path('runs') / 'bench-refinement',
                        help='of the plots')
    parser.add_argument('--quick', action='store_true',
                        help='neither baselines nor ablation, tremor and live')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    need_torch()
    if not args.data:
        raise NeuroposeError('the bench needs clips: --data FOLDER or NEUROPOSE_DATA=FOLDER')
    args.out.mkdir(parents=True, exist_ok=True)
    from neuropose_ros.cli.bench.refinement_ours import Ours

    with Ours(args.refiner) as ours:
        report = _measure(args, ours)
    print_targets(report)
    if args.json:
        print(json.dumps(_finite(report)))
    return 0


def _measure(args: argparse.Namespace, ours: Ours) -> dict[str, Any]:
    """Measure: the baselines, tremor and the live runs in another process meanwhile."""
    from neuropose_ros.cli.bench import refinement_aside as aside
    from neuropose_ros.inference.threads import one_thread_each

    if args.quick:
        return _own_parts(args, ours, lambda: None)
    context = multiprocessing.get_context('spawn')
    with one_thread_each(), ProcessPoolExecutor(1, mp_context=context) as beside:
        begun = [beside.submit(aside.quietly, part, args.data, *given) for part, given in (
            (aside.baselines, (args.part,)), (aside.tremor, (args.out, args.refiner)),
            (aside.live, (args.out,)))]
        report = _own_parts(args, ours, lambda: begun[0].result().result)
        for part in begun[1:]:
            said = part.result()
            print(said.text, end='')
            report |= said.result
    return report


def _own_parts(
    args: argparse.Namespace, ours: Ours, wait: Callable[[], Beaten | None],
) -> dict[str, Any]:
    from neuropose_ros.cli.bench import refinement_ablation as ablation
    from neuropose_ros.cli.bench import refinement_swaps as swaps
    from neuropose_ros.cli.bench.refinement_rows import Bed

    bed = Bed(args.data, args.part)
    print(f'{args.part} part: {len(bed.tasks.real)} clips with detections, '
          f'{len(bed.tasks.hidden_pairs)} with hidden joints; refiner: {ours.title}')
    print(f'{"":20}' + ''.join(f'{key:>10}' for key in ROW))
    found = {'causal': bed.real(ours.causal), 'offline': bed.real(ours.offline)}
    report: dict[str, Any] = {}
    for name, points in found.items():
        report[name] = bed.of_real(points) | bed.of_masked(getattr(ours, name))
        _print_row(name, report[name])
    in_none, precise = swaps.swaps_in_none(bed, ours.causal)
    sides = swaps.as_figures(
        swaps.swaps_made(bed, ours.causal), in_none, swaps.swaps_found(bed, found['causal']))
    sides['clips_of_known_sides'] = len(swaps.sided_pairs(bed))
    sides['precise'] = precise
    sides['precise_error_ratio'] = precise['causal_error'] / precise['raw_error']
    cost = ours.cost()
    rows = None if args.quick else ablation.ablate(bed, ours.parameters, ours.stage)
    beaten = wait()
    methods = [] if beaten is None else beaten.methods
    report['baselines'] = {'raw': bed.raw(), **({} if beaten is None else beaten.rows)}
    for name, row in report['baselines'].items():
        _print_row(name, row)
    limbs = swaps.limbs(bed, {'causal': ours.causal, 'offline': ours.offline}, methods)
    report |= {**sides, 'limbs20': limbs, **_calibration(bed, found, beaten),
               'shapes': bed.all_shapes(found), **cost}
    _print_further(report)
    if rows is not None:
        report['ablation'] = rows
        _print_table(rows, (*ablation.FIGURES, 'swaps_introduced'))
        ablation.plot(rows, str(args.out / 'ablation.png'))
    return report


def _calibration(
    bed: Bed, found: Mapping[str, Any], beaten: Beaten | None,
) -> dict[str, Any]:
    ours = {name: bed.calibration(refined) for name, refined in found.items()}
    figures: dict[str, Any] = {
        f'calibration_{name}': one._asdict() for name, one in ours.items()}
    figures['coverage90'] = ours['causal'].coverage90
    if beaten is not None:
        figures['calibration_kalman'] = beaten.kalman._asdict()
        figures['area90_over_kalman'] = ours['causal'].area90 / beaten.kalman.area90
    return figures


def _print_row(name: str, row: Mapping[str, float]) -> None:
    print(f'{name:20}' + ''.join(f'{row[key]:10.4f}' for key in ROW), flush=True)


def _print_table(rows: Mapping[str, Mapping[str, float]], keys: Sequence[str]) -> None:
    print(f'{"":20}' + ''.join(f'{key:>18}' for key in keys))
    for name, row in rows.items():
        print(f'{name:20}' + ''.join(f'{row[key]:18.4f}' for key in keys))


def _print_further(report: Mapping[str, Any]) -> None:
    for key, value in report.items():
        if isinstance(value, dict) and key not in ('causal', 'offline', 'baselines'):
            print(f'{key}: ' + '; '.join(
                f'{name} ' + (', '.join(f'{k} {v:.4g}' for k, v in one.items())
                              if isinstance(one, dict) else f'{one:.4g}')
                for name, one in value.items()))
        elif isinstance(value, float | int):
            print(f'{key}: {value:.4g}')


def print_targets(report: Mapping[str, Any], say: Callable[[str], None] = print) -> None:
    """Print what is asked for beside what was found."""
    for key, (sign, limit) in TARGETS.items():
        value: Any = report
        for part in key.split('.', 1):
            value = value.get(part) if isinstance(value, dict) else None
        wanted = f'{_COVERAGE[0]} to {_COVERAGE[1]}' if sign == 'in' else f'{sign} {limit:g}'
        if value is None:
            say(f'{key:40}{"not measured":>14}   target {wanted}')
            continue
        good = {'>=': value >= limit, '<=': value <= limit,
                'in': _COVERAGE[0] <= value <= _COVERAGE[1]}[sign]
        say(f'{key:40}{value:14.4g}   target {wanted:14}{"" if good else "MISSED"}')


def _finite(value: Any) -> Any:
    """Return the report with null for what JSON cannot say."""
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
