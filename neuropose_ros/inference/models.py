"""From a name in the registry to a file that a runtime loads: fetched once, checked, pinned."""

from __future__ import annotations

import datetime
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.cache import cache_folder, locked, sweep, write_atomically
from neuropose_ros.inference.convert import CONVERTER_VERSION, ImageInput, convert
from neuropose_ros.inference.download import (
    Published,
    PublishedFiles,
    file_sha256,
    joined,
    take_published,
)
from neuropose_ros.inference.entry import Conversion, ModelEntry
from neuropose_ros.inference.features import FEATURES_VERSION, cut_classifier, read_onnx
from neuropose_ros.inference.litert import LiteRtRuntime
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.pins import Pin, Pins
from neuropose_ros.inference.registry import load_registry

_CHECK_TOLERANCE = 1e-3
Registry = Mapping[str, ModelEntry]


def model_path(entry: ModelEntry, cache: Path) -> Path:
    """Return where the file that is run lies, or will lie; not of an entry made of parts.

    Raises:
        ModelError: a file of the user's own, which is to be converted, cannot be read.
    """
    if entry.convert is None:
        return entry.own_file or _published_path(entry, cache)
    version = (f'features{FEATURES_VERSION}' if entry.convert == 'features'
               else f'v{CONVERTER_VERSION}')
    key = entry.key if entry.own_file is None else _own_sha256(entry)[:12]
    return cache / 'models' / f'{entry.name}-{key}-{version}.onnx'


def _published_path(entry: ModelEntry, cache: Path) -> Path:
    """Return where the published file is kept, so that a new converter needs no network."""
    return cache / 'published' / f'{entry.name}-{entry.key}.{entry.format}'


def expand(names: Iterable[str], registry: Registry) -> tuple[str, ...]:
    """Replace names of entries that are made of parts by the names of their parts.

    Raises:
        ModelError: a name is unknown.
    """
    names = tuple(names)
    for name in names:
        if name not in registry:
            raise ModelError(f'unknown model {name!r}; known are {", ".join(registry)}')
    return tuple(part for name in names for part in registry[name].parts or (name,))


def is_here(entry: ModelEntry, registry: Registry, cache: Path) -> bool:
    """Whether everything that an entry runs is here, without asking what it is."""
    parts = [registry[name] for name in entry.parts] or [entry]
    return all(part.own_file is None or part.own_file.is_file() for part in parts) and all(
        model_path(part, cache).is_file() for part in parts)


def ensure_models(
    *names: str, registry: Registry | None = None, cache: Path | None = None,
    carried: Path | None = None,
) -> list[Path]:
    """Return the files of networks as they are run; fetch, check and convert them the first time.

    Those in the cache are held against their sha256 each time: one that is damaged, or whose pin
    was removed, is fetched anew.

    Args:
        names: entries; those made of parts give the files of their parts.
        registry: None = `load_registry`.
        cache: None = the user's.
        carried: a folder to take the published files from instead of fetching them.

    Raises:
        ModelError: a name is unknown, or it cannot be fetched, verified, converted or stored;
            what could be is here then.
    """
    registry = load_registry() if registry is None else registry
    cache = cache or cache_folder()
    names = expand(names, registry)
    for name in names:
        _check_own(registry[name])
    paths = {name: model_path(registry[name], cache) for name in names}
    if _not_good(paths, registry, cache):
        with locked(cache):
            # Another process may have made them while this one waited.
            missing = _not_good(paths, registry, cache)
            for name, what in missing.items():
                if what:
                    print(f'{name} is made anew: {what}', file=sys.stderr)
            _make([registry[name] for name in missing], cache, carried)
    return [paths[name] for name in names]


def _not_good(
    paths: Mapping[str, Path], registry: Registry, cache: Path,
) -> dict[str, str]:
    """Return the networks that have to be made, and what is wrong with the file there is."""
    cached = {name: path for name, path in paths.items() if path != registry[name].own_file}
    pins = Pins(cache) if any(path.is_file() for path in cached.values()) else None
    return {name: what for name, path in cached.items()
            if (what := _damage(path, registry[name], pins) if pins and path.is_file() else '')
            or not path.is_file()}


