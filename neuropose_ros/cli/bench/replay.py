"""Whether replay gives the same results every time, how fast it is, and what a recorder can lose.

One clip, and one session with its images that was recorded of a live run on that clip (every
frame), are replayed twice by one worker and once by two: all results must have one sha256, and
those of the session must be those of the live run. The speed of replay is that of the command's
recordings without loading the networks, beside a loop over the same file that only estimates, in
fresh processes that take turns. Two workers against one: one thread each, several copies.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from neuropose_ros.cli.bench.replay_live import record_live
from neuropose_ros.core.errors import NeuroposeError
from neuropose_ros.core.pose import Image
from neuropose_ros.replay.manifest import Manifest, read_manifest

_RATE_HZ = 30.0
_SYNTHETIC = 'synthetic:walk?width=640&height=480'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', default='', metavar='DIR',
                        help='folder with clips/*.mp4; default: a synthetic subject')
    parser.add_argument('--frames', type=int, default=1500, help='of the clip that is timed')
    parser.add_argument('--live-frames', type=int, default=240, help='of the live run')
    parser.add_argument('--rounds', type=int, default=3, help='turns of loop and replay')
    parser.add_argument('--files', type=int, default=6, help='recordings for two workers')
    parser.add_argument('--kills', type=int, default=10, help='of a recorder')
    parser.add_argument('--seconds', type=float, default=60.0, help='of sustained recording')
    parser.add_argument('--no-recorder', action='store_true', help='leave the recorder out')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')
    parser.add_argument('--bare-worker', metavar='FILE', help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    if args.bare_worker:
        print(json.dumps({'fps': _bare(args.bare_worker)}))
        return 0
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix='neuropose-replay-') as name:
        folder = Path(name)
        source = _largest_clip(args.data) if args.data else _SYNTHETIC
        report |= _identical(source, args, folder)
        report |= _speed(source, args, folder)
        report |= _two_workers(source, args, folder)
    if not args.no_recorder:
        from neuropose_ros.cli.bench.recording import measure

        report |= measure(args.kills, args.seconds)
    if args.json:
        print(json.dumps(report))
    return 0


def _largest_clip(data: str) -> str:
    clips = sorted((Path(data).expanduser() / 'clips').glob('*.mp4'))
    if not clips:
        raise NeuroposeError(f'--data {data}: there is no clips/*.mp4 in it')
    return str(max(clips, key=lambda clip: clip.stat().st_size))


# -- identical ------------------------------------------------------------------------------------


def _identical(source: str, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    clip = _make_clip(source, args.live_frames, folder / 'clip.mp4')
    session = record_live(clip, folder / 'live')
    runs = [_replay([clip, session], folder / f'run{i}', '--workers', str(workers))
            for i, workers in enumerate((1, 1, 2))]
    lived = _replay([session], folder / 'lived', '--mode', 'as-lived')
    same = all(run[name].sha256 == runs[0][name].sha256 for run in runs for name in run)
    found = [*(run['live'] for run in runs), lived['live']]
    as_live = all(manifest.same_as_live.get(stream, False)
                  for manifest in found for stream in ('poses', 'poses_refined'))
    as_live = as_live and all(all(manifest.same_as_live.values()) for manifest in found)
    for manifest in (runs[0]['clip'], *found):
        print(f'{manifest.name}, {manifest.request.mode}: {manifest.frames} frames, '
              f'{manifest.sha256}, same as live: {manifest.same_as_live or "-"}')
    print(f'three runs, 1 and 2 workers: {"the same" if same else "DIFFERENT"}; of the live run: '
          f'{"the same" if as_live else "DIFFERENT"}')
    return {'identical': same and as_live, 'live_frames': found[0].frames}


# -- speed ----------------------------------------------------------------------------------------


def _speed(source: str, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    clip = _make_clip(source, args.frames, folder / 'long.mp4')
    pairs = []
    for i in range(args.rounds):
        worker = ['bench', 'replay', '--bare-worker', str(clip)]
        bare = float(json.loads(_neuropose(worker).strip().splitlines()[-1])['fps'])
        replayed = _replay([clip], folder / f'speed{i}')['long'].timing['frames_per_s']
        print(f'bare loop {bare:.1f} frames/s, replay {replayed:.1f}: {replayed / bare:.3f}')
        pairs.append((bare, replayed))
    return {'replay_ratio': round(statistics.median(b / a for a, b in pairs), 4),
            'bare_fps': round(statistics.median(a for a, _ in pairs), 2),
            'replay_fps': round(statistics.median(b for _, b in pairs), 2)}


def _bare(file: str) -> float:
    """Run the estimator alone over a file, in a process of its own; return frames per second."""
    from neuropose_ros.core.pose import Frame
    from neuropose_ros.pose.create import create_estimator
    from neuropose_ros.replay.pictures import PicturesInput
    from neuropose_ros.replay.settings import Settings

    chosen = Settings().pose
    estimator = create_estimator(
        chosen.model, runtime=chosen.runtime, threads=chosen.threads)
    source = PicturesInput(file)
    begin, frames = time.perf_counter(), 0
    for frame in source.items():
        assert isinstance(frame, Frame)
        estimator.estimate(frame)
        frames += 1
    return frames / (time.perf_counter() - begin)


def _two_workers(source: str, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    clip = _make_clip(source, max(60, args.frames // 3), folder / 'short.mp4')
    copies = [folder / f'copy{i}.mp4' for i in range(args.files)]
    for copy in copies:
        shutil.copy(clip, copy)
    rates = {}
    for name, options in (('one', ('--one-thread',)), ('one, threads beside it', ()),
                          ('two', ('--workers', '2', '--one-thread'))):
        found = _replay(copies, folder / f'workers {name}', *options)
        begins = [manifest.timing['began_s'] for manifest in found.values()]
        ends = [manifest.timing['began_s'] + manifest.timing['elapsed_s']
                for manifest in found.values()]
        frames = sum(manifest.frames for manifest in found.values())
        rates[name] = frames / (max(ends) - min(begins))
        print(f'workers: {name}: {rates[name]:.1f} frames/s')
    return {'two_workers_ratio': round(rates['two'] / rates['one'], 4),
            'two_workers_fps': round(rates['two'], 2),
            'one_worker_fps': round(rates['one'], 2),
            'one_worker_with_threads_fps': round(rates['one, threads beside it'], 2)}


# -- what they share ------------------------------------------------------------------------------


def _make_clip(source: str, frames: int, path: Path) -> Path:
    """Write a clip of so many frames, the source from its beginning again where it is shorter."""
    from neuropose_ros.cli.demo.video import write_video
    from neuropose_ros.sources.open import open_source

    def pictures() -> Iterator[tuple[int, Image]]:
        opened = open_source(source)
        try:
            for index in range(frames):
                picture = opened.read()
                if picture is None:
                    opened.rewind()
                    picture = opened.read()
                if picture is None:
                    raise NeuroposeError(f'{source}: holds no frames')
                yield round(index * 1e9 / _RATE_HZ), picture.image
        finally:
            opened.close()

    write_video(path, pictures(), _RATE_HZ)
    return path


def _replay(inputs: Sequence[Path], out: Path, *options: str) -> dict[str, Manifest]:
    """Run the command; return the manifests by name."""
    _neuropose(['replay', *map(str, inputs), '--out', str(out), *options])
    found = {folder.name: read_manifest(folder) for folder in out.iterdir() if folder.is_dir()}
    return {name: manifest for name, manifest in found.items() if manifest is not None}


def _neuropose(arguments: Sequence[str]) -> str:
    command = [sys.executable, '-m', 'neuropose_ros.cli.main', *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NeuroposeError(f'{" ".join(arguments[:2])} failed: {done.stderr.strip()[-800:]}')
    return done.stdout
