"""Say everything about one network; where its file is here, load it and try its decoder on it.

For a network of your own this is the first thing to run: it says whether inputs and outputs fit
what its entry claims. Exit code: 1 when they do not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from neuropose_ros.cli.models.list import megabytes, table
from neuropose_ros.core.errors import NeuroposeError, ParameterError
from neuropose_ros.inference.cache import cache_folder
from neuropose_ros.inference.checks import shown
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import ensure_models, expand, is_here
from neuropose_ros.inference.pins import Pins
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.inference.select import create_runtime
from neuropose_ros.pose.create import create_detector, create_estimator, create_region_estimator
from neuropose_ros.pose.onestage import ONE_STAGE_DECODERS
from neuropose_ros.pose.scene import SceneEncoder

Registry = Mapping[str, ModelEntry]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('name', metavar='NAME')


def run(args: argparse.Namespace) -> int:
    """Print the entry, then what its file says."""
    registry, cache = load_registry(), cache_folder()
    names = expand([args.name], registry)
    entry = registry[args.name]
    print('\n'.join(table(list(_facts(entry, Pins(cache))))))
    absent = [path for name in names
              if (path := registry[name].own_file) is not None and not path.is_file()]
    if absent:
        raise ParameterError(f'{entry.origin}: entry {entry.name}: path names {absent[0]}, '
                             'where no file is')
    if not is_here(entry, registry, cache):
        print(f'  not here: neuropose models fetch {entry.name}')
        return 0
    for name in names:
        [path] = ensure_models(name, registry=registry, cache=cache)
        for line in _file(path):
            print(f'  {line}')
    try:
        _try(entry, registry)
    except NeuroposeError as error:
        print(f'  does not fit: {error}', file=sys.stderr)
        return 1
    print(f'  fits the decoder {entry.decoder}')
    return 0


def _facts(entry: ModelEntry, pins: Pins) -> Iterator[tuple[str, str]]:
    yield 'name', entry.name
    yield 'title', entry.title
    yield 'kind', entry.kind
    yield 'licence', entry.licence
    yield 'list', str(entry.origin)
    yield 'decoder', entry.decoder
    if entry.layout:
        skeleton = entry.skeleton()
        yield 'joints', f'{len(skeleton)} of {skeleton.id}'
    picture = entry.input
    yield 'input', (f'{picture.width}x{picture.height} px, {picture.channels} {picture.axes} '
                    f'{picture.dtype}, mean {_numbers(picture.mean)} std {_numbers(picture.std)}')
    for part in entry.parts:
        yield 'part', part
    for source in entry.sources:
        yield 'source', source.title
    if not entry.parts:
        yield 'sha256', _sha256(entry, pins)
        yield 'size', megabytes(entry)
    for item in entry.published:
        yield 'published', f'{item.metric} {item.value:g} on {item.dataset} ({item.source})'
        if item.speed:
            yield 'speed', item.speed
    if entry.notes:
        yield 'notes', entry.notes


def _sha256(entry: ModelEntry, pins: Pins) -> str:
    if entry.sha256:
        return f'{entry.sha256} (in the list)'
    pin = pins.of(entry)
    if pin is not None:
        return f'{pin.sha256} (pinned on {pin.date})'
    return 'none' if entry.own_file else 'pinned when it is first fetched'


def _numbers(values: tuple[float, float, float]) -> str:
    return f'{values[0]:g}' if len(set(values)) == 1 else ' '.join(f'{item:g}' for item in values)


def _file(path: Path) -> Iterator[str]:
    """Say what a file takes and gives."""
    yield f'{path} ({path.stat().st_size / 1e6:.1f} MB)'
    runtime = create_runtime(path, runtime=_runtime(path), threads=1, announce=_silent)
    try:
        for role, specs in (('takes', runtime.inputs), ('gives', runtime.outputs)):
            for spec in specs:
                yield f'  {role} {spec.name}: {spec.dtype} {shown(spec.shape)}'
    finally:
        runtime.close()


def _try(entry: ModelEntry, registry: Registry) -> None:
    """Make what would run in the node.

    Raises:
        NeuroposeError: inputs or outputs do not fit.
    """
    [path, *_] = ensure_models(entry.name, registry=registry)
    name, runtime = entry.name, _runtime(path)
    if entry.kind in {'scene', 'reid', 'part'}:
        loaded = create_runtime(
            path, runtime=runtime, input=entry.input, threads=1, announce=_silent)
        if entry.kind != 'part':
            SceneEncoder(loaded, entry)  # one vector for a picture: that of a person fits too
        loaded.close()
    elif entry.kind == 'detector':
        create_detector(
            name, runtime=runtime, threads=1, registry=registry, announce=_silent).close()
    elif entry.decoder in ONE_STAGE_DECODERS:
        create_estimator(
            name, runtime=runtime, threads=1, registry=registry, announce=_silent).close()
    else:
        create_region_estimator(
            name, runtime=runtime, threads=1, registry=registry, announce=_silent).close()


def _runtime(path: Path) -> str:
    """Take the one that every machine has: this is about the file, not about speed."""
    return 'litert' if path.suffix.lower() == '.tflite' else 'cpu'


def _silent(sentence: str) -> None:
    del sentence
