"""Networks that lie in a folder beside data, so that nothing need be fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from neuropose_ros.inference.entry import ModelEntry, PathSource

# Where such a folder has a network of the registry.
_PLACES = {
    'models/rtmdet_nano/*.onnx': ('rtmdet-nano', 'rtmdet-nano-512'),
    'models/yolox_nano/*.onnx': ('yolox-nano',),
    'models/movenet_lightning/*.tflite': ('movenet-lightning-int8',),
    'models/mobilenet_v1_embedding/*.tflite': ('mobilenet-v1-int8',),
}


def with_data(registry: Mapping[str, ModelEntry], data: Path) -> dict[str, ModelEntry]:
    """Return the registry with the networks that lie in the data folder taken from there."""
    merged = dict(registry)
    for pattern, names in _PLACES.items():
        for path in sorted(data.glob(pattern))[:1]:
            merged |= {
                name: replace(registry[name], sources=(PathSource(path),), sha256='')
                for name in names if name in registry}
    return merged
