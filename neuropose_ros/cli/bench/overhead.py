"""What the graph costs: the bare estimator against one process and against three.

The same pre-decoded frames, the same network threads, an unthrottled camera that waits for its
consumer, every frame; the three modes take turns, each in fresh processes, and the ratios are
those of neighbouring runs. Frames per second are counted where results arrive: in the loop
itself, or at a subscriber of poses_refined outside the graph.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from neuropose_ros.core.errors import NeuroposeError

MODES = ('bare', 'composed', 'processes')
_WARM_UP = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--rounds', type=int, default=5, help='turns of the three modes')
    parser.add_argument('--frames', type=int, default=240, help='frames of one run')
    parser.add_argument('--threads', type=int, default=1, help='network threads in all modes')
    parser.add_argument('--source', default='synthetic:walk',
                        help='where the frames come from, once, beforehand')
    parser.add_argument('--size', default='640x480', help='size to scale the frames to')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')
    parser.add_argument('--bare-worker', metavar='NPY', help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    if args.bare_worker:
        print(json.dumps(_bare(Path(args.bare_worker), args.threads)))
        return 0
    with tempfile.TemporaryDirectory(prefix='neuropose-overhead-') as folder:
        path = Path(folder) / 'frames.npy'
        _prepare(args, path)
        rounds = [_round(path, args) for _ in tqdm(range(args.rounds), desc='rounds', unit='')]
        stages = _stages(path, args)
    report = _report(rounds, stages)
    _show(report, rounds, args)
    if args.json:
        print(json.dumps(report))
    return 0


def _prepare(args: argparse.Namespace, path: Path) -> None:
    """Decode and scale the frames into a .npy file."""
    from neuropose_ros.sources.open import open_source
    from neuropose_ros.sources.resizing import resize_image

    width, _, height = args.size.partition('x')
    if not (width.isdecimal() and height.isdecimal()):
        raise NeuroposeError(f'--size is {args.size!r}; write WIDTHxHEIGHT, as 640x480')
    opened = open_source(args.source)
    frames: list[Any] = []
    try:
        while len(frames) < args.frames:
            picture = opened.read()
            if picture is None:
                if not frames:
                    raise NeuroposeError(f'{args.source}: holds no frames')
                opened.rewind()
                continue
            frames.append(resize_image(picture.image, (int(width), int(height))))
    finally:
        opened.close()
    np.save(path, np.stack(frames))


def _bare(path: Path, threads: int) -> dict[str, Any]:
    """Run the estimator alone over the frames; in a process of its own."""
    from neuropose_ros.core.pose import Frame
    from neuropose_ros.pose.create import create_estimator

    images = np.load(path)
    estimator = create_estimator('blazepose', threads=threads, smoothing=True)
    start = 0.0
    for index, image in enumerate(images):
        if index == _WARM_UP:
            start = time.perf_counter()
        stamp_ns = 1_000_000_000 + round(index * 1e9 / 30)
        estimator.estimate(Frame(image=image, stamp_ns=stamp_ns, frame_seq=index))
    return {'fps': (len(images) - _WARM_UP) / (time.perf_counter() - start)}


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    environment.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    environment['ROS_DOMAIN_ID'] = str(60 + os.getpid() % 40)
    return environment


def _commands(mode: str, path: Path, threads: int) -> list[list[str]]:
    # All frames pass in a second or two: whoever is not found by then would get none of them.
    camera = ['-p', 'camera:policy:=every_frame', '-p', 'camera:paced:=false',
              '-p', 'camera:settle_s:=2.0']
    pose = ['-p', f'pose:threads:={threads}']
    python = [sys.executable, '-m', 'neuropose_ros.nodes']
    if mode == 'composed':
        return [[*python, 'composed', '--source', str(path),
                 '--ros-args', *camera, *pose]]
    return [
        [*python, 'refinement'],
        [*python, 'pose', '--ros-args', *pose],
        [*python, 'camera', '--source', str(path), '--ros-args', *camera],
    ]


def _round(path: Path, args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    from neuropose_ros.cli.bench.graph_run import measure_graph

    worker = [sys.executable, '-m', 'neuropose_ros.cli.main', 'bench', 'overhead',
              '--threads', str(args.threads), '--bare-worker', str(path)]
    environment = _environment()
    done = subprocess.run(worker, env=environment, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NeuroposeError(f'the bare loop failed: {done.stderr.strip()[-400:]}')
    results = {'bare': json.loads(done.stdout.strip().splitlines()[-1])}
    for mode in MODES[1:]:
        results[mode] = measure_graph(
            _commands(mode, path, args.threads), environment, frames=args.frames,
            warm_up=_WARM_UP)
    return results


def _stages(path: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Stage latencies, from runs of their own: listening to poses as well costs frames."""
    from neuropose_ros.cli.bench.graph_run import measure_graph

    return {
        mode: measure_graph(
            _commands(mode, path, args.threads), _environment(), frames=args.frames,
            warm_up=_WARM_UP, listen_to_poses=True)['stages']
        for mode in MODES[1:]
    }


def _report(
    rounds: list[dict[str, dict[str, Any]]], stages: dict[str, Any],
) -> dict[str, Any]:
    def median(values: list[float]) -> float:
        return round(statistics.median(values), 4)

    return {
        'bare_fps': median([r['bare']['fps'] for r in rounds]),
        'composed_ratio': median([r['composed']['fps'] / r['bare']['fps'] for r in rounds]),
        'processes_ratio': median([r['processes']['fps'] / r['bare']['fps'] for r in rounds]),
        'stages': stages,
        'lost': {mode: sum(r[mode]['lost'] for r in rounds) for mode in MODES[1:]},
    }


def _show(
    report: dict[str, Any], rounds: list[dict[str, dict[str, Any]]], args: argparse.Namespace,
) -> None:
    print(f'{args.frames} frames {args.size}, {args.threads} network thread(s), '
          f'{len(rounds)} rounds')
    print(f'{"mode":12}{"fps (median)":>14}{"of bare":>10}{"lost":>6}')
    for mode in MODES:
        fps = statistics.median(r[mode]['fps'] for r in rounds)
        ratio = 1.0 if mode == 'bare' else report[f'{mode}_ratio']
        print(f'{mode:12}{fps:14.1f}{ratio:10.3f}{report["lost"].get(mode, 0):6d}')
    for mode, stages in report['stages'].items():
        for stage, times in stages.items():
            print(f'  {mode} {stage}: p50 {times["p50"]:.2f} ms, p99 {times["p99"]:.2f} ms')
