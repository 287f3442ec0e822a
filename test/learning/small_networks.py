"""Small recognisers with fresh weights, for tests of what is done with trained ones."""

from __future__ import annotations

import torch

from neuropose_ros.core.action import LabelSet
from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.recogniser import Recogniser, build
from neuropose_ros.learning.recipe import DataSettings, Recipe
from neuropose_ros.learning.sampling import SamplingConfig
from neuropose_ros.learning.weights import TrainedRecogniser

LABELS = LabelSet('three', ('run', 'sit', 'wave'))


def small_network(
    causal: bool = True, scene_size: int = 0, seed: int = 1, **parts: int,
) -> Recogniser:
    """Return a network in evaluation mode whose weights and statistics are random.

    Args:
        parts: further ones, as `NetworkConfig` names them.
    """
    torch.manual_seed(seed)
    network = build(NetworkConfig(
        width=16, blocks=1, window=12, completion_width=16, token_width=8, context_width=8,
        causal=causal, scene_size=scene_size, **parts), JHMDB15, 2, len(LABELS))
    for name, value in network.named_buffers():
        if name.endswith('running_mean'):
            value.normal_(0, 0.3)
        elif name.endswith('running_var'):
            value.uniform_(0.5, 2)
    for value in network.head.classify.parameters():
        torch.nn.init.normal_(value)
    return network.eval()


def small_recogniser(
    causal: bool = True, scene_size: int = 0, **parts: int,
) -> TrainedRecogniser:
    """Return it as `learning.weights` holds trained ones."""
    network = small_network(causal, scene_size, **parts)
    recipe = Recipe(data=DataSettings('none'), network=network.config,
                    sampling=SamplingConfig(causal=causal, rate_hz=25.0))
    return TrainedRecogniser(network, recipe, LABELS, {
        'data': 'random walks', 'terms': 'none', 'figures': {'top1': 0.3333},
        **({'scene_model': 'eyes'} if scene_size else {})})