def _make(entries: Sequence[ModelEntry], cache: Path, carried: Path | None = None) -> None:
    """Fetch and convert; the caller holds the cache's lock."""
    for folder in (cache, cache / 'published', cache / 'models'):
        sweep(folder)
    pins = Pins(cache)
    failures = []
    with PublishedFiles(cache / 'downloads') as files:
        for entry in entries:
            try:
                content = _kept(entry, cache, pins)
                if content is None:
                    sha256 = pins.sha256(entry)
                    published = (files.get(entry, sha256) if carried is None
                                 else take_published(entry, carried, sha256))
                    _keep(published, cache, pins)
                    content = published.content
                _convert(entry, content, cache, pins)
            except ModelError as error:
                # The others are of use all the same.
                failures.append(error)
    if failures:
        raise joined(failures)


def _kept(entry: ModelEntry, cache: Path, pins: Pins) -> bytes | None:
    """Return the published file if it is here and undamaged."""
    path = entry.own_file or _published_path(entry, cache)
    try:
        content = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise ModelError(f'{path} cannot be read: {error.strerror or error}') from error
    if content is None or entry.own_file is not None:
        return content
    return content if hashlib.sha256(content).hexdigest() == pins.sha256(entry) else None


def _keep(published: Published, cache: Path, pins: Pins) -> None:
    entry = published.entry
    known = bool(pins.sha256(entry))
    if not known:
        _refuse_no_network(published)
    write_atomically(_published_path(entry, cache), published.content)
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    pins.keep(entry, Pin(entry.key, published.sha256, published.source, today))
    if not known:
        print(f'{entry.name} is pinned: only the file with the sha256 {published.sha256} is '
              f'taken from now on ({pins.path})', file=sys.stderr)


def _refuse_no_network(published: Published) -> None:
    """A sha256 that nobody published says nothing: at least it must be a network."""
    entry, content = published.entry, published.content
    try:
        if entry.format == 'onnx':
            read_onnx(content)
        elif content[4:8] != b'TFL3':
            raise ModelError('not a TensorFlow Lite network')
        elif importlib.util.find_spec('ai_edge_litert') is not None:
            LiteRtRuntime(content, threads=1).close()  # one that is cut off does not load
    except ModelError as error:
        raise ModelError(
            f'what {published.source} gave for {entry.name} is no {entry.format} network '
            f'({error}); nothing was kept'
        ) from error


def _convert(entry: ModelEntry, content: bytes, cache: Path, pins: Pins) -> None:
    if entry.convert is None:
        return
    model = (cut_classifier(content) if entry.convert == 'features'
             else _converted(entry, content, entry.convert))
    path = model_path(entry, cache)
    write_atomically(path, model)
    pin = pins.of(entry) or Pin(entry.key, hashlib.sha256(content).hexdigest(), '', '')
    pins.keep(entry, Pin(pin.key, pin.sha256, pin.source, pin.date,
                         hashlib.sha256(model).hexdigest(), path.name))


def _converted(entry: ModelEntry, content: bytes, conversion: Conversion) -> bytes:
    try:
        model = convert(content, ImageInput(conversion.offset, conversion.scale), entry.outputs)
    except ImportError as error:
        raise ModelError(
            f'converting {entry.name} needs the Python package {error.name}: '
            f'pip install {error.name}'
        ) from error
    runtime = OnnxRuntime(model, threads=1)
    results = runtime.run({'image': check_picture(entry.input.width, entry.input.height)})
    for output, expected in entry.check.items():
        got = results[output].ravel()[: len(expected)]
        limit = _CHECK_TOLERANCE * (1 + np.abs(expected))
        if not (np.abs(got - expected) <= limit).all():
            raise ModelError(
                f'the converted {entry.name} computes something else than the published network '
                f'(output {output}: {got.tolist()}, not {list(expected)})'
            )
    return model


