"""A clip as a whole: what is true of all of it, for few and noisy recordings.

A convolution has to find out what matters; these features say it: the poses at a few times, the
distances between joints, how far each joint gets, how fast it swings. Each kind of feature has
the same weight, however many numbers it is made of. A layer on top learns from a few hundred
clips what takes an encoder thousands. The scene has a classifier of its own, as a further stream:
streams are trained one by one, so that the poses are learnt where the scene would be easier.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.networks.config import NetworkConfig
from neuropose_ros.learning.networks.stretching import TICKS, stretched

_FADE_TICKS = 1.5
_FREQUENCIES = 8
_SCENE_DROPOUT = 0.8
"""Of the scene's values: there are more of them than clips, and a recording has one scene."""
_SCENE_WEIGHT = 0.6
"""Of the scene's logits beside 1 of the poses': it is right less often."""
_SURE = 4.0
"""Deviations from the mean beyond which a feature says no more."""
_HIPS = ('left_hip', 'right_hip')
_TRUNK = (*_HIPS, 'left_shoulder', 'right_shoulder')


class Summary(nn.Module):
    """Classifies whole clips by summary features, and by their scene."""

    def __init__(
        self, config: NetworkConfig, layout: SkeletonLayout, dimensions: int, classes: int,
    ) -> None:
        """Build it."""
        super().__init__()
        self.features = SummaryFeatures(layout)
        sizes = [part.shape[1] for part in self.features(
            torch.zeros(1, TICKS, len(layout), dimensions), torch.ones(1, TICKS, len(layout)))]
        self.poses = _Classifier(
            sizes, config.summary, classes, config.dropout, config.dropout)
        self.scene = _Classifier(
            [config.scene_size], config.context_width, classes, config.dropout, _SCENE_DROPOUT,
        ) if config.scene_size else None

    def forward(
        self, keypoints: Tensor, mask: Tensor, lengths: Tensor, scene: Tensor | None,
        scene_mask: Tensor | None,
    ) -> Tensor:
        """Classify clips, arguments as of `Recogniser.forward`.

        Returns:
            (N, 1, C) logits by the poses; with a scene (N, 2, C), also by the scene, 0 where
            there is none.
        """
        points, seen = stretched(keypoints, mask, lengths)
        logits = [self.poses(torch.cat(self.features(points, seen), 1))]
        if self.scene is not None and scene is not None:
            there = scene.new_ones(scene.shape[:2]) if scene_mask is None else scene_mask
            mean = (scene * there[..., None]).sum(1) / there.sum(1, keepdim=True).clamp(min=1)
            logits.append(self.scene(mean) * there.amax(1, keepdim=True))
        return torch.stack(logits, 1)


def combined(logits: Tensor) -> Tensor:
    """Return the (N, C) answer of what `Summary` gave."""
    poses, scene = logits[:, 0], logits[:, 1:]
    return (poses + _SCENE_WEIGHT * scene.sum(1)) / (1 + _SCENE_WEIGHT * scene.shape[1])


class SummaryFeatures(nn.Module):
    """Features of whole clips."""

    def __init__(self, layout: SkeletonLayout) -> None:
        """Choose the joints that stand for the body's place."""
        super().__init__()
        self._hips, self._trunk = _known(layout, _HIPS), _known(layout, _TRUNK)
        bones = layout.edges or tuple((0, k) for k in range(1, len(layout)))
        for name, value in {
                'bones': torch.tensor(bones).T,
                'pairs': torch.triu_indices(len(layout), len(layout), 1),
                'eighths': _means(8), 'sixths': _means(6), 'waves': _waves(),
                'twelve': torch.eye(TICKS)[torch.linspace(0, TICKS - 1, 12).round().long()],
        }.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, points: Tensor, mask: Tensor) -> list[Tensor]:
        """(N, 32, K, D), (N, 32, K) -> the kinds of features, (N, F) each."""
        points = filled(points, mask)
        local = points - points[:, :, self._hips].mean(2, keepdim=True)
        centred = points - points[:, :, self._trunk].mean(2, keepdim=True)
        few = _at(self.eighths, points)
        first, second = self.pairs
        pose = _at(self.sixths, points)
        distances = (pose[:, :, first] - pose[:, :, second]).norm(dim=-1)
        start, end = self.bones
        bones = functional.normalize(points[:, :, end] - points[:, :, start], dim=-1, eps=1e-3)
        swing, local_swing = self._swing(points), self._swing(local)
        parts = (
            _at(self.eighths, local), _at(self.twelve, local), _at(self.twelve, points),
            few[:, 3:] - few[:, :-3], distances, _moments(centred), _reach(points),
            _reach(local), swing, (swing + 0.1).log(), (local_swing + 0.1).log(),
            _at(self.eighths, bones), _moments(bones))
        return [part.flatten(1) for part in parts]

    def _swing(self, points: Tensor) -> Tensor:
        """How much of each slow frequency is in each coordinate."""
        cosines, sines = (_at(wave, points) for wave in self.waves)
        return (cosines.square() + sines.square() + 1e-8).sqrt()


