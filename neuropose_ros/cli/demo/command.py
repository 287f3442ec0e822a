"""The demo's command line and the order of its steps."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from neuropose_ros.cli.demo.graph import own_domain, running_graph
from neuropose_ros.cli.up import add_model_arguments, model_arguments
from neuropose_ros.core.errors import NeuroposeError

if TYPE_CHECKING:
    from neuropose_ros.cli.demo.listening import Listener
    from neuropose_ros.cli.demo.recording import Recording
    from neuropose_ros.cli.demo.spool import ImageSpool
    from neuropose_ros.cli.demo.window import Window

# The first start fetches the models, however slow the network; a graph that has loaded
# everything delivers, or has nothing to deliver.
_START_S = 900.0
_FIRST_FRAME_S = 20.0
_SAY_EVERY_S = 10.0
_QUIET_S = 3.0
_GRACE_S = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        '--source', default='',
        help='what to look at (see `neuropose up --help`); default: the fixed scenes of the '
             'synthetic walker')
    add_model_arguments(parser)
    parser.add_argument(
        '--seconds', type=_positive, default=20.0,
        help='how long to record after the first frame; default: %(default)g')
    parser.add_argument(
        '--out', type=Path, default=Path('neuropose_demo'),
        help='folder for the files; default: %(default)s')
    parser.add_argument('--headless', action='store_true', help='show no window')
    parser.add_argument(
        '--json', action='store_true', help='print the figures as one object on the last line')


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError('must be a number of seconds above 0')
    return value


def run(args: argparse.Namespace) -> int:
    """Run the graph, record it, and report.

    Raises:
        NeuroposeError: the folder cannot be written, the graph does not start, or nothing
            arrives.
    """
    folder = _writable(args.out)
    # Without a choice of source, the fixed scenes share the time among them.
    source = args.source or f'synthetic:demo?seconds={args.seconds:g}'
    with contextlib.ExitStack() as stack:
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, _terminate))
        with own_domain(), running_graph(source, *model_arguments(args)) as graph:
            # Imported while the graph is loading.
            from neuropose_ros.cli.demo.listening import Listener
            from neuropose_ros.cli.demo.recording import Recording
            from neuropose_ros.cli.demo.spool import ImageSpool

            recording = Recording(
                args.seconds, source, from_start=not source.startswith('topic:'))
            spool = stack.enter_context(contextlib.closing(ImageSpool(folder)))
            with Listener(recording, spool, source) as listener:
                first_frame_s = _wait(graph, listener)
                _say(f'first frame after {first_frame_s:.1f} s')
                with _window(recording, headless=args.headless) as window:
                    notes = _record(graph, recording, listener, window)
        spool.finish()
        _say('writing the files')
        files = _write(recording, spool, folder)
    notes += _image_notes(listener, spool)
    _print(recording, first_frame_s, files, notes, as_json=args.json)
    return 0


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise NeuroposeError(
            f'cannot write to {folder} ({error.strerror}): name another folder with --out'
        ) from None
    return folder.resolve()


def _terminate(number: int, _frame: FrameType | None) -> None:
    """Leave through all clean-ups, so that no graph is left behind."""
    raise SystemExit(128 + number)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _window(recording: Recording, *, headless: bool) -> Iterator[Window | None]:
    from neuropose_ros.cli.demo.window import Window, obstacle

    reason = 'as asked' if headless else obstacle()
    if reason:
        if not headless:
            _say(f'no window: {reason}; the video shows the same')
        yield None
        return
    window = Window(recording)
    try:
        yield window
    finally:
        window.close()


def _since_start_s() -> float:
    """Return the time since this process was made, before Python and its imports."""
    fields = Path('/proc/self/stat').read_text('ascii').rpartition(')')[2].split()
    start_s = int(fields[19]) / os.sysconf('SC_CLK_TCK')  # field 22, proc(5)
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_s


def _wait(graph: subprocess.Popen[bytes], listener: Listener) -> float:
    """Wait for the first frame; return s since the start of the command.

    Raises:
        NeuroposeError: the graph ends, or none comes.
    """
    begin_s = said_s = time.monotonic()
    while listener.first_s is None:
        listener.spin_once(0.05)
        _check(graph)
        now_s = time.monotonic()
        if now_s - begin_s > _START_S or now_s - (listener.ready_s or now_s) > _FIRST_FRAME_S:
            raise NeuroposeError(f'no frame came in {now_s - begin_s:.0f} s: '
                                 f'{listener.complaint or "the graph complains of nothing"}')
        if now_s - said_s > _SAY_EVERY_S:
            said_s = now_s
            _say(f'waiting for the first frame: {now_s - begin_s:.0f} s '
                 f'{listener.complaint and f"({listener.complaint})"}')
    return _since_start_s() - (time.monotonic() - listener.first_s)


def _check(graph: subprocess.Popen[bytes]) -> None:
    code = graph.poll()
    if code is not None:
        raise NeuroposeError(
            f'the graph ended before the first frame (exit code {code}); its reason stands above')


def _record(
    graph: subprocess.Popen[bytes], recording: Recording, listener: Listener,
    window: Window | None,
) -> list[str]:
    """Take frames until the run is over and answered; return what was unusual about it."""
    notes: list[str] = []
    try:
        notes += _follow(graph, recording, listener, window)
    except KeyboardInterrupt:
        recording.end()
        notes.append(f'interrupted after {recording.elapsed_s:.1f} s')
    # The last frames are still on their way through the graph.
    end_s = time.monotonic() + _GRACE_S
    while not recording.complete and time.monotonic() < end_s and graph.poll() is None:
        listener.spin_once(0.05)
    return notes


def _follow(
    graph: subprocess.Popen[bytes], recording: Recording, listener: Listener,
    window: Window | None,
) -> list[str]:
    """Take frames until the run is over."""
    from tqdm import tqdm

    end_s = time.monotonic() + recording.seconds + _GRACE_S
    with tqdm(total=recording.seconds, leave=False, disable=None, mininterval=0.5,
              bar_format='recording {bar} {n:.0f}/{total:.0f} s{postfix}') as progress:
        while not recording.over and time.monotonic() < end_s:
            listener.spin_once(0.05)
            progress.n = min(recording.elapsed_s, recording.seconds)
            progress.set_postfix_str(f' {len(recording.refined)} answers', refresh=False)
            progress.update(0)
            if window is not None and not window.show(listener.recent):
                recording.end()
                return [f'ended by the user after {recording.elapsed_s:.1f} s']
            if graph.poll() is not None:
                return [f'the graph ended early (exit code {graph.returncode})']
            if time.monotonic() - listener.last_s > _QUIET_S:
                return [f'nothing more came after {recording.elapsed_s:.1f} s']
    recording.over = True
    return []


def _write(recording: Recording, spool: ImageSpool, folder: Path) -> dict[str, Path]:
    """Write video, plot and CSV; return those that could be made.

    Raises:
        NeuroposeError: the disk is full or the like.
    """
    from tqdm import tqdm

    from neuropose_ros.cli.demo import files, video

    paths = {'video': folder / 'annotated.mp4', 'plot': folder / 'keypoints.png',
             'csv': folder / 'keypoints.csv'}
    try:
        files.write_csv(paths['csv'], recording)
        files.write_plot(paths['plot'], recording)
        images = tqdm(spool.images(), total=len(spool), desc='drawing', unit='frame',
                      leave=False, disable=None, mininterval=0.5)
        if not video.write_video(
                paths['video'], video.annotated(images, recording), recording.rate_hz):
            del paths['video']
    except OSError as error:
        raise NeuroposeError(f'cannot write to {folder}: {error.strerror}') from None
    return paths


def _image_notes(listener: Listener, spool: ImageSpool) -> list[str]:
    notes = []
    if listener.images == 0:
        notes.append('no image arrived: there is no video')
    if spool.refused:
        notes.append(f'{spool.refused} of {listener.images} images are not in the video: '
                     'this machine could not encode them in time')
    if listener.bad_images:
        notes.append(f'{listener.bad_images} images could not be read')
    return notes


def _true_cadences(source: str) -> dict[str, float]:
    """Return steps per minute by scene, where the source knows them."""
    from neuropose_ros.sources.synthetic.scenes import parse

    if not source.startswith('synthetic'):
        return {}
    return {scene.name: scene.cadence_steps_per_min for scene in parse(source)
            if scene.cadence_steps_per_min is not None}


def _print(
    recording: Recording, first_frame_s: float, files: dict[str, Path], notes: list[str], *,
    as_json: bool,
) -> None:
    from neuropose_ros.cli.demo.scoring import score
    from neuropose_ros.cli.demo.summary import table, to_json

    figures = score(recording, _true_cadences(recording.source))
    print(table(figures, files, [f'first frame after {first_frame_s:.1f} s', *notes]))
    if as_json:
        print(json.dumps(to_json(figures, first_frame_s, files)))
