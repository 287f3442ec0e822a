"""A network of the registry that learnt on: on the disk, and where an estimator finds it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from neuropose_ros.core.errors import ParameterError, TrainingError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.inference.download import file_sha256
from neuropose_ros.inference.entry import ModelEntry
from neuropose_ros.inference.models import ensure_models
from neuropose_ros.inference.registry import load_registry
from neuropose_ros.learning.pose_training.entry import ENTRY_FILE, layout_table
from neuropose_ros.learning.training.checkpoints import (
    Checkpoint,
    check_identity,
    read_checkpoint,
    write_checkpoint,
)

FILE_NAME = 'tuned_pose.pt'
_KIND = 'fine-tuned pose network'
_ONNX = 'onnx'
LANDMARKS = '-landmarks'
"""Ends the name of the network of a model that is made of parts."""


@dataclass(frozen=True)
class Vendor:
    """A network as the registry has it.

    Attributes:
        entry: of the model that is asked for.
        network: of the network in it that finds joints; the same where it is one network.
        content: its .onnx file.
    """

    entry: ModelEntry
    network: ModelEntry
    content: bytes

    @property
    def skeleton(self) -> SkeletonLayout:
        """The joints it finds."""
        return self.network.skeleton()


def vendor_named(name: str, registry: Mapping[str, ModelEntry] | None = None) -> Vendor:
    """Return a model of the registry, fetched on first use.

    Raises:
        ParameterError: there is no such pose model.
        ModelError: it cannot be had.
    """
    known = load_registry() if registry is None else registry
    entry = known.get(name)
    if entry is None or entry.kind != 'pose':
        listed = ', '.join(key for key, value in known.items() if value.kind == 'pose')
        raise ParameterError(f'there is no pose model {name!r}; there are {listed}')
    network = known[entry.parts[-1]] if entry.parts else entry
    [path] = ensure_models(network.name, registry=known)
    if path.suffix != '.onnx' and network.format != 'onnx':
        raise ParameterError(f'{name} runs as a .{network.format} file, whose weights are whole '
                             'numbers: nothing is learnt on it; take a float32 model')
    return Vendor(entry, network, path.read_bytes())


@dataclass(frozen=True)
class TunedPose:
    """What a fine-tuning came to.

    Attributes:
        vendor: the model it began as, with the weights of now.
        trained_on: pictures, people, seed ... for the card and for people.
    """

    vendor: Vendor
    trained_on: Mapping[str, Any] = field(default_factory=dict)


def save_tuned(tuned: TunedPose, path: Path) -> None:
    """Write a file that `load_tuned` reads, whole or not at all.

    Raises:
        TrainingError: it cannot be written.
    """
    content = torch.from_numpy(np.frombuffer(tuned.vendor.content, np.uint8).copy())
    write_checkpoint(Checkpoint(
        {'kind': _KIND, 'model': tuned.vendor.entry.name, 'trained_on': dict(tuned.trained_on),
         'entries': entry_tables(tuned, 'model', 'model.onnx')}, {_ONNX: content}), path)


def tuned_file(path: Path) -> Path:
    """Return the file that a path means: itself, or the one in the folder."""
    return path / FILE_NAME if path.is_dir() else path


def is_tuned(path: Path) -> bool:
    """Whether a folder, or a file by its name, holds a network that learnt on."""
    file = tuned_file(path)
    return file.name == FILE_NAME and file.is_file()


def load_tuned(path: Path) -> TunedPose:
    """Read what `save_tuned` wrote; a folder stands for the file in it.

    Raises:
        TrainingError: it is not there, or damaged.
    """
    path = tuned_file(path)
    found = read_checkpoint(path)
    check_identity(found.identity, {'kind': _KIND}, str(path))
    try:
        with tempfile.TemporaryDirectory() as name:
            listed = Path(name) / ENTRY_FILE
            listed.write_text(yaml.safe_dump(found.identity['entries']), 'utf-8')
            entries = load_registry(listed)
        content = bytes(found.state[_ONNX].numpy().tobytes())
        entry = entries['model']
        network = entries[entry.parts[-1]] if entry.parts else entry
        vendor = Vendor(replace(entry, name=found.identity['model']), network, content)
    except (KeyError, AttributeError, OSError) as error:
        raise TrainingError(f'{path}: damaged ({error}): train again') from error
    return TunedPose(vendor, found.identity['trained_on'])


def entry_tables(
    tuned: TunedPose, name: str, file: str, *, title: str = '', licence: str = '',
    suffix: str = '', sha256: str = '', megabytes: float = 0.0,
) -> dict[str, dict[str, Any]]:
    """Return the entries of a model, as a list of models has them.

    Args:
        name: of the model.
        file: of the network, relative to the list.
        suffix: behind the names.
    """
    entry, network = tuned.vendor.entry, tuned.vendor.network
    about = {'title': title or f'{entry.title.partition(", learnt on")[0]}, learnt on',
             'licence': licence or entry.licence}
    size = network.input
    table: dict[str, Any] = {
        'path': file, **about, 'decoder': network.decoder,
        'input': {'width': size.width, 'height': size.height, 'mean': list(size.mean),
                  'std': list(size.std), 'channels': size.channels, 'axes': size.axes,
                  'dtype': size.dtype},
        'layout': layout_table(network.skeleton())}
    if sha256:
        table |= {'sha256': sha256, 'megabytes': megabytes}
    if network.outputs and network.convert is None:
        table['outputs'] = [network.outputs[place] for place in sorted(network.outputs)]
    if network.options:
        table['options'] = dict(network.options)
    if not entry.parts:
        return {f'{name}{suffix}': table}
    parts = [*entry.parts[:-1], f'{name}{LANDMARKS}{suffix}']
    whole: dict[str, Any] = {**about, 'decoder': entry.decoder, 'parts': parts}
    if entry.options:
        whole['options'] = dict(entry.options)
    return {f'{name}{suffix}': whole, parts[-1]: table}


def write_model(
    tuned: TunedPose, folder: Path, name: str, **about: str,
) -> dict[str, dict[str, Any]]:
    """Write the network as model.onnx, and return its entries."""
    path = folder / 'model.onnx'
    path.write_bytes(tuned.vendor.content)
    return entry_tables(tuned, name, path.name, sha256=file_sha256(path),
                        megabytes=round(path.stat().st_size / 1e6, 1), **about)


@contextmanager
def in_registry(tuned: TunedPose) -> Iterator[tuple[str, dict[str, ModelEntry]]]:
    """Give a name and a registry in which an estimator finds the network, for a while."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / ENTRY_FILE
        tables = write_model(tuned, Path(folder), 'tuned')
        listed.write_text(yaml.safe_dump(tables), 'utf-8')
        yield 'tuned', load_registry() | load_registry(listed)