class _Classifier(nn.Module):
    """One hidden layer on standardised features, groups of them weighted alike."""

    weights: Tensor

    def __init__(
        self, sizes: Sequence[int], width: int, classes: int, dropout: float, entry: float,
    ) -> None:
        super().__init__()
        total = sum(sizes)
        self.standard = nn.BatchNorm1d(total, affine=False, momentum=0.05)
        self.register_buffer('weights', torch.cat(
            [torch.full((size,), (total / len(sizes) / size) ** 0.5) for size in sizes]))
        self.layers = nn.Sequential(
            nn.Dropout(entry), nn.Linear(total, width), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Dropout(dropout), nn.Linear(width, classes))

    def forward(self, features: Tensor) -> Tensor:
        standard = self._standardised(features).clamp(-_SURE, _SURE)
        logits: Tensor = self.layers(standard * self.weights)
        return logits

    def _standardised(self, features: Tensor) -> Tensor:
        norm = self.standard
        if self.training:
            learnt: Tensor = norm(features)
            return learnt
        # The same in words that ONNX has for features whose number it cannot see.
        return (features - norm.running_mean) * (norm.running_var + norm.eps).rsqrt()


def filled(points: Tensor, mask: Tensor) -> Tensor:
    """Put the nearest known places of a joint, in time, where (N, T, K, D) has none."""
    ticks = torch.arange(points.shape[1], device=points.device)
    near = torch.exp(-(ticks[:, None] - ticks).abs() / _FADE_TICKS)
    weight = torch.einsum('st,ntk->nsk', near, mask)[..., None]
    mean = torch.einsum('st,ntkd->nskd', near, points * mask[..., None])
    known = mask[..., None]
    return points * known + (1 - known) * mean / weight.clamp(min=1e-12)


def _at(matrix: Tensor, points: Tensor) -> Tensor:
    """(S, T) combinations over time of (N, T, K, D)."""
    return torch.einsum('st,ntkd->nskd', matrix, points)


def _moments(points: Tensor) -> Tensor:
    return torch.cat((points.mean(1), points.std(1)), 1)


def _reach(points: Tensor) -> Tensor:
    return (points.amax(1) - points.amin(1) + 0.05).log()


def _known(layout: SkeletonLayout, names: Sequence[str]) -> list[int]:
    """Indices of joints; all of a layout that lacks one."""
    if all(name in layout.names for name in names):
        return [layout.index(name) for name in names]
    return list(range(len(layout)))


def _means(parts: int) -> Tensor:
    """(parts, 32) weights that take means over equal parts of time."""
    place = (torch.arange(TICKS) + 0.5) * parts / TICKS
    member = (place.long() == torch.arange(parts)[:, None]).float()
    return member / member.sum(1, keepdim=True)


def _waves() -> Tensor:
    """(2, frequencies, 32): cosines and sines."""
    angles = 2 * torch.pi * torch.arange(1, _FREQUENCIES + 1)[:, None] * torch.arange(
        TICKS) / TICKS
    return torch.stack((angles.cos(), angles.sin()))
