"""What the graph takes on a small computer: disk, start, memory, time for each small model.

The packages of requirements-edge.txt are installed into a temporary folder, and everything that
is measured runs with these and ROS 2 alone: what else is installed here is refused.

Installed size: these packages, this package with its config, and the networks of --model; ROS 2
itself is not counted. Start: `neuropose up` from the start of the process to the first person at
a subscriber that was there before, files in the page cache. Memory: of that process, camera,
pose, refiner and recogniser together, shared libraries included. Times of models: what the pose
node does with a picture, detector (every fifth frame where the model needs one) and tracker
included; the picture is in memory already and does not count there. fp16 and int8 are those that
were exported with a model, else made here from its float32.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from neuropose_ros.cli.bench import edge_models
from neuropose_ros.cli.bench.edge_environment import EdgeEnvironment, install, megabytes
from neuropose_ros.cli.bench.edge_start import Start, measure_start
from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.core.resources import config_folder
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.carried import with_data
from neuropose_ros.inference.entry import ENTRY_FILE
from neuropose_ros.inference.models import expand, model_path
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.pose.create import network_names

MOST_MB, MOST_S = 350.0, 3.0
"""What is promised of installed size and of memory, and of the first pose."""
_MODELS = ('blazepose', 'blazepose-lite', 'rtmpose-t', 'movenet-lightning-int8')
_THREADS = (1, 2)
_PICTURES, _WARM_UP = 30, 10
_IMPORTED = 'neuropose_ros.nodes.composed'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--model', default='blazepose', help='of the graph (%(default)s)')
    parser.add_argument('--source', default='synthetic:walk', help='of the graph (%(default)s)')
    parser.add_argument('--models', nargs='*', default=None, metavar='ID',
                        help='to time: names of `neuropose models list`, or folders that '
                             f'`neuropose export` wrote; default: {" ".join(_MODELS)}, those '
                             'that are here')
    parser.add_argument('--starts', type=int, default=5, help='of the graph (%(default)s)')
    parser.add_argument('--frames', type=int, default=60,
                        help='that each model is timed on (%(default)s)')
    parser.add_argument('--data', type=Path, default=os.environ.get('NEUROPOSE_DATA'),
                        help='folder with models/, in place of fetched ones '
                             '(default: $NEUROPOSE_DATA)')
    parser.add_argument('--packages', type=Path, metavar='DIR',
                        help='the packages of requirements-edge.txt, installed already by '
                             'pip install --target DIR')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    if args.starts < 1 or args.frames < 1:
        raise ParameterError('--starts and --frames are at least 1.')
    with tempfile.TemporaryDirectory(prefix='neuropose-edge-') as name:
        folder = Path(name)
        print('installing the packages of requirements-edge.txt' if args.packages is None
              else f'the packages are those of {args.packages}', file=sys.stderr)
        packages = args.packages or install(folder)
        if not packages.is_dir():
            raise NeuroposeError(f'--packages {packages} is no folder')
        environment = EdgeEnvironment(packages, folder)
        import_s = _import_s(environment)
        starts = _starts(args, environment)
        sizes = _sizes(packages, args.model)  # the first start fetches networks
        rows, absent = _rows(args, environment, folder)
    report = _report(sizes, import_s, starts, rows, absent)
    _show(report, starts)
    if args.json:
        print(json.dumps(report))
    return 0


def _sizes(packages: Path, model: str) -> dict[str, float]:
    registry = load_registry()
    names = expand(network_names(model, registry=registry), registry)
    networks = [model_path(registry[name], cache_folder()) for name in names]
    return {
        'packages_mb': megabytes([packages]),
        'neuropose_mb': megabytes([Path(__file__).parents[2], config_folder()]),
        'networks_mb': megabytes([path for path in networks if path.is_file()]),
    }


def _import_s(environment: EdgeEnvironment) -> float:
    """Return what importing all of the graph takes in a new process, the median of five."""
    script = ('import time; begin = time.perf_counter()\n'
              f'import {_IMPORTED}; print(time.perf_counter() - begin)')
    times = []
    for _ in range(5):
        done = subprocess.run([sys.executable, '-c', script], env=environment.variables(),
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise NeuroposeError(f'{_IMPORTED} does not import: '
                                 f'{(done.stderr.strip().splitlines() or ["silently"])[-1]}')
        times.append(float(done.stdout))
    return statistics.median(times)


def _starts(args: argparse.Namespace, environment: EdgeEnvironment) -> list[Start]:
    variables = environment.variables()
    variables.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    variables['ROS_DOMAIN_ID'] = str(60 + os.getpid() % 40)
    arguments = ['--source', args.source, '--model', args.model]
    return [measure_start(arguments, variables, seconds=4.0)
            for _ in tqdm(range(args.starts), desc='starts', unit='')]


def _rows(
    args: argparse.Namespace, environment: EdgeEnvironment, folder: Path,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the rows of all models, and why those that are left out are."""
    registry = load_registry()
    data = Path(args.data) if args.data else None
    if data is not None:
        registry = with_data(registry, data)
    names, lists = [], []
    for asked in _MODELS if args.models is None else args.models:
        if (Path(asked) / ENTRY_FILE).is_file():
            lists.append(Path(asked).absolute() / ENTRY_FILE)
            own = load_registry(lists[-1])
            registry |= own
            names.append(next(iter(own)))
        else:
            names.append(asked)
    absent = {name: why for name in names if (why := edge_models.missing(name, registry))}
    if args.models is not None and absent:
        raise NeuroposeError('; '.join(f'{name}: {why}' for name, why in absent.items()))
    pictures = edge_models.Pictures(folder / 'pictures.npy', args.frames + _WARM_UP, _WARM_UP)
    _draw(pictures.path)
    rows = []
    for name in tqdm([name for name in names if name not in absent], desc='models', unit=''):
        found = edge_models.variants(name, registry, pictures, folder)
        rows += edge_models.rows(
            found, _THREADS, lambda variant, threads: edge_models.measure(
                variant, threads, pictures, environment, lists, data))
    return rows, absent


