"""Predictive completion: where joints are that nobody saw, from time and from the other joints.

Predict, compare, correct: each joint is predicted for each tick from the other ticks alone (from
the past; of whole clips from the future too). What was measured is compared with that: the
difference is the prediction error, an output. The errors of the joints that were seen then
correct the predictions of those that were not.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.learning.networks.memory import Memory
from neuropose_ros.learning.networks.temporal import Direction, TemporalConv

_HOLD, _AGE, _CONTEXT = 'completion_hold', 'completion_age', 'completion_context'
_LONGEST_AGE = 32.0


class Completed(NamedTuple):
    """What completion gives.

    Attributes:
        keypoints: (N, T, K, D), measured where measured, else predicted and corrected.
        predicted: (N, T, K, D) from other ticks alone.
        error: (N, T, K) distance between measured and predicted; 0 where missing.
    """

    keypoints: Tensor
    predicted: Tensor
    error: Tensor


class _Past(nn.Module):
    """Reads ticks in one direction; its output at a tick has seen that tick and those before."""

    def __init__(self, joints: int, dimensions: int, width: int, direction: Direction) -> None:
        super().__init__()
        self.enter = TemporalConv(joints * (dimensions + 1), width, 1)
        self.layers = nn.ModuleList(
            TemporalConv(width, width, 3, dilation, direction) for dilation in (1, 2, 4))

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        y = functional.silu(self.enter(x)) * valid
        for layer in self.layers:
            y = (y + functional.silu(layer(y))) * valid
        return y

    def step(self, x: Tensor, memory: Memory) -> Tensor:
        y = functional.silu(self.enter.step(x, memory))
        for layer in self.layers:
            y = y + functional.silu(layer.step(y, memory))
        return y


class Completion(nn.Module):
    """Completes poses of one skeleton layout."""

    def __init__(self, joints: int, dimensions: int, width: int, causal: bool) -> None:
        """Build it; a causal one uses the past alone."""
        super().__init__()
        self.joints, self.dimensions, self.causal = joints, dimensions, causal
        self.past = _Past(joints, dimensions, width, 'causal')
        self.future = None if causal else _Past(joints, dimensions, width, 'anticausal')
        sides = 1 if causal else 2
        self.predict = _head(sides * (width + joints), width, joints * dimensions)
        self.correct = _head(
            sides * (width + joints) + joints * (dimensions + 1), width, joints * dimensions)

    def states(self) -> dict[str, tuple[int, ...]]:
        """Return name -> shape of what `step` keeps besides the convolutions' past."""
        return {_HOLD: (self.joints, self.dimensions), _AGE: (self.joints,),
                _CONTEXT: (self.past.enter.out_channels,)}

    def forward(self, keypoints: Tensor, mask: Tensor, valid: Tensor) -> Completed:
        """Complete clips.

        Args:
            keypoints: (N, T, K, D), 0 where missing.
            mask: (N, T, K), 1 = measured.
            valid: (N, T), 1 = inside the clip.
        """
        inputs = torch.cat((keypoints.flatten(2), mask), -1).transpose(1, 2)
        inside = valid[:, None]
        hold, age = _last_before(keypoints, mask)
        context = [functional.pad(self.past(inputs, inside), (1, -1)).transpose(1, 2), age]
        if self.future is not None:
            later, wait = (part.flip(1) for part in _last_before(keypoints.flip(1), mask.flip(1)))
            after = functional.pad(self.future(inputs, inside)[..., 1:], (0, 1))
            context += [after.transpose(1, 2), wait]
            hold = _between(hold, age, later, wait)
        return self._complete(keypoints, mask, hold, torch.cat(context, -1))

    def step(self, keypoints: Tensor, mask: Tensor, memory: Memory) -> Completed:
        """Complete one tick, (N, K, D) and (N, K), from the past."""
        hold, age = memory.read(_HOLD), memory.read(_AGE)
        context = torch.cat((memory.read(_CONTEXT), age), -1)
        done = self._complete(keypoints, mask, hold, context)
        inputs = torch.cat((keypoints.flatten(1), mask), -1)
        memory.write(_CONTEXT, self.past.step(inputs, memory))
        memory.write(_HOLD, torch.where(mask[..., None] > 0, keypoints, hold))
        # An age of 0 is "never seen"; seen now is 1 at the next tick, in units of the longest.
        older = (age + 1 / _LONGEST_AGE).clamp(max=1.0) * (age > 0)
        memory.write(_AGE, torch.where(mask > 0, torch.full_like(age, 1 / _LONGEST_AGE), older))
        return done

    def _complete(
        self, keypoints: Tensor, mask: Tensor, hold: Tensor, context: Tensor,
    ) -> Completed:
        """Last axes (K, D), (K), (K, D), (F); the same for clips and for one tick."""
        shape, seen = keypoints.shape, mask[..., None]
        predicted = hold + self.predict(context).reshape(shape)
        innovation = (keypoints - predicted) * seen
        evidence = torch.cat((context, innovation.flatten(-2), mask), -1)
        corrected = predicted + self.correct(evidence).reshape(shape)
        error = innovation.square().sum(-1).add(1e-12).sqrt() * mask
        return Completed(torch.where(seen > 0, keypoints, corrected), predicted, error)


def _head(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Two layers whose answer is 0 before training: the last known place is the first guess."""
    last = nn.Linear(width, outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(inputs, width), nn.SiLU(), last)


def _last_before(keypoints: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return where each joint was last measured strictly before each tick, and how long ago.

    Returns:
        (N, T, K, D) with 0 where never, and (N, T, K) ages, 0 = never, 1 = longest or longer.
    """
    ticks = mask.shape[1]
    order = torch.arange(1, ticks + 1, device=mask.device, dtype=mask.dtype)
    before = (order[:, None] > order[None]).to(mask.dtype)
    # (N, T, T', K) -> newest T' that is measured and before T, counted from 1; 0 = none.
    newest = (mask[:, None] * before[None, ..., None] * order[None, None, :, None]).amax(2)
    index = (newest.long() - 1).clamp(min=0)[..., None].expand_as(keypoints)
    known = (newest > 0).to(mask.dtype)
    age = ((order[None, :, None] - newest) / _LONGEST_AGE).clamp(max=1.0) * known
    return keypoints.gather(1, index) * known[..., None], age


def _between(hold: Tensor, age: Tensor, later: Tensor, wait: Tensor) -> Tensor:
    """Interpolate between the last and the next known place; one of them alone holds."""
    known = (age > 0).to(age.dtype), (wait > 0).to(wait.dtype)
    weights = known[0] * torch.where(known[1] > 0, wait, torch.ones_like(wait))
    others = known[1] * torch.where(known[0] > 0, age, torch.ones_like(age))
    total = (weights + others).clamp(min=1e-6)
    return (hold * weights[..., None] + later * others[..., None]) / total[..., None]
