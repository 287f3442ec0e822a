"""A network in the style of SmoothNet (Zeng et al. 2022, "SmoothNet: a plug-and-play network for
refining human poses in videos"): fully connected over time, the same for every coordinate.

As there: windows of one coordinate, an encoder, residual blocks and a decoder over time alone,
and L1 losses of position and acceleration. Centred, overlapping windows are averaged; causal,
the last value of the window that ends at a frame is taken, and training sees no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from neuropose_ros.learning.baselines.tracks import Tracks, Values


@dataclass(frozen=True)
class SmoothNetSettings:
    """How the network looks and learns.

    Attributes:
        causal: whether a value depends on frames before it alone.
        window: frames.
        hidden: width of the encoder.
        block: width inside a residual block.
        blocks: how many.
        dropout: share.
        epochs: over all clips.
        batch: clips.
        rate: Adam's learning rate at the beginning; it falls to 0 as a cosine.
        acceleration_weight: of the acceleration's loss.
        coordinates: drawn from each clip for each step.
    """

    causal: bool
    window: int = 16
    hidden: int = 64
    block: int = 32
    blocks: int = 2
    dropout: float = 0.1
    epochs: int = 40
    batch: int = 32
    rate: float = 3e-3
    acceleration_weight: float = 0.1
    coordinates: int = 8


class SmoothNet(nn.Module):
    """Windows (..., W) to windows (..., W)."""

    def __init__(self, settings: SmoothNetSettings) -> None:
        """Make layers with random weights."""
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(settings.window, settings.hidden), nn.LeakyReLU(0.1))
        self.blocks = nn.ModuleList(nn.Sequential(
            nn.Linear(settings.hidden, settings.block), nn.Dropout(settings.dropout),
            nn.LeakyReLU(0.2), nn.Linear(settings.block, settings.hidden),
            nn.Dropout(settings.dropout), nn.LeakyReLU(0.2)) for _ in range(settings.blocks))
        self.decoder = nn.Linear(settings.hidden, settings.window)
        nn.init.zeros_(self.decoder.weight)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, windows: Tensor) -> Tensor:
        """Return windows, smoothed."""
        hidden = self.encoder(windows)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        out: Tensor = windows + self.decoder(hidden)
        return out


@dataclass(frozen=True)
class TrainedSmoothNet:
    """A trained network; implements `Smoother` for tracks without gaps."""

    network: SmoothNet
    settings: SmoothNetSettings

    def __call__(self, tracks: Tracks) -> Values:
        """Return the smoothed points."""
        series, sizes, inside = _series(tracks)
        with torch.no_grad():
            smooth = smoothed(self.network.eval(), series, inside, self.settings)
        return _points(smooth, sizes, tracks)


def train_smoothnet(
    found: Sequence[Tracks], truth: Tracks, settings: SmoothNetSettings, seed: int = 0,
) -> TrainedSmoothNet:
    """Train a network.

    Args:
        found: clips without gaps; several versions of the same, one drawn for each batch.
        truth: what they should be.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = SmoothNet(settings).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.rate)
    count = len(truth.lengths)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimiser, settings.epochs * -(-count // settings.batch))
    inputs = [_series(tracks) for tracks in found]
    targets = [_series(truth, sizes)[0] for _, sizes, _ in inputs]
    for _ in range(settings.epochs):
        order = rng.permutation(count)
        for begin in range(0, count, settings.batch):
            version, chosen = rng.integers(len(inputs)), order[begin:begin + settings.batch]
            (series, _, inside), target = inputs[version], targets[version]
            turn = float(rng.choice((-1.0, 1.0)) * rng.uniform(0.7, 1.4))
            axes = rng.choice(series.shape[1], settings.coordinates, replace=False)
            optimiser.zero_grad()
            drawn, wanted = (values[chosen][:, axes] * turn for values in (series, target))
            loss = _loss(smoothed(network, drawn, inside[chosen], settings), wanted,
                         inside[chosen], settings)
            loss.backward()
            optimiser.step()
            schedule.step()
    return TrainedSmoothNet(network, settings)


def smoothed(
    network: SmoothNet, series: Tensor, inside: Tensor, settings: SmoothNetSettings,
) -> Tensor:
    """Return series (N, C, T), smoothed; beyond the ends, (N, T) not `inside`, values repeat."""
    width, frames = settings.window, series.shape[-1]
    before = width - 1
    after = 0 if settings.causal else width - 1
    last = inside.sum(1) - 1
    at = torch.arange(-before, frames + after).clamp(min=0)[None].minimum(last[:, None])
    padded = series.gather(-1, at[:, None].expand(-1, series.shape[1], -1))
    windows = padded.unfold(-1, width, 1)
    middle = windows[..., -1:] if settings.causal else windows.mean(-1, keepdim=True)
    out: Tensor = network(windows - middle) + middle
    if settings.causal:
        return out[..., -1]
    parts = [out[..., width - 1 - place:width - 1 - place + frames, place]
             for place in range(width)]
    return torch.stack(parts).mean(0)


def _loss(smooth: Tensor, target: Tensor, inside: Tensor, settings: SmoothNetSettings) -> Tensor:
    error = smooth - target
    weights = inside[:, None].float()
    second = error[..., 2:] - 2 * error[..., 1:-1] + error[..., :-2]
    total: Tensor = (error.abs() * weights).sum() / weights.sum()
    bent = (second.abs() * weights[..., 2:]).sum() / weights[..., 2:].sum()
    return (total + settings.acceleration_weight * bent) / error.shape[1]



def _series(tracks: Tracks, sizes: Values | None = None) -> tuple[Tensor, Values, Tensor]:
    """Return (N, 2K, T) in sizes, the sizes (N,) and which frames (N, T) are of the clip."""
    if sizes is None:
        sizes = tracks.sizes[np.arange(len(tracks.lengths)), np.array(tracks.lengths) - 1]
    clips, frames = tracks.points.shape[:2]
    values = np.nan_to_num(tracks.points).reshape(clips, frames, -1) / sizes[:, None, None]
    inside = np.arange(frames) < np.array(tracks.lengths)[:, None]
    return (torch.from_numpy(values.swapaxes(1, 2).astype(np.float32)), sizes,
            torch.from_numpy(inside))


def _points(series: Tensor, sizes: Values, tracks: Tracks) -> Values:
    values = series.numpy().astype(np.float64).swapaxes(1, 2) * sizes[:, None, None]
    return np.where(np.isfinite(tracks.points), values.reshape(tracks.points.shape), np.nan)
