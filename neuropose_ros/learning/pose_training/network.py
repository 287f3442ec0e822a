"""A small top-down pose network: a residual backbone, a neck, and SimCC's two answers.

The backbone is that of He et al. 2016 with few channels; the neck adds its three last levels up
(Lin et al. 2017); the head classifies the x and the y of each joint (SimCC, Li et al. 2022). Where
SimCC has a fully connected layer, each place of the features speaks for the bins that it covers
alone, and what all places say is summed up: the same answer wherever a person is in the picture,
which a few pictures teach. Plain 3x3 convolutions: on a processor they compute in 16 bits and in
int8 several times faster, which separable ones do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.core.errors import ParameterError, TrainingError
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.config import at_least

_STRIDE_PX = 32
_CELL_PX = 8  # of the neck


@dataclass(frozen=True)
class PoseNetworkConfig:
    """Its size.

    Attributes:
        width_px, height_px: of the picture that goes in, multiples of 32.
        channels: of the four levels, at a 4th, 8th, 16th and 32nd of the picture.
        blocks: residual blocks of each level.
        neck: channels in which the last three levels are added up.
        bins_per_px: of the answers.
        closeness_px: a joint's score is the share of the probability that lies near the answer:
            all of what lies on it, nothing of what lies this far away.
    """

    width_px: int = 128
    height_px: int = 160
    channels: tuple[int, int, int, int] = (32, 64, 128, 256)
    blocks: tuple[int, int, int, int] = (1, 2, 3, 2)
    neck: int = 96
    bins_per_px: int = 2
    closeness_px: float = 8.0

    def __post_init__(self) -> None:
        """Check ranges."""
        at_least(1, neck=self.neck, bins_per_px=self.bins_per_px, closeness_px=self.closeness_px,
                 channels=min(self.channels), blocks=min(self.blocks))
        for name, side in (('width_px', self.width_px), ('height_px', self.height_px)):
            if side < _STRIDE_PX or side % _STRIDE_PX:
                raise ParameterError(f'{name} is {side}; multiples of {_STRIDE_PX} are allowed')


class Logits(NamedTuple):
    """What the network says of N people's K joints.

    Attributes:
        x: (N, K, width_px * bins_per_px).
        y: (N, K, height_px * bins_per_px).
    """

    x: Tensor
    y: Tensor


def _convolution(source: int, target: int, size: int = 3, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(source, target, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(target)]


class _Block(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, source: int, target: int, stride: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            *_convolution(source, target, stride=stride), nn.ReLU(inplace=True),
            *_convolution(target, target))
        same = source == target and stride == 1
        self.around = nn.Identity() if same else nn.Sequential(
            *_convolution(source, target, 1, stride))

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.main(features) + self.around(features), inplace=True)


class Backbone(nn.Module):
    """Pictures to features at an 8th, a 16th and a 32nd of their size."""

    def __init__(self, config: PoseNetworkConfig) -> None:
        """Make it with fresh weights."""
        super().__init__()
        first = config.channels[0]
        self.stem = nn.Sequential(
            *_convolution(3, first, stride=2), nn.ReLU(inplace=True),
            *_convolution(first, first, stride=2), nn.ReLU(inplace=True))
        levels, source = [], first
        for number, (target, blocks) in enumerate(
                zip(config.channels, config.blocks, strict=True)):
            strides = [2 if number else 1] + [1] * (blocks - 1)
            parts = []
            for stride in strides:
                parts.append(_Block(source, target, stride))
                source = target
            levels.append(nn.Sequential(*parts))
        self.levels = nn.ModuleList(levels)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return the features of the last three levels, fine to coarse."""
        features, found = self.stem(pictures), []
        for level in self.levels:
            features = level(features)
            found.append(features)
        return found[1:]


