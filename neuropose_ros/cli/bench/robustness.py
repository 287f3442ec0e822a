"""How much bad light, blur, noise, occluders, clutter, distance and tilt cost pose models.

Nine harms at five strengths over single frames and clips of J-HMDB (test part of split 1),
photographs of COCO and MPII, and rendered people. Each model of --models runs as the nodes run it:
person detector, brightening of dark pictures where its entry says so, in clips tracking and the
refiner. MediaPipe 0.10.21 runs as published in the same run and sees the same pictures.

Whoever is annotated must be found in the whole picture; nobody is told a box. A figure is PCK@0.1
as found, over the joints that all systems have, hidden ones too; a joint of somebody who is not
found is wrong. Of several people the surest alone counts: MediaPipe has one try, too. The first
model of --models is "ours" in the summary, which is of all real people: frames, clips, pictures.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from neuropose_ros.core.errors import NeuroposeError, ParameterError

if TYPE_CHECKING:
    from neuropose_ros.learning.pose_robustness.outcome import Scores
    from neuropose_ros.learning.pose_robustness.shots import Take
    from neuropose_ros.learning.pose_robustness.systems import System

DEFAULT_MODELS = ('blazepose@rtmdet-nano', 'blazepose')
_BEHIND = '@'
_REAL = 'real'
_CLIP_FRAMES, _CLIPS_PER_FRAME = 14, 1 / 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, default=os.environ.get('NEUROPOSE_DATA'),
                        help='folder with jhmdb/ and images/ (default: $NEUROPOSE_DATA)')
    parser.add_argument('--models', nargs='+', metavar='MODEL', default=DEFAULT_MODELS,
                        help='names of the list of models, MODEL@DETECTOR for one behind a '
                             'detector, or folders that `neuropose export` wrote (default: '
                             f'{" ".join(DEFAULT_MODELS)})')
    parser.add_argument('--frames', type=int, default=56, metavar='N',
                        help='single frames, and an eighth as many clips of '
                             f'{_CLIP_FRAMES} frames (default: %(default)s)')
    parser.add_argument('--harms', nargs='+', metavar='HARM', help='these alone')
    parser.add_argument('--strengths', nargs='+', type=int, choices=(1, 2, 3, 4, 5),
                        help='these alone')
    parser.add_argument('--part', choices=('test', 'held'), default='test',
                        help='of J-HMDB; held = what training holds back of its own part')
    parser.add_argument('--out', type=Path, default=Path('runs') / 'bench-robustness',
                        help='of curves and table (default: %(default)s)')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure, print, draw."""
    from neuropose_ros.learning.pose_robustness import outcome, running
    from neuropose_ros.learning.pose_robustness.conditions import HARMS, LOW_LIGHT, STRENGTHS

    unknown = [name for name in args.harms or () if name not in HARMS]
    if unknown:
        raise ParameterError(f'there is no harm {unknown[0]!r}; there are {", ".join(HARMS)}')
    takes = _takes(args)
    worlds = running.worlds(args.harms or HARMS, args.strengths or STRENGTHS)
    with ExitStack() as stack:
        systems, names = _systems(args, stack)
        other = {f'{name}{word}': (LOW_LIGHT,) for name in names
                 for word in (outcome.BRIGHTENED, outcome.NOT_BRIGHTENED)}
        with tqdm(total=len(worlds), desc='robustness', unit='condition') as bar:
            scores = running.measure(
                takes, systems, worlds, only=other, watch=lambda _: bar.update())
    args.out.mkdir(parents=True, exist_ok=True)
    report = _report(scores, names, args, takes)
    _show(scores, names, report, args.out)
    if args.json:
        print(json.dumps(report))
    return 0


def _takes(args: argparse.Namespace) -> list[Take]:
    from neuropose_ros.learning.pose_robustness import takes

    if not args.data:
        raise NeuroposeError('the bench needs labelled pictures: --data FOLDER or '
                             'NEUROPOSE_DATA=FOLDER, with jhmdb/ and images/')
    if args.frames < 8:
        raise ParameterError(f'--frames is {args.frames}; at least 8 are needed')
    clips = round(args.frames * _CLIPS_PER_FRAME)
    return [*takes.jhmdb_takes(args.data, args.part, args.frames, clips, _CLIP_FRAMES),
            *takes.picture_takes(args.data), *takes.rendered_takes(_CLIP_FRAMES)]


