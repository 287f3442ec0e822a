"""Per-tick features of poses: joints, bones, distances, and motion at several speeds."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.networks.memory import Memory

_POSES, _INSIDE = 'feature_poses', 'feature_inside'
_TRUNK = ('left_hip', 'right_hip', 'pelvis', 'hip', 'left_shoulder', 'right_shoulder')


def trunk(layout: SkeletonLayout) -> tuple[int, ...]:
    """Return the joints whose mean is the root: hips and shoulders, or all if there are none."""
    found = tuple(layout.index(name) for name in _TRUNK if name in layout.names)
    return found or tuple(range(len(layout)))


class Features(nn.Module):
    """Turns poses into groups of features; learns nothing."""

    root: Tensor
    bones: Tensor
    pairs: Tensor

    def __init__(
        self, layout: SkeletonLayout, dimensions: int, lags: tuple[int, ...], distances: bool,
    ) -> None:
        """Build it for a layout; `lags` are ticks of motion, the longest last."""
        super().__init__()
        joints = len(layout)
        self.joints, self.dimensions, self.lags = joints, dimensions, lags
        weights = torch.zeros(joints)
        weights[list(trunk(layout))] = 1 / len(trunk(layout))
        bones = torch.zeros(len(layout.edges), joints)
        for row, (start, end) in enumerate(layout.edges):
            bones[row, start], bones[row, end] = -1.0, 1.0
        self.register_buffer('root', weights, persistent=False)
        self.register_buffer('bones', bones, persistent=False)
        self.register_buffer(
            'pairs', torch.triu_indices(joints, joints, 1), persistent=False)
        self.distances = distances

    @property
    def sizes(self) -> tuple[int, ...]:
        """Channels of each group that `forward` gives."""
        joint = self.joints * self.dimensions
        still = joint + self.dimensions + len(self.bones) * self.dimensions
        groups = (still, *(joint for _ in self.lags))
        return (*groups, self.pairs.shape[1]) if self.distances else groups

    @property
    def joint_size(self) -> int:
        """Channels of a joint in the second output of `forward`."""
        return self.dimensions * (1 + len(self.lags)) + 1

    def states(self) -> dict[str, tuple[int, ...]]:
        """Return name -> shape of what `step` keeps."""
        return {_POSES: (self.lags[-1], self.joints, self.dimensions), _INSIDE: (self.lags[-1],)}

    def forward(self, poses: Tensor, mask: Tensor, valid: Tensor) -> tuple[list[Tensor], Tensor]:
        """(N, T, K, D), (N, T, K), (N, T) -> groups (N, T, F) and joints (N, T, K, J)."""
        motions = []
        for lag in self.lags:
            before = functional.pad(poses, (0, 0, 0, 0, lag, -lag))
            inside = valid * functional.pad(valid, (lag, -lag))
            motions.append((poses - before) * inside[..., None, None])
        return self._groups(poses, mask, motions)

    def step(self, poses: Tensor, mask: Tensor, memory: Memory) -> tuple[list[Tensor], Tensor]:
        """(N, K, D), (N, K) of one tick -> groups (N, F) and joints (N, K, J)."""
        past, inside = memory.read(_POSES), memory.read(_INSIDE)
        motions = [(poses - past[:, -lag]) * inside[:, -lag, None, None] for lag in self.lags]
        memory.write(_POSES, torch.cat((past[:, 1:], poses[:, None]), 1))
        memory.write(
            _INSIDE, torch.cat((inside[:, 1:], torch.ones_like(inside[:, :1])), 1))
        return self._groups(poses, mask, motions)

    def _groups(
        self, poses: Tensor, mask: Tensor, motions: list[Tensor],
    ) -> tuple[list[Tensor], Tensor]:
        root = torch.einsum('...kd,k->...d', poses, self.root)
        relative = poses - root[..., None, :]
        bones = torch.einsum('...kd,bk->...bd', poses, self.bones)
        groups = [torch.cat((relative.flatten(-2), root, bones.flatten(-2)), -1)]
        groups += [motion.flatten(-2) for motion in motions]
        if self.distances:
            apart = poses[..., self.pairs[0], :] - poses[..., self.pairs[1], :]
            groups.append(apart.square().sum(-1).add(1e-8).sqrt())
        joints = torch.cat((relative, *motions, mask[..., None]), -1)
        return groups, joints