def _check_own(entry: ModelEntry) -> None:
    path = entry.own_file
    if path is None:
        return
    if not path.is_file():
        raise ModelError(f'{entry.origin}: entry {entry.name}: path names {path}, '
                         'where no file is')
    if entry.sha256 and _own_sha256(entry) != entry.sha256:
        raise ModelError(
            f'{entry.origin}: entry {entry.name}: {path} has the sha256 {_own_sha256(entry)}, '
            f'not {entry.sha256}')


def _own_sha256(entry: ModelEntry) -> str:
    path = entry.own_file or Path()
    return _sha256(path)


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise ModelError(f'{path} cannot be read: {error.strerror or error}') from error


@dataclass(frozen=True)
class Verdict:
    """What `verify_models` found.

    Attributes:
        name: of the entry.
        state: ``own`` = a file of the user's without a sha256 to compare with; ``wrong`` = one
            that is not there, or not the one that the list says.
        detail: for people.
    """

    name: str
    state: Literal['good', 'absent', 'damaged', 'own', 'wrong']
    detail: str = ''


def verify_models(
    names: Iterable[str], registry: Registry | None = None, cache: Path | None = None, *,
    fetch: bool = True,
) -> list[Verdict]:
    """Compare the files in the cache with their sha256; those that differ are fetched anew.

    Args:
        names: entries.
        registry: None = `load_registry`.
        cache: None = the user's.
        fetch: False = a damaged file stays, which is for looking only.

    Raises:
        ModelError: a damaged file cannot be had anew; it is removed all the same.
    """
    registry = load_registry() if registry is None else registry
    cache = cache or cache_folder()
    names = dict.fromkeys(expand(names, registry))
    verdicts = [_verdict(registry[name], cache) for name in names]
    if not fetch or all(item.state != 'damaged' for item in verdicts):
        return verdicts  # looking needs no lock: a cache that is read-only can be verified
    with locked(cache):
        verdicts = [_verdict(registry[name], cache) for name in names]
        damaged = [registry[item.name] for item in verdicts if item.state == 'damaged']
        for entry in damaged:
            for path in _files(entry, cache):
                path.unlink(missing_ok=True)
        _make(damaged, cache)
    return verdicts


def _files(entry: ModelEntry, cache: Path) -> list[Path]:
    """Return the files of an entry in the cache, whether they are there or not."""
    published = [] if entry.own_file else [_published_path(entry, cache)]
    return published + ([] if entry.convert is None else [model_path(entry, cache)])


def _verdict(entry: ModelEntry, cache: Path) -> Verdict:
    if entry.own_file is not None:
        try:
            _check_own(entry)
        except ModelError as error:
            return Verdict(entry.name, 'wrong', str(error))
        if entry.convert is None:
            return Verdict(entry.name, 'good' if entry.sha256 else 'own', str(entry.own_file))
    pins = Pins(cache)
    present = [path for path in _files(entry, cache) if path.is_file()]
    if not present:
        return Verdict(entry.name, 'absent')
    for path in present:
        what = _damage(path, entry, pins)
        if what:
            return Verdict(entry.name, 'damaged', what)
    return Verdict(entry.name, 'good', ', '.join(map(str, present)))


def _damage(path: Path, entry: ModelEntry, pins: Pins) -> str:
    """Say what is wrong with a file in the cache; '' = it is what was fetched or made."""
    if path.parent.name == 'published':
        expected = pins.sha256(entry)
    else:
        pin = pins.of(entry)
        expected = pin.run_sha256 if pin and pin.run_file == path.name else ''
    digest = _sha256(path)
    if digest == expected:
        return ''
    what = f'not {expected}' if expected else 'and nothing to compare it with is written'
    return f'{path} has the sha256 {digest}, {what}'


def check_picture(width: int, height: int) -> NDArray[Any]:
    """Return the fixed picture, (1, H, W, 3) uint8: two ramps and a texture."""
    y, x = np.mgrid[:height, :width]
    planes = (x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), x * y % 256)
    return np.stack(planes, -1).astype(np.uint8)[np.newaxis]