def _systems(args: argparse.Namespace, stack: ExitStack) -> tuple[list[System], list[str]]:
    """Return all systems, and the names of the models among them."""
    from neuropose_ros.cli.bench.reference import mediapipe_python
    from neuropose_ros.cli.bench.robustness_graph import Graph
    from neuropose_ros.cli.bench.robustness_mediapipe import MediaPipe
    from neuropose_ros.inference.carried import with_data
    from neuropose_ros.inference.registry import load_registry
    from neuropose_ros.learning.pose_robustness.outcome import BRIGHTENED, NOT_BRIGHTENED

    registry = with_data(load_registry(), args.data)
    names = []
    for model in args.models:
        folder, _, detector = model.partition(_BEHIND)
        if Path(folder).is_dir():
            exported = load_registry(Path(folder) / 'entry.yaml')
            registry |= exported
            names.append(next(iter(exported)) + (f'{_BEHIND}{detector}' if detector else ''))
        else:
            names.append(model)
    systems: list[System] = []
    for name in names:
        model, _, detector = name.partition(_BEHIND)
        graph = Graph(model, detector=detector, registry=registry, name=name)
        mode, word = (('always', BRIGHTENED) if graph.exposure is None
                      else ('never', NOT_BRIGHTENED))
        systems += [graph, Graph(model, detector=detector, registry=registry, exposure=mode,
                                 announce=_unsaid, name=f'{name}{word}')]
    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix='neuropose-bench-'))
    systems.append(MediaPipe(mediapipe_python(), Path(scratch)))
    for system in systems:
        stack.callback(system.close)
    return systems, names


def _unsaid(_: str) -> None:
    """Say nothing: the same networks were announced before."""


def _report(
    scores: Scores, names: Sequence[str], args: argparse.Namespace, takes: Sequence[Take],
) -> dict[str, Any]:
    from neuropose_ros.cli.bench.robustness_mediapipe import NAME
    from neuropose_ros.learning.pose_robustness import outcome
    from neuropose_ros.learning.pose_robustness.takes import RENDERED

    sources = list(dict.fromkeys(take.source for take in takes))
    real = [source for source in sources if source != RENDERED]
    figures: dict[str, Any] = outcome.summary(
        outcome.together(scores, real, _REAL), names[0], NAME, _REAL)
    return {key: _finite(value) for key, value in {
        'ours': names[0], 'part': args.part,
        'pictures': {source: sum(len(take.shots) for take in takes if take.source == source)
                     for source in sources},
        **figures, 'by_source': {
            source: outcome.summary(scores, names[0], NAME, source) for source in sources},
        'brightening': {
            name: outcome.brightening(scores, name) for name in names},
        'pck': outcome.table(scores)}.items()}


def _show(
    scores: Scores, names: Sequence[str], report: dict[str, Any], out: Path,
) -> None:
    from neuropose_ros.cli.bench.robustness_mediapipe import NAME
    from neuropose_ros.learning.pose_robustness import outcome
    from neuropose_ros.learning.pose_robustness.plots import curves
    from neuropose_ros.learning.pose_robustness.systems import NOT_REFINED
    from neuropose_ros.learning.pose_robustness.takes import MOVING, SOURCES

    text = []
    for source in report['pictures']:
        shown = [*names, NAME]
        if source in MOVING:
            shown += [f'{name}{NOT_REFINED}' for name in names]
        text.append(outcome.markdown(scores, source, shown, SOURCES[source]))
        (out / f'{source}.png').write_bytes(curves(scores, source, shown, SOURCES[source]))
    page = '\n\n'.join(text) + '\n'
    (out / 'robustness.md').write_text(page, 'utf-8')
    (out / 'robustness.json').write_text(json.dumps(report, indent=1) + '\n', 'utf-8')
    print(page)
    for name, gain in report['brightening'].items():
        if gain:
            print(f'{name} in low light: {gain["off"]:.3f} as it is, {gain["on"]:.3f} brightened')
    for harm in outcome.ASKED:
        key = f'{harm}_{outcome.ASKED_STRENGTH}'
        if f'{key}_ratio' in report:
            print(_compared(key, report, outcome.MOST_OF_LOSS))
            for source, figures in report['by_source'].items():
                print(f'  {source}: {_both(key, report["ours"], figures)}')
    print(f'curves and table are in {out}')


def _compared(key: str, report: Mapping[str, Any], most: float) -> str:
    """Say what a harm costs both with real people, and what is asked."""
    return f'{key}: {_both(key, report["ours"], report)} (target <= {most})'


def _both(key: str, ours: str, figures: Mapping[str, Any]) -> str:
    """Say what a harm costs both, and from where to where each falls."""
    both = (f'{who} loses {figures[f"{key}_loss_{side}"]:.3f} '
            f'({figures[f"clean_pck_{side}"]:.3f} to {figures[f"{key}_pck_{side}"]:.3f})'
            for who, side in ((ours, 'ours'), ('mediapipe', 'mediapipe')))
    ratio = figures[f'{key}_ratio']
    return f'{", ".join(both)}; ratio ' + ('unknown' if ratio is None else f'{ratio:.2f}')


def _finite(value: Any) -> Any:
    """Return the report with null for what JSON cannot say."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
