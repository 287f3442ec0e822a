"""Run each small network with each runtime that is here: time, and distance to ONNX Runtime.

Networks: every .onnx and .tflite file of at most 32 MB below DATA/models, and those of the
registry that are in the user's cache. All runtimes get the same picture as the same array; where
the registry knows a network, as it says, else as grey levels 0..255. Times are medians over runs
in turns, from array to arrays, after a warm-up; CPU time is that of all threads of the process.
The difference is the largest of any output to ONNX Runtime on the processor; beside it stands
the largest value of those outputs. A .tflite file is compared where its ONNX form is in the
cache (then its runtime's row says so); else nothing is there to compare it with.
Import times are of new processes in which torch, TensorRT, OpenVINO and LiteRT are made absent.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from neuropose_ros.cli.bench import import_time
from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.checks import check_picture_input
from neuropose_ros.inference.entry import Conversion, ModelEntry
from neuropose_ros.inference.models import is_here, model_path
from neuropose_ros.inference.ops.device import Image, PictureInput
from neuropose_ros.inference.ops.host import HostOps
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.inference.select import Choice, create_runtime, explain
from neuropose_ros.inference.threads import thread_budget
from neuropose_ros.pose.geometry import letterbox

LARGEST_BYTES = 32 << 20
# What an open side of a network is run at, px.
_OPEN_SIDE_PX = 320
_WARM_UPS, _BLOCK = 3, 5
_PICTURE_TYPES = {'float32', 'float16', 'uint8', 'int8', 'int32'}
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Subject:
    """A network to measure.

    Attributes:
        name: for people.
        path: of the file.
        entry: what the registry says of it; None = it does not know it.
        published: the .tflite file that ``path`` was converted from, where it is here.
    """

    name: str
    path: Path
    entry: ModelEntry | None = None
    published: Path | None = None


@dataclass
class Row:
    """What one runtime did with one network.

    Attributes:
        runtime: what was asked for.
        name: what answered, with its provider.
        ms, cpu_ms: medians of one run; None = it did not run.
        max_abs_difference: to the baseline; None = there is none, or the shapes differ.
        largest_value: of the baseline's outputs.
        note: what else to know.
    """

    model: str
    runtime: str
    name: str = ''
    threads: int = 0
    ms: float | None = None
    cpu_ms: float | None = None
    baseline: str = ''
    max_abs_difference: float | None = None
    largest_value: float | None = None
    note: str = ''


@dataclass
class _Side:
    """One runtime with the network loaded."""

    row: Row
    call: Callable[[], Arrays]
    close: Callable[[], None]
    outputs: Arrays = field(default_factory=dict)
    times_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('--data', type=Path, default=os.environ.get('NEUROPOSE_DATA'),
                        help='folder with models/ and images/ (default: $NEUROPOSE_DATA)')
    parser.add_argument('--rounds', type=int, default=30, help='timed runs of each (30)')
    parser.add_argument('--threads', type=int, default=0,
                        help='of the processor; 0 = the default of the package')
    parser.add_argument('--json', action='store_true', help='last line is one JSON object')


def run(args: argparse.Namespace) -> int:
    """Measure and print."""
    if args.rounds < 1:
        raise ParameterError('--rounds is at least 1.')
    data = Path(args.data) if args.data else None
    found = subjects(data, cache_folder(), load_registry())
    if not found:
        raise NeuroposeError(
            'no network to measure: ./neuropose models fetch blazepose, or --data FOLDER with '
            'models/*/*.onnx or *.tflite')
    picture, title = _picture(data)
    choices = explain()
    rows = [
        row for subject in tqdm(found, desc='networks', unit='network')
        for row in measure(subject, choices, picture, args.threads, args.rounds)]
    results = {
        'threads': thread_budget(args.threads),
        'picture': title,
        'rows': [asdict(row) for row in rows],
        'absent': absent(choices),
        'import_ms': {
            target: round(sum(import_time.import_ms(target).values()), 1)
            for target in import_time.TARGETS},
    }
    _show(results, rows)
    if args.json:
        print(json.dumps(results))
    return 0


def subjects(
    data: Path | None, cache: Path, registry: Mapping[str, ModelEntry],
) -> list[Subject]:
    """Return the small networks of the data folder and of the cache."""
    found = []
    for path in sorted((data / 'models').rglob('*')) if data else ():
        if (path.suffix in {'.onnx', '.tflite'} and path.is_file()
                and path.stat().st_size <= LARGEST_BYTES):
            name = path.parent.name.replace('_', '-')
            found.append(Subject(name, path, registry.get(name)))
    for entry in registry.values():
        if entry.parts or not is_here(entry, registry, cache):
            continue
        path = model_path(entry, cache)
        if path.stat().st_size > LARGEST_BYTES:
            continue
        kept = cache / 'published' / f'{entry.name}-{entry.key}.tflite'
        is_converted = isinstance(entry.convert, Conversion) and kept.is_file()
        found.append(Subject(entry.name, path, entry, kept if is_converted else None))
    return found


def absent(choices: Sequence[Choice]) -> dict[str, str]:
    """Return why each runtime that is not here is not: the first reason of each."""
    present = {choice.runtime for choice in choices if not choice.missing}
    reasons: dict[str, str] = {}
    for choice in choices:
        if choice.runtime not in present:
            reasons.setdefault(choice.runtime, choice.missing)
    return reasons


def measure(
    subject: Subject, choices: Sequence[Choice], picture: Image, threads: int, rounds: int,
) -> list[Row]:
    """Run one network with every runtime that is here; the baseline first."""
    present = {choice.runtime for choice in choices if not choice.missing}
    sides, failed = [], []
    for runtime in ('cpu', 'openvino', 'cuda', 'tensorrt', 'litert'):
        is_tflite = subject.path.suffix == '.tflite' or subject.published is not None
        is_onnx = subject.path.suffix == '.onnx'
        if runtime not in present or not (is_tflite if runtime == 'litert' else is_onnx):
            continue
        try:
            sides.append(_load(subject, runtime, picture, threads))
            sides[-1].outputs = sides[-1].call()
        except NeuroposeError as error:
            failed.append(Row(subject.name, runtime, note=str(error)))
    _time(sides, rounds)
    for side in sides:
        if sides[0].row.runtime == 'cpu':
            _compare(side, sides[0])
        else:
            side.row.baseline = 'none: no ONNX form of it is here'
        side.close()
    return [*(side.row for side in sides), *failed]


def _load(subject: Subject, runtime: str, picture: Image, threads: int) -> _Side:
    converted_from = subject.published if runtime == 'litert' else None
    path = converted_from or subject.path
    target = subject.entry.input if subject.entry else None
    loaded = create_runtime(
        path, runtime=runtime, threads=threads, announce=lambda _: None,
        input=None if converted_from else target)
    target = target or _guessed(loaded)
    if not converted_from:
        check_picture_input(path.name, loaded.inputs, target)
    warp = letterbox(picture.shape[1], picture.shape[0], target.width, target.height)
    value = HostOps().crops(picture, warp[np.newaxis], target, 114.0)
    row = Row(
        subject.name, runtime, loaded.name, getattr(loaded, 'threads', thread_budget(threads)))
    if not converted_from or subject.entry is None:
        inputs = {loaded.inputs[0].name: value}
        return _Side(row, lambda: loaded.run(inputs), loaded.close)
    row.note = 'the published file; ONNX is converted from it'
    return _published_side(row, loaded, subject.entry, value)


def _published_side(
    row: Row, loaded: Runtime, entry: ModelEntry, value: NDArray[Any],
) -> _Side:
    """Feed a .tflite file what its conversion makes of BGR bytes; name and turn its outputs."""
    assert isinstance(entry.convert, Conversion)
    real = (value[..., ::-1].astype(np.float32) - np.float32(entry.convert.offset)) * np.float32(
        entry.convert.scale)
    inputs = {loaded.inputs[0].name: np.ascontiguousarray(real)}
    names = {loaded.outputs[place].name: name for place, name in entry.outputs.items()}

    def call() -> Arrays:
        got = loaded.run(inputs)
        return {name: got[own].transpose(0, 3, 1, 2) if got[own].ndim == 4 else got[own]
                for own, name in names.items()}

    return _Side(row, call, loaded.close)


def _guessed(loaded: Runtime) -> PictureInput:
    """Return grey levels in the form that a network declares."""
    if len(loaded.inputs) != 1:
        raise NeuroposeError(f'it has {len(loaded.inputs)} inputs, not one picture')
    spec = loaded.inputs[0]
    if len(spec.shape) != 4 or spec.dtype not in _PICTURE_TYPES:
        raise NeuroposeError(f'its input {spec.name} is no picture: {spec.dtype} {spec.shape}')
    is_last = spec.shape[3] == 3
    height, width = (
        size or _OPEN_SIDE_PX for size in (spec.shape[1:3] if is_last else spec.shape[2:]))
    return PictureInput(
        width, height, channels='bgr', axes='nhwc' if is_last else 'nchw', dtype=spec.dtype)


def _time(sides: Sequence[_Side], rounds: int) -> None:
    for side in sides:
        for _ in range(_WARM_UPS):
            side.call()
    for first in range(0, rounds, _BLOCK):
        for side in sides:
            for _ in range(min(_BLOCK, rounds - first)):
                wall, used = time.perf_counter(), time.process_time()
                side.call()
                side.times_ms.append((time.perf_counter() - wall) * 1e3)
                side.cpu_ms.append((time.process_time() - used) * 1e3)
    for side in sides:
        side.row.ms = round(statistics.median(side.times_ms), 3)
        side.row.cpu_ms = round(statistics.median(side.cpu_ms), 3)


def _compare(side: _Side, baseline: _Side) -> None:
    side.row.baseline = baseline.row.name
    pairs = [(side.outputs.get(name), value.astype(np.float64))
             for name, value in baseline.outputs.items()]
    if not all(np.isfinite(value).all() for _, value in pairs):
        side.row.note = ' '.join(filter(None, (side.row.note, 'outputs that are no numbers')))
        return
    side.row.largest_value = float(max(np.abs(value).max(initial=0) for _, value in pairs))
    if any(got is None or got.shape != value.shape for got, value in pairs):
        side.row.note = ' '.join(filter(None, (side.row.note, 'outputs of other shapes')))
        return
    difference = float(max(
        np.abs(got.astype(np.float64) - value).max(initial=0)
        for got, value in pairs if got is not None))
    if not math.isfinite(difference):
        side.row.note = ' '.join(filter(None, (side.row.note, 'outputs that are no numbers')))
        return
    side.row.max_abs_difference = difference


def _picture(data: Path | None) -> tuple[Image, str]:
    """Return a real picture where there is one, else two ramps and a texture."""
    import cv2

    for path in sorted((data / 'images').glob('*/*.jpg')) if data else ():
        read = cv2.imread(str(path))
        if read is not None:
            return read, path.name
    y, x = np.mgrid[:480, :640]
    ramps = np.stack((x * 255 // 639, y * 255 // 479, x * y % 256), -1)
    return ramps.astype(np.uint8), 'synthetic'


def _show(results: dict[str, Any], rows: Sequence[Row]) -> None:
    print(f'{"network":28}{"runtime":22}{"threads":>7}{"ms":>9}{"CPU ms":>9}'
          f'{"difference":>12}{"of":>10}')
    for row in rows:
        figures = ''.join(
            f'{"-":>{width}}' if value is None else f'{value:{width}.{digits}}'
            for value, width, digits in (
                (row.ms, 9, '2f'), (row.cpu_ms, 9, '2f'), (row.max_abs_difference, 12, '2g'),
                (row.largest_value, 10, '4g')))
        note = row.note or (row.baseline if row.baseline.startswith('none') else '')
        print(f'{row.model[:27]:28}{row.name or row.runtime:22}{row.threads:7}{figures}  {note}')
    for runtime, reason in results['absent'].items():
        print(f'not here: {runtime}: {reason}')
    print('import, ms: ' + ', '.join(
        f'{target} {ms:.0f}' for target, ms in results['import_ms'].items()))
