"""Run recordings through the stages again, offline: the same input gives the same output.

INPUT is a bag (MCAP or SQLite, a folder or a file, also one that was cut off), a session, a video
file, a folder of pictures, or synthetic[:SCENE]. For each one DIR gets a folder with a session and
manifest.json: hashes of the input, models, parameters and results. Run again, finished recordings
are left as they are and the others go on. Exit code 0: all done, 1: some failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from neuropose_ros.cli.up import add_model_arguments
from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.inference.threads import available_processors
from neuropose_ros.recording.folder import is_session
from neuropose_ros.replay.bag_topics import IMAGES
from neuropose_ros.replay.manifest import MODES
from neuropose_ros.replay.many import (
    Crew,
    cluster_crew,
    local_crew,
    make_orders,
    replay_many,
    write_summary,
)
from neuropose_ros.replay.open import Choice
from neuropose_ros.replay.settings import REFINE, Settings, read_assignment, read_parameters
from neuropose_ros.replay.worker import Outcome, Task


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('inputs', nargs='+', metavar='INPUT', help='recordings; see above')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of the results')
    parser.add_argument(
        '--mode', choices=MODES, default=MODES[0],
        help='ideal: every frame (default); as-lived: the frames, feedback and scenes that the '
        'recorded live run used')
    add_model_arguments(parser)
    parser.add_argument(
        '--params', action='append', default=[], metavar='FILE',
        help='ROS 2 parameter file of the live nodes, or a session that recorded them; may be '
        'repeated')
    parser.add_argument(
        '--set', action='append', default=[], metavar='NODE.NAME=VALUE', dest='assignments',
        help='one parameter, as refinement.max_bridge_s=1.0; may be repeated')
    parser.add_argument(
        '--images', choices=IMAGES, default='auto',
        help='which recorded images to look at; auto: raw, else compressed, else none; none: '
        'refine the recorded poses')
    parser.add_argument(
        '--refine', choices=REFINE,
        help='causal: as live (default); offline: each frame by all of the recording, before and '
        'after it')
    parser.add_argument(
        '--no-corrections', action='store_true',
        help='leave out what people said of the recording (neuropose correct)')
    parser.add_argument('--namespace', help='of the flow in a bag; default: the only one')
    parser.add_argument('--topic', default='', help='of the images in a bag, if not image_raw')
    parser.add_argument(
        '--workers', type=int, default=1, metavar='N',
        help='recordings worked on at once on this machine, one process and thread each')
    parser.add_argument(
        '--one-thread', action='store_true',
        help='each worker reads, looks and writes in one thread; default: only where there are '
        'too few processors. The results are the same')
    parser.add_argument(
        '--scheduler', default='', metavar='ADDRESS',
        help='of a Dask cluster (tcp://host:8786) to work there instead; it must see the same '
        'files under the same names')
    parser.add_argument(
        '--retries', type=int, default=1, metavar='N', help='for recordings that fail')
    parser.add_argument(
        '--overwrite', action='store_true',
        help='replace results that were made with other parameters')


def run(args: argparse.Namespace) -> int:
    """Replay."""
    settings = _settings(args)
    if settings.refiner.refine == 'offline' and args.mode == 'as-lived':
        raise ParameterError('--refine offline reads the whole recording at once, which no live '
                             'run did: take --mode ideal with it')
    out = Path(args.out).expanduser().absolute()
    choice = Choice(args.images, args.namespace, args.topic)
    orders = make_orders(args.inputs, args.mode, choice, not args.no_corrections)
    _check_outside(out, [order.spec for order in orders])
    _make_folder(out)
    # Threads beside the networks pay only where they have processors of their own.
    overlap = not (args.one_thread or args.scheduler) and (
        available_processors() >= 2 * args.workers)
    task = Task(settings, out, args.overwrite, overlap)
    outcomes: list[Outcome] = []
    bar = _Bar(len(orders))
    with _crew(args, bar) as crew, bar.shown():
        for outcome in replay_many(orders, task, crew, retries=max(0, args.retries)):
            outcomes.append(outcome)
            bar.tell(outcome)
    write_summary(outcomes, out)
    failed = [outcome for outcome in outcomes if outcome.manifest is None]
    if len(orders) == 1 and failed:
        raise NeuroposeError(failed[0].error)
    for outcome in failed:
        print(f'failed: {outcome.error}', file=sys.stderr)
    if failed:
        print(f'{len(failed)} of {len(orders)} recordings failed; the same command tries them '
              'again', file=sys.stderr)
    return 1 if failed else 0


def _settings(args: argparse.Namespace) -> Settings:
    settings = Settings()
    for file in args.params:
        settings = settings.changed(read_parameters(Path(file)))
    for assignment in args.assignments:
        settings = settings.changed(read_assignment(assignment))
    given = {'model': args.model, 'detector': args.detector}
    return settings.changed({
        'pose': {name: value for name, value in given.items() if value},
        'refinement': {'refine': args.refine} if args.refine else {},
        'action': {'recogniser': args.recogniser} if args.recogniser else {}})


def _check_outside(out: Path, specs: list[str]) -> None:
    """Results in a recording would change it, and with it the hash of the input."""
    above = (out.resolve(), *out.resolve().parents)
    inside = next((folder for folder in above if is_session(folder)), None) or next(
        (spec for spec in specs if Path(spec).is_dir() and Path(spec).resolve() in above), None)
    if inside is not None:
        raise NeuroposeError(f'--out {out}: this is in the recording {inside}; choose a folder '
                             'elsewhere')


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / '.writable'
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise NeuroposeError(f'--out {out}: cannot be written ({error.strerror})') from error


def _crew(args: argparse.Namespace, bar: _Bar) -> AbstractContextManager[Crew]:
    if not args.scheduler:
        return local_crew(args.workers, bar.frames)
    if args.workers != 1:
        raise ParameterError('--workers are processes on this machine; a scheduler has its own')
    return cluster_crew(args.scheduler)


class _Bar:
    """Progress for people: a bar where somebody looks, and a line for each recording."""

    def __init__(self, count: int) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=count, unit='recording', file=sys.stderr, disable=None, leave=False)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Take the bar away at the end."""
        try:
            yield
        finally:
            self._bar.close()

    def frames(self, count: int) -> None:
        """Show how many frames of the present recording are done."""
        self._bar.set_postfix_str(f'{count} frames')

    def tell(self, outcome: Outcome) -> None:
        """Write the line of a recording."""
        self._bar.update()
        manifest = outcome.manifest
        if manifest is None:
            return
        remarks = [f'{name}: {value}' for name, value in manifest.findings.items()]
        if manifest.skipped:
            remarks.append(f'{manifest.skipped} frames skipped as lived')
        if manifest.corrected:
            remarks.append(f'{manifest.corrected} frames corrected')
        if manifest.same_as_live:
            differing = [name for name, same in manifest.same_as_live.items() if not same]
            remarks.append(f'differs from the live run in {", ".join(differing)}' if differing
                           else 'same as the live run')
        rate = 'done before' if outcome.done_before else (
            f'{manifest.timing["frames_per_s"]:.1f} frames/s')
        line = f'{outcome.order.name}: {manifest.frames} frames, {rate}, {manifest.sha256}'
        with self._bar.external_write_mode():
            print('; '.join((line, *remarks)), flush=True)
