"""From a name in the registry to an ONNX file in the user's cache: fetched once, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.cache import cache_folder, locked, write_atomically
from neuropose_ros.inference.convert import CONVERTER_VERSION, ImageInput, convert
from neuropose_ros.inference.download import fetch_members
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.onnx import OnnxRuntime
from neuropose_ros.inference.registry import load_registry

_CHECK_TOLERANCE = 1e-3


def model_path(entry: ModelEntry, cache: Path) -> Path:
    """Return where the converted network lies, or will lie."""
    return cache / 'models' / f'{entry.name}-{entry.sha256[:12]}-v{CONVERTER_VERSION}.onnx'


def ensure_models(
    *names: str, registry: Mapping[str, ModelEntry] | None = None, cache: Path | None = None,
) -> list[Path]:
    """Return the ONNX files of networks; fetch, convert and check them the first time.

    Raises:
        ModelError: a name is unknown, or it cannot be fetched, verified, converted or stored.
    """
    registry = load_registry() if registry is None else registry
    cache = cache or cache_folder()
    for name in names:
        if name not in registry:
            raise ModelError(f'unknown model {name!r}; known are {", ".join(registry)}')
    names = tuple(part for name in names for part in registry[name].parts or (name,))
    paths = {name: model_path(registry[name], cache) for name in names}
    if not all(path.is_file() for path in paths.values()):
        with locked(cache):
            # Another process may have made them while this one waited.
            missing = [registry[name] for name, path in paths.items() if not path.is_file()]
            for entry, content in _published(missing, cache):
                write_atomically(paths[entry.name], _converted(entry, content))
    return [paths[name] for name in names]


def _published(
    entries: Sequence[ModelEntry], cache: Path,
) -> Iterator[tuple[ModelEntry, bytes]]:
    """Yield each entry with its published file; kept, so that a new converter needs no network."""
    absent = []
    for entry in entries:
        kept = _kept_path(entry, cache)
        content = kept.read_bytes() if kept.is_file() else b''
        if hashlib.sha256(content).hexdigest() == entry.sha256:
            yield entry, content
        else:
            absent.append(entry)
    for entry, content in fetch_members(absent, cache / 'downloads'):
        write_atomically(_kept_path(entry, cache), content)
        yield entry, content


def _kept_path(entry: ModelEntry, cache: Path) -> Path:
    return cache / 'published' / f'{entry.name}-{entry.sha256[:12]}.{entry.format}'


def _converted(entry: ModelEntry, content: bytes) -> bytes:
    if entry.convert is None:
        return content
    picture = ImageInput(entry.convert.offset, entry.convert.scale)
    try:
        model = convert(content, picture, entry.outputs)
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


def check_picture(width: int, height: int) -> NDArray[Any]:
    """Return the fixed picture, (1, H, W, 3) uint8: two ramps and a texture."""
    y, x = np.mgrid[:height, :width]
    planes = (x * 255 // max(1, width - 1), y * 255 // max(1, height - 1), x * y % 256)
    return np.stack(planes, -1).astype(np.uint8)[np.newaxis]
