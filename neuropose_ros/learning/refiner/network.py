"""The refiner's network: a gated recurrent unit that predicts, compares and corrects.

It learns what a Kalman filter is told: how much of a joint's innovation to take (KalmanNet,
Revach et al. 2022, learns the gain so), and, beyond it, by how much a detector is wrong in such a
pose. It works in the body's own frame: place and size in the image do not matter.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuropose_ros.refinement.canonical import CORE_JOINTS

JOINTS = len(CORE_JOINTS)
_PER_JOINT = 14
_OUTPUTS = 9
_LARGEST_SD = 0.2  # body sizes: a joint is somewhere on its body
_FARTHEST = 4.0  # body sizes from the middle
_MOST_DEVIATIONS = 5.0  # of the measurement: how far from it an answer may be


class Frame(NamedTuple):
    """One frame of N people; `refinement.skeletal.Prepared` as tensors, and the time step.

    Of a clip, all have a second axis T.
    """

    measured: Tensor  # (N, C, 2) px
    seen: Tensor  # (N, C)
    sd: Tensor  # (N, C) body sizes
    filtered: Tensor  # (N, C, 2) px
    filtered_sd: Tensor  # (N, C) body sizes
    age_s: Tensor  # (N, C)
    centre: Tensor  # (N, 2) px
    size: Tensor  # (N,) px
    dt_s: Tensor  # (N,), 0 = the first frame


class State(NamedTuple):
    """What is kept of N people."""

    hidden: Tensor  # (N, H)
    position: Tensor  # (N, C, 2) px
    velocity: Tensor  # (N, C, 2) px/s
    known: Tensor  # (N, 1): 1 once there is a position


class RefinerNetwork(nn.Module):
    """One step of the refinement of C core joints."""

    def __init__(self, hidden: int = 160, width: int = 256) -> None:
        """Build it."""
        super().__init__()
        self.hidden = hidden
        self.enter = nn.Sequential(
            nn.Linear(JOINTS * _PER_JOINT + 1, width), nn.SiLU(),
            nn.Linear(width, width), nn.SiLU())
        self.remember = nn.GRUCell(width, hidden)
        last = nn.Linear(width, JOINTS * _OUTPUTS)
        self.answer = nn.Sequential(nn.Linear(hidden + width, width), nn.SiLU(), last)
        with torch.no_grad():
            last.weight.mul_(0.1)
            # correction, gate, velocity gate if seen; the same if hidden; log of variance ratio
            last.bias.copy_(torch.tensor(
                [0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 1.0, -2.0, 0.0]).repeat(JOINTS))

    def initial(self, people: int) -> State:
        """Return the state of people who have not been seen yet."""
        return State(torch.zeros(people, self.hidden), torch.zeros(people, JOINTS, 2),
                     torch.zeros(people, JOINTS, 2), torch.zeros(people, 1))

    def step(self, frame: Frame, state: State) -> tuple[Tensor, Tensor, State]:
        """Return positions (N, C, 2) px, log variances (N, C) in body sizes, and the state."""
        size, centre = frame.size[:, None, None], frame.centre[:, None]
        seen, known, dt_s = frame.seen[..., None], state.known[:, None], frame.dt_s[:, None, None]
        measured = (frame.measured - centre) / size * seen
        filtered = (frame.filtered - centre) / size
        predicted = (state.position + state.velocity * dt_s - centre) / size * known
        features = torch.cat((
            measured.flatten(1), filtered.flatten(1), predicted.flatten(1),
            3 * ((measured - predicted) * known * seen).flatten(1),
            3 * ((measured - filtered) * seen).flatten(1),
            frame.seen, (frame.sd.log() + 2.5) * frame.seen, frame.filtered_sd.log() + 2.5,
            frame.age_s, (frame.dt_s[:, None] * 30 + 0.03).log()), 1)
        entered = self.enter(features)
        hidden = self.remember(entered, state.hidden)
        out = self.answer(torch.cat((hidden, entered), 1)).unflatten(1, (JOINTS, _OUTPUTS))
        chosen = torch.where(seen > 0, out[..., :4], out[..., 4:8])
        candidate = torch.where(seen > 0, measured, filtered) + chosen[..., :2]
        base = torch.where(known > 0, predicted, candidate)
        gate = torch.sigmoid(chosen[..., 2:3])
        position = (base + gate * (candidate - base)).clamp(-_FARTHEST, _FARTHEST)
        # A detector that is known to be precise is never overruled by more than its noise.
        limit = _MOST_DEVIATIONS * frame.sd[..., None]
        held = measured + limit * torch.tanh((position - measured) / limit)
        position = torch.where(seen > 0, held, position)
        speed = state.velocity / size + torch.sigmoid(chosen[..., 3:]) * (
            (position - predicted) / dt_s.clamp(min=1e-3))
        velocity = (speed * known * (dt_s > 0)).clamp(-20.0, 20.0)
        placed = position * size + centre
        after = State(hidden, placed, velocity * size, torch.ones_like(state.known))
        log_variance = 2 * frame.filtered_sd.log() + out[..., 8].clamp(-6.0, 6.0)
        log_variance = log_variance.clamp(max=2 * math.log(_LARGEST_SD))
        return placed, log_variance, after

    def forward(self, clip: Frame) -> tuple[Tensor, Tensor]:
        """Return positions (N, T, C, 2) px and log variances (N, T, C) of whole clips."""
        state = self.initial(len(clip.seen))
        positions, variances = [], []
        for tick in range(clip.seen.shape[1]):
            position, variance, state = self.step(
                Frame(*(part[:, tick] for part in clip)), state)
            positions.append(position)
            variances.append(variance)
        return torch.stack(positions, 1), torch.stack(variances, 1)
