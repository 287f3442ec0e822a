"""Keypoints and speed beside MediaPipe 0.10.21's own pose solution.

MediaPipe runs as published (model_complexity 1, segmentation off) in an environment of its own.
Both get the same pictures, decoded beforehand. Pictures: each for itself, no tracking. Videos:
tracking and smoothing on both sides, 30 pictures per second of their time. Distances are means
over the 33 keypoints in % of the diagonal of the box around MediaPipe's keypoints, over the
frames where both find a person; the others are counted. Times, of neighbouring runs in turns,
are from the decoded picture to arrays of keypoints, visibilities and metres.

How far a video's keypoints can agree is set by the video: the region of one frame follows from
the frame before. MediaPipe is therefore also compared with itself, one value in 10,000 of its
input changed by one grey level ("itself").
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from neuropose_ros.core.errors import NeuroposeError

_VIDEO_RATE_HZ = 30.0
_LEAST_FRAMES = 60
_LARGEST_CLIP_BYTES = 600 << 20
_KNOWN = ('clips/*.mp4', 'images/coco/*.jpg', 'images/mpii/*.jpg')


@dataclass
class Item:
    """A clip, or all pictures together.

    Attributes:
        pictures: .npy files, (N, H, W, 3) BGR each.
        rate_hz: None = pictures that have nothing to do with each other.
        pairs: one per run: frames per second and CPU ms per frame, ours and theirs.
    """

    name: str
    pictures: list[str]
    rate_hz: float | None
    pairs: list[dict[str, float]] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, default=os.environ.get('NEUROPOSE_DATA'),
                        help='folder with clips/ and images/ (default: $NEUROPOSE_DATA)')
    parser.add_argument('--runs', type=int, default=7, help='timed runs of each side')
    parser.add_argument('--threads', type=int, default=0,
                        help='our network threads; 0 = the default of the package')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    from neuropose_ros.cli.bench.reference import mediapipe_python

    sources = find(args.data)
    python = mediapipe_python()
    with tempfile.TemporaryDirectory(prefix='neuropose-bench-') as name:
        folder = Path(name)
        items = _decode(sources, folder)
        with Worker(Path(sys.executable), 'neuropose', args.threads) as ours, \
                Worker(python, 'mediapipe', 0) as theirs:
            for item in tqdm(items, desc='keypoints', unit='clip'):
                _compare(item, ours, theirs, folder)
            for index in tqdm(range(args.runs), desc='timed runs', unit='run'):
                for item in items:
                    _time(item, ours, theirs, ours_first=index % 2 == 0)
            results = report(items, ours, theirs)
    _show(items, results)
    if args.json:
        print(json.dumps(results))
    return 0


class Worker:
    """A process that runs one estimator on request."""

    def __init__(self, python: Path, engine: str, threads: int) -> None:
        """Start it.

        Raises:
            NeuroposeError: it does not come up.
        """
        script = Path(__file__).with_name('pose_worker.py')
        environment = dict(os.environ)
        if engine != 'neuropose':
            # Packages of this environment must not get into the other one.
            environment.pop('PYTHONPATH', None)
        else:
            roots = [str(Path(__file__).parents[3]), environment.get('PYTHONPATH', '')]
            environment['PYTHONPATH'] = os.pathsep.join(filter(None, roots))
        self.engine = engine
        self._log = tempfile.TemporaryFile('w+')  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [str(python), str(script), engine, str(threads)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self._log, text=True, env=environment)
        self.network_threads = int(self._reply()['network_threads'])
        self.process_threads = 0

    def __enter__(self) -> Worker:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def ask(self, item: Item, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the reply."""
        assert self._process.stdin is not None
        request |= {'pictures': item.pictures, 'rate_hz': item.rate_hz}
        with contextlib.suppress(BrokenPipeError):  # then the missing reply says why
            self._process.stdin.write(json.dumps(request) + '\n')
            self._process.stdin.flush()
        reply = self._reply()
        self.process_threads = max(self.process_threads, reply['process_threads'])
        return reply

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            lines = [text for text in self._log.read().splitlines() if text.strip()]
            raise NeuroposeError(f'the {self.engine} process ended: {(lines or ["silently"])[-1]}')
        reply: dict[str, Any] = json.loads(line)
        return reply


def find(data: Path | str | None) -> list[Path]:
    """Return the clips and pictures of the data folder.

    Raises:
        NeuroposeError: there is no folder or nothing in it.
    """
    if not data:
        raise NeuroposeError(
            'bench pose needs clips and pictures of real people (a rendered one would flatter '
            'both sides): --data FOLDER or NEUROPOSE_DATA=FOLDER, with ' + ', '.join(_KNOWN))
    found = [path for pattern in _KNOWN for path in sorted(Path(data).glob(pattern))]
    if not found:
        raise NeuroposeError(f'{data} has none of {", ".join(_KNOWN)}')
    return found


def _decode(sources: list[Path], folder: Path) -> list[Item]:
    from neuropose_ros.sources.open import open_source

    stills = Item('pictures', [], None)
    items = []
    for index, path in enumerate(tqdm(sources, desc='decoding', unit='file')):
        source = open_source(str(path))
        frames: list[NDArray[np.uint8]] = []
        while (picture := source.read()) is not None:
            frames.append(picture.image)
            if len(frames) * picture.image.nbytes >= _LARGEST_CLIP_BYTES:
                break
        source.close()
        target = folder / f'{index}.npy'
        np.save(target, np.stack(frames))
        if path.suffix == '.mp4':
            items.append(Item(path.stem, [str(target)], _VIDEO_RATE_HZ))
        else:
            stills.pictures.append(str(target))
    return items + ([stills] if stills.pictures else [])


