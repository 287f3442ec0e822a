"""A recogniser of the default size with fresh weights, to know what one costs."""

from __future__ import annotations

from pathlib import Path

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.export import ExportSettings, export
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.recogniser import build
from neuropose_ros.learning.recipe import DataSettings, Recipe
from neuropose_ros.learning.sampling import SamplingConfig
from neuropose_ros.learning.weights import TrainedRecogniser

_CLASSES = 14


def fresh_recogniser(folder: Path) -> Path:
    """Write the folder of a causal recogniser that has learnt nothing."""
    config = NetworkConfig(causal=True)
    network = build(config, JHMDB15, 2, _CLASSES).eval()
    labels = LabelSet('fresh', tuple(f'action_{index}' for index in range(_CLASSES)))
    recipe = Recipe(
        data=DataSettings('none'), network=config, sampling=SamplingConfig(causal=True))
    trained = TrainedRecogniser(network, recipe, labels, {'clips': 'none: fresh weights'})
    return export(trained, folder, ExportSettings(half=False)).folder
