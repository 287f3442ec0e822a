"""What makes one engine the right one: everything it was built from and for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from neuropose_ros.inference.tensorrt.device import Gpu
from neuropose_ros.inference.tensorrt.profiles import Profile

# Raised when the builder or the fp16 variant changes what it makes of the same file.
BUILDER_VERSION = 1

_WORDS = {
    'model_sha256': 'the ONNX file', 'tensorrt': 'the version of TensorRT', 'gpu': 'the GPU',
    'precision': 'the precision', 'profiles': 'the shapes', 'options': 'the options',
}
_SHOWN = frozenset({'tensorrt', 'gpu', 'precision'})


@dataclass(frozen=True)
class EngineKey:
    """Everything that an engine depends on."""

    model: str
    model_sha256: str
    tensorrt: str
    gpu: Gpu
    precision: str
    profiles: tuple[Profile, ...]
    options: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return what the sidecar says."""
        content: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return content

    @property
    def file_name(self) -> str:
        """The engine's file, readable and unique."""
        digest = hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()
        return f'{slug(self.model)}-{self.precision}-{digest[:16]}.engine'

    def differences(self, other: Mapping[str, Any]) -> list[str]:
        """Say in words what of a sidecar is not as here."""
        mine = self.as_json()
        return [
            f'{words} ({_short(other.get(field))}, now {_short(mine[field])})'
            if field in _SHOWN else words
            for field, words in _WORDS.items() if other.get(field) != mine[field]]


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return f'{value.get("name")} {value.get("compute_capability")}'
    return str(value)


def slug(text: str) -> str:
    """Return a name that is safe in a file name."""
    return re.sub(r'[^A-Za-z0-9.]+', '-', text).strip('-.') or 'unnamed'
