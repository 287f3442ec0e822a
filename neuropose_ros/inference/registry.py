"""What ``config/models.yaml`` says of each network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropose_ros.core.errors import ModelError
from neuropose_ros.core.resources import config_folder


@dataclass(frozen=True)
class WheelSource:
    """A file inside a package of the Python package index.

    Attributes:
        wheel: requirement, as ``mediapipe==0.10.21``.
        python, implementation, abi, platform: its tags, as ``pip download`` takes them.
        file: name of the .whl file.
        megabytes: its size, for people.
        member: path inside it.
    """

    wheel: str
    python: str
    implementation: str
    abi: str
    platform: str
    file: str
    megabytes: int
    member: str


@dataclass(frozen=True)
class PictureInput:
    """The picture that a network takes: value = (0..255 - offset) * scale."""

    width: int
    height: int
    offset: float
    scale: float


@dataclass(frozen=True)
class ModelEntry:
    """One network.

    Attributes:
        outputs: name of each kept output by its position in the file.
        check: first values of outputs for the test picture.
    """

    name: str
    title: str
    licence: str
    source: WheelSource
    sha256: str
    format: str
    decoder: str
    input: PictureInput
    outputs: Mapping[int, str]
    check: Mapping[str, tuple[float, ...]]
    layout: str = ''


def load_registry(path: Path | None = None) -> dict[str, ModelEntry]:
    """Read the registry, by default the one that comes with the package.

    Raises:
        ModelError: the file is missing or an entry is incomplete.
    """
    import yaml

    path = path or config_folder() / 'models.yaml'
    try:
        content = yaml.safe_load(path.read_text('utf-8'))
    except (OSError, yaml.YAMLError) as error:
        raise ModelError(f'the list of models {path} cannot be read: {error}') from error
    if not isinstance(content, dict):
        raise ModelError(f'the list of models {path} must be a table of names')
    return {name: _entry(name, values, path) for name, values in content.items()}


def _entry(name: str, values: Mapping[str, Any], path: Path) -> ModelEntry:
    try:
        fields = dict(values)
        return ModelEntry(
            name=name,
            source=WheelSource(**fields.pop('source')),
            input=PictureInput(**fields.pop('input')),
            outputs={int(key): str(value) for key, value in fields.pop('outputs').items()},
            check={key: tuple(map(float, value)) for key, value in fields.pop('check').items()},
            **fields,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f'{path}: the entry {name} is not complete: {error}') from error