def _draw(path: Path) -> None:
    from neuropose_ros.sources.open import open_source

    source = open_source('synthetic:walk')
    pictures = [source.read() for _ in range(_PICTURES)]
    source.close()
    images = [picture.image for picture in pictures if picture is not None]
    np.save(path, np.stack([*images, *images[-2:0:-1]]))  # there and back, without a jump


def _report(
    sizes: dict[str, float], import_s: float, starts: list[Start],
    rows: list[dict[str, Any]], absent: dict[str, str],
) -> dict[str, Any]:
    installed_mb = sum(sizes.values())
    first_pose_s = statistics.median(start.first_pose_s for start in starts)
    peak_mb = max(start.peak_mb for start in starts)
    return {
        'installed_mb': round(installed_mb, 1),
        **{name: round(value, 1) for name, value in sizes.items()},
        'import_s': round(import_s, 3),
        'first_pose_s': round(first_pose_s, 3),
        'first_pose_largest_s': round(max(start.first_pose_s for start in starts), 3),
        'first_pose_cpu_s': round(statistics.median(s.first_pose_cpu_s for s in starts), 3),
        'peak_mb': round(peak_mb, 1),
        'pss_mb': round(max(start.pss_mb for start in starts), 1),
        'graph_rate_hz': round(statistics.median(start.rate_hz for start in starts), 2),
        'graph_cpu_ms': round(statistics.median(start.cpu_ms for start in starts), 2),
        'holds': {
            'installed_mb': installed_mb <= MOST_MB, 'first_pose_s': first_pose_s <= MOST_S,
            'peak_mb': peak_mb <= MOST_MB},
        'starts': [asdict(start) for start in starts],
        'models': rows,
        'absent': absent,
    }


def _show(report: dict[str, Any], starts: list[Start]) -> None:
    print(f'installed without ROS 2: {report["installed_mb"]:.0f} MB (at most {MOST_MB:.0f}): '
          f'packages {report["packages_mb"]:.0f}, neuropose_ros {report["neuropose_mb"]:.0f}, '
          f'networks {report["networks_mb"]:.0f}')
    print(f'imported in {report["import_s"]:.2f} s; first pose after '
          f'{report["first_pose_s"]:.2f} s (at most {MOST_S:.0f}), the slowest of '
          f'{len(starts)} starts {report["first_pose_largest_s"]:.2f} s, with '
          f'{report["first_pose_cpu_s"]:.2f} s of processor time')
    print(f'memory: {report["peak_mb"]:.0f} MB at most (at most {MOST_MB:.0f}), of which '
          f'{report["pss_mb"]:.0f} MB are its own; {report["graph_cpu_ms"]:.1f} ms of processor '
          f'time for each frame at {report["graph_rate_hz"]:.1f} Hz')
    print(f'{"model":28}{"precision":>10}{"threads":>8}{"ms":>8}{"p90":>8}{"CPU ms":>8}'
          f'{"first ms":>10}{"load s":>8}{"MB":>7}{"moved":>8}')
    for row in report['models']:
        figures = ''.join(
            f'{"-":>{width}}' if row.get(name) is None else f'{row[name]:{width}.{digits}f}'
            for name, width, digits in (
                ('ms', 8, 1), ('ms_p90', 8, 1), ('cpu_ms', 8, 1), ('first_ms', 10, 0),
                ('load_s', 8, 2), ('peak_mb', 7, 0), ('deviation', 8, 4)))
        print(f'{row["model"][:27]:28}{row["precision"]:>10}{row["threads"]:8}{figures}  '
              f'{row["note"]}')
    for name, why in report['absent'].items():
        print(f'left out: {name}: {why}')
