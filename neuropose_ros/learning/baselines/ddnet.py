"""DD-Net, written from the paper: two kinds of motion and the distances between joints.

Yang, Sakti, Wu and Nakamura, "Make Skeleton-based Action Recognition Model Smaller, Faster and
Better", 2019 (arXiv:1907.09658): JCD (joint collection distances) does not change with place and
viewpoint, slow and fast motion (differences of one and of two frames) say how the body moves;
three embeddings, then 1D convolutions over time. The wide network (64 filters), 32 frames.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.learning.augmentation import AugmentationConfig
from neuropose_ros.learning.sampling import SamplingConfig
from neuropose_ros.learning.training.settings import TrainingSettings

FRAMES = 32
SAMPLING = SamplingConfig(ticks=FRAMES, batch_size=32)
# The paper's own: Adam from 1e-3 downwards, dropout, no smoothing, some noise on the joints.
AUGMENTATION = AugmentationConfig(least_crop=0.9, jitter=0.02)
TRAINING = TrainingSettings(
    epochs=120, learning_rate=1e-3, weight_decay=0.0, warmup_epochs=0, final_rate=0.01,
    gradient_clip=0.0, label_smoothing=0.0)


class Answer(NamedTuple):
    """(N, C) logits."""

    logits: Tensor

    @property
    def stream_logits(self) -> Tensor:
        """(N, C): there is but one stream."""
        return self.logits


class DDNet(nn.Module):
    """The network; takes a batch as a recogniser does and leaves the scene alone."""

    def __init__(
        self, joints: int, dimensions: int, classes: int, filters: int = 64,
    ) -> None:
        """Build it with fresh weights."""
        super().__init__()
        pairs = torch.triu_indices(joints, joints, 1)
        self.register_buffer('_pairs', pairs, persistent=False)
        flat = joints * dimensions
        self.distances = _embedding(pairs.shape[1], filters, halve=True)
        self.slow = _embedding(flat, filters, halve=True)
        self.fast = _embedding(flat, filters, halve=False)
        widths = (3 * filters, 2 * filters, 4 * filters, 8 * filters)
        self.blocks = nn.Sequential(*(
            layer for i in range(3) for layer in (
                _conv(widths[i], widths[i + 1], 3), _conv(widths[i + 1], widths[i + 1], 3),
                *((nn.MaxPool1d(2),) if i < 2 else ()))), nn.Dropout1d(0.1))
        self.head = nn.Sequential(
            *_dense(8 * filters, 128), *_dense(128, 128), nn.Linear(128, classes))

    def forward(
        self, keypoints: Tensor, mask: Tensor, lengths: Tensor, scene: Tensor | None = None,
        scene_mask: Tensor | None = None,
    ) -> Answer:
        """Recognise (N, 32, K, D) clips; a missing joint stays where it was last seen."""
        del lengths, scene, scene_mask
        points = held(keypoints, mask)
        first, second = self._pairs
        distances = (points[:, :, first] - points[:, :, second]).norm(dim=-1)
        mean = distances.mean((1, 2), keepdim=True).clamp(min=1e-6)
        flat = points.flatten(2)
        slow = functional.pad(flat[:, 1:] - flat[:, :-1], (0, 0, 0, 1))
        fast = flat[:, 2::2] - flat[:, :-2:2]
        fast = functional.pad(fast, (0, 0, 0, flat.shape[1] // 2 - fast.shape[1]))
        seen = torch.cat([
            branch(part.transpose(1, 2)) for branch, part in (
                (self.distances, (distances - mean) / mean), (self.slow, slow),
                (self.fast, fast))], 1)
        logits: Tensor = self.head(self.blocks(seen).amax(-1))
        return Answer(logits)


def held(keypoints: Tensor, mask: Tensor) -> Tensor:
    """Fill (N, T, K, D) joints that are missing with where they were last, or will be first."""
    order = torch.arange(1, mask.shape[1] + 1, device=mask.device)[:, None]
    last = (mask * order).cummax(1).values.long() - 1
    first = mask.argmax(1, keepdim=True)
    index = torch.where(last >= 0, last, first)[..., None].expand_as(keypoints)
    return keypoints.gather(1, index)


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm1d(outputs), nn.LeakyReLU(0.2))


def _embedding(inputs: int, filters: int, halve: bool) -> nn.Sequential:
    return nn.Sequential(
        _conv(inputs, filters, 1), nn.Dropout1d(0.1), _conv(filters, filters, 3),
        nn.Dropout1d(0.1), _conv(filters, filters, 1),
        *((nn.MaxPool1d(2),) if halve else ()), nn.Dropout1d(0.1))


def _dense(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return (nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.LeakyReLU(0.2),
            nn.Dropout(0.5))