def _compare(item: Item, ours: Worker, theirs: Worker, folder: Path) -> None:
    def keypoints(worker: Worker, **options: Any) -> NDArray[np.float64]:
        path = folder / 'result.npy'
        worker.ask(item, result=str(path), **options)
        loaded: NDArray[np.float64] = np.load(path)
        return loaded

    reference = keypoints(theirs)
    found = keypoints(ours)
    item.report = agreement(found, reference)
    if item.rate_hz is not None:
        itself = agreement(keypoints(theirs, disturb=True), reference)
        item.report['itself_median_distance_pct'] = itself['median_distance_pct']


def agreement(found: NDArray[np.float64], reference: NDArray[np.float64]) -> dict[str, Any]:
    """Return how far two (N, 33, 2) px results are apart; NaN where nobody was found."""
    a, b = np.isfinite(found[:, 0, 0]), np.isfinite(reference[:, 0, 0])
    both = a & b
    boxes = reference[both]
    diagonals = np.linalg.norm(boxes.max(1) - boxes.min(1), axis=-1)
    distances = np.linalg.norm(found[both] - boxes, axis=-1).mean(-1) / diagonals * 100
    return {
        'frames': len(a),
        'both': int(both.sum()),
        'only_ours': int((a & ~b).sum()),
        'only_theirs': int((b & ~a).sum()),
        'mean_distance_pct': float(distances.mean()) if distances.size else None,
        'median_distance_pct': float(np.median(distances)) if distances.size else None,
    }


def _time(item: Item, ours: Worker, theirs: Worker, *, ours_first: bool) -> None:
    replies = {}
    for worker in (ours, theirs) if ours_first else (theirs, ours):
        replies[worker.engine] = worker.ask(item, least=_LEAST_FRAMES)
    pair = {}
    for worker, side in ((ours, 'ours'), (theirs, 'theirs')):
        reply = replies[worker.engine]
        pair[f'{side}_fps'] = reply['frames'] / reply['wall_s']
        pair[f'{side}_cpu_ms'] = reply['cpu_s'] / reply['frames'] * 1e3
    item.pairs.append(pair)


def report(items: list[Item], ours: Worker, theirs: Worker) -> dict[str, Any]:
    """Return all figures: ratios are medians over the pairs of neighbouring runs."""
    for item in items:
        item.report |= {
            name: statistics.median(pair[name] for pair in item.pairs)
            for name in ('ours_fps', 'theirs_fps', 'ours_cpu_ms', 'theirs_cpu_ms')
        }
        item.report |= {
            'fps_ratio': statistics.median(_fps_ratios(item)),
            'cpu_ratio': statistics.median(_cpu_ratios(item)),
        }
    stills = [item for item in items if item.rate_hz is None]
    clips = [item for item in items if item.rate_hz is not None]
    return {
        'mean_distance_pct': stills[0].report['mean_distance_pct'] if stills else None,
        'video_median_distance_pct': _median(
            [item.report['median_distance_pct'] for item in clips]),
        'fps_ratio': statistics.median(ratio for item in items for ratio in _fps_ratios(item)),
        'cpu_ratio': statistics.median(ratio for item in items for ratio in _cpu_ratios(item)),
        'threads': {
            worker.engine: {'network': worker.network_threads, 'process': worker.process_threads}
            for worker in (ours, theirs)
        },
        'clips': {item.name: item.report for item in items},
    }


def _fps_ratios(item: Item) -> list[float]:
    return [pair['ours_fps'] / pair['theirs_fps'] for pair in item.pairs]


def _cpu_ratios(item: Item) -> list[float]:
    return [pair['ours_cpu_ms'] / pair['theirs_cpu_ms'] for pair in item.pairs]


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _show(items: list[Item], report: dict[str, Any]) -> None:
    print(f'{"":28}{"distance % of box":>24}{"found by":>22}{"frames/s":>16}{"CPU ms":>15}')
    print(f'{"":28}{"mean":>8}{"median":>8}{"itself":>8}{"both":>8}{"ours":>6}{"theirs":>8}'
          f'{"ours":>9}{"x":>7}{"ours":>8}{"x":>7}')
    for item in items:
        row = item.report
        distances = ''.join(
            f'{"-":>8}' if row.get(name) is None else f'{row[name]:8.4f}'
            for name in ('mean_distance_pct', 'median_distance_pct', 'itself_median_distance_pct'))
        print(f'{item.name[:28]:28}{distances}{row["both"]:8}{row["only_ours"]:6}'
              f'{row["only_theirs"]:8}{row["ours_fps"]:9.1f}{row["fps_ratio"]:7.2f}'
              f'{row["ours_cpu_ms"]:8.2f}{row["cpu_ratio"]:7.3f}')
    for engine, threads in report['threads'].items():
        print(f'{engine}: {threads["network"]} network threads, '
              f'{threads["process"]} threads in the process')
    print(f'pictures: mean distance {_text(report["mean_distance_pct"])} % (target <= 0.1); '
          f'videos: median of the clips {_text(report["video_median_distance_pct"])} % '
          '(target <= 0.1)')
    print(f'frames per second {report["fps_ratio"]:.2f} x (target >= 1.9), '
          f'CPU per frame {report["cpu_ratio"]:.3f} x (target <= 0.55), '
          f'medians of {sum(len(item.pairs) for item in items)} paired runs')


def _text(value: float | None) -> str:
    return 'unknown' if value is None else f'{value:.4f}'