class PoseNetwork(nn.Module):
    """Normalised pictures of people to the places of their joints.

    Attributes:
        config, layout: as given.
        temperature: divides the logits where probabilities are asked for.
    """

    temperature: Tensor

    def __init__(self, config: PoseNetworkConfig, layout: SkeletonLayout) -> None:
        """Make it with fresh weights."""
        super().__init__()
        self.config, self.layout = config, layout
        self.backbone = Backbone(config)
        self.lateral = nn.ModuleList(
            nn.Conv2d(channels, config.neck, 1) for channels in config.channels[1:])
        self.smooth = nn.Sequential(
            *_convolution(config.neck, config.neck), nn.ReLU(inplace=True))
        bins = _CELL_PX * config.bins_per_px * len(layout)
        self.x = nn.Conv2d(config.neck, bins, 1)
        self.y = nn.Conv2d(config.neck, bins, 1)
        self.register_buffer('temperature', torch.ones(()))

    def features(self, pictures: Tensor) -> Tensor:
        """Return the neck's (N, neck, H, W) of (N, 3, height_px, width_px), an 8th of its size."""
        levels = [lateral(features) for lateral, features in zip(
            self.lateral, self.backbone(pictures), strict=True)]
        features = levels[-1]
        for finer in levels[-2::-1]:
            features = finer + functional.interpolate(features, scale_factor=2.0)
        smooth: Tensor = self.smooth(features)
        return smooth

    def forward(self, pictures: Tensor) -> Logits:
        """Return the logits of (N, 3, height_px, width_px) pictures."""
        features = self.features(pictures)
        return Logits(self._along(self.x(features), -1), self._along(self.y(features), -2))

    def _along(self, cells: Tensor, axis: int) -> Tensor:
        """Return (N, K, B) logits along an axis: in each cell (N, K * its bins, H, W) are given.

        The probabilities of all cells in a column (a row) are summed up.
        """
        joints, bins = len(self.layout), _CELL_PX * self.config.bins_per_px
        summed = cells.float().logsumexp(-2 if axis == -1 else -1)
        return summed.unflatten(1, (joints, bins)).transpose(2, 3).flatten(2)

    def closeness(self, pictures: Tensor) -> Logits:
        """Return for each bin how much of the probability lies near it, 0..1.

        The highest bin is the answer, and its value the score: 1 = the network is sure to the
        bin, 0.5 = half of the probability is elsewhere, or all of it is half of `closeness_px`
        away.
        """
        return self.nearness(self(pictures))

    def nearness(self, logits: Logits, temperature: float | Tensor | None = None) -> Logits:
        """Return `closeness` of logits.

        Args:
            temperature: None = the network's own.
        """
        divisor = self.temperature if temperature is None else temperature
        reach = max(round(self.config.closeness_px * self.config.bins_per_px), 1)
        return Logits(*(
            _near(functional.softmax(axis.float() / divisor, -1), reach) for axis in logits))


def _near(probabilities: Tensor, reach: int) -> Tensor:
    """Weigh neighbours by a triangle that ends ``reach`` bins away: two boxes in a row."""
    width = reach + 1 - reach % 2  # odd: the boxes stay centred
    for _ in range(2):
        probabilities = functional.avg_pool1d(probabilities, width, 1, width // 2)
    return probabilities * width


def build(config: PoseNetworkConfig, layout: SkeletonLayout) -> PoseNetwork:
    """Return a network with fresh weights, its memory laid out for fast convolutions."""
    network = PoseNetwork(config, layout)
    network.to(memory_format=torch.channels_last)
    return network


def parameters(network: nn.Module) -> int:
    """Return the number of weights that are learnt."""
    return sum(weight.numel() for weight in network.parameters())


def adopt(
    network: PoseNetwork, weights: Mapping[str, Tensor], layout: SkeletonLayout | None,
) -> tuple[str, ...]:
    """Take over weights; return the names of the joints whose answers were known to them.

    Args:
        network: to change.
        weights: of a network of the same config, or of its backbone alone.
        layout: of their joints, by whose names answers are found; None = they know none.

    Raises:
        TrainingError: they are of a network of another size.
    """
    own = network.state_dict()
    known = tuple(name for name in network.layout.names
                  if layout is not None and name in layout.names)
    for name, value in weights.items():
        if name.startswith(('x.', 'y.')) and layout is not None and (
                value.shape[1:] == own[name].shape[1:]):
            # Bins of a joint lie one after another.
            mine = own[name].unflatten(0, (len(network.layout), -1))
            theirs = value.unflatten(0, (len(layout), -1))
            for joint in known:
                mine[network.layout.index(joint)] = theirs[layout.index(joint)]
        elif name in own and own[name].shape == value.shape:
            own[name].copy_(value)
        else:
            raise TrainingError(f'the weights to start from are of a network of another size '
                                f'({name}): train with the same network section')
    network.load_state_dict(own)
    return known
