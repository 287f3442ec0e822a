"""Training a refiner: what it needs to know of a data set, the network, and how sure it may be."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.refiner.batches import Batch, collate
from neuropose_ros.learning.refiner.examples import Example, Examples, Mixture, true_positions
from neuropose_ros.learning.refiner.losses import JOINTS, refiner_loss
from neuropose_ros.learning.refiner.measures import (
    MASKED_SHARES,
    accuracy,
    burst_masks,
    in_truth_definition,
    joint_offsets,
    masked_error,
)
from neuropose_ros.learning.refiner.network import RefinerNetwork
from neuropose_ros.learning.refiner.noise import fit_noise
from neuropose_ros.learning.refiner.pairs import FOUND_LAYOUT, Pair, hold_out, sure
from neuropose_ros.learning.refiner.settings import RefinerSettings
from neuropose_ros.learning.refiner.skeletal import fit_skeletal
from neuropose_ros.refinement.noise import NoiseModel
from neuropose_ros.refinement.skeletal import SkeletalModel

Progress = Callable[[int, float], None]
_LARGEST_GRADIENT = 1.0
_NINE_OF_TEN = 4.605  # squared deviations that hold 90 % of a normal error in two axes
_LEAST_PAIRS = 10


@dataclass(frozen=True)
class TrainedRefiner:
    """A refiner in memory.

    Attributes:
        spread: factors on standard deviations, of seen and hidden joints.
        figures: on the clips that were held out.
    """

    network: RefinerNetwork
    skeleton: SkeletalModel
    noise: NoiseModel
    spread: tuple[float, float]
    figures: dict[str, float]


def train_refiner(
    pairs: Sequence[Pair], settings: RefinerSettings, seed: int = 0,
    progress: Progress | None = None, mocap: Sequence[Pair] = (),
) -> TrainedRefiner:
    """Train on clips with their truth; same clips, settings and seed, same refiner.

    Args:
        pairs: for training; some are held out to judge and calibrate by.
        settings: how.
        seed: of everything that is drawn.
        progress: takes the number of steps done and the loss.
        mocap: further movement, without detections.

    Raises:
        DataError: there are too few clips.
    """
    fit, held = hold_out(pairs, settings.hold_out, seed)
    if len(sure(fit)) < _LEAST_PAIRS or not sure(held):
        raise DataError(f'{len(sure(pairs))} clips with sure truth are too few to train a refiner '
                        f'and hold out some: give at least {2 * _LEAST_PAIRS}')
    offsets = joint_offsets(sure(fit))
    noise, skeleton = fit_noise(sure(fit), offsets), fit_skeletal(fit)
    mixture = replace(Mixture(), found=settings.detections)
    examples = Examples(fit, offsets, noise, mixture, seed, mocap)
    network = _fitted(examples, skeleton, settings, seed, progress)
    judge = Judge(examples, skeleton, held, offsets)
    return TrainedRefiner(
        network, skeleton, noise, judge.spread(network), judge.figures(network))


def _fitted(
    examples: Examples, skeleton: SkeletalModel, settings: RefinerSettings, seed: int,
    progress: Progress | None,
) -> RefinerNetwork:
    """Return the average of the weights along the way: steadier than the last ones."""
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)
    network = RefinerNetwork(settings.hidden, settings.width)
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, settings.steps, pct_start=0.1)
    for step in range(settings.steps):
        batch = collate(skeleton, [examples.draw() for _ in range(settings.batch)])
        position, log_variance = network(batch.frames)
        loss = refiner_loss(position, log_variance, batch, settings.smoothness)
        optimiser.zero_grad()
        loss.backward()
        size = torch.nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        if torch.isfinite(size):
            optimiser.step()
        rate.step()
        kept = min(settings.averaging, step / (step + 20))
        with torch.no_grad():
            for mean, value in zip(average.parameters(), network.parameters(), strict=True):
                mean.lerp_(value, 1 - kept)
        if progress is not None:
            progress(step + 1, float(loss.detach()))
    average.eval()
    with torch.no_grad():  # as they are stored: what is judged is what ships
        for mean in average.parameters():
            mean.copy_(mean.half().float())
    return average


class Judge:
    """Measures networks on clips that were held out."""

    def __init__(
        self, examples: Examples, skeleton: SkeletalModel, held: Sequence[Pair], offsets: Floats,
    ) -> None:
        """Prepare the clips once."""
        self._pairs, self._sure = tuple(held), sure(held)
        self._offsets, self._places = offsets, true_positions()
        self._found = collate(skeleton, [examples.found(pair) for pair in self._sure])
        self._masks = {share: burst_masks(held, share, 1) for share in MASKED_SHARES}
        self._hidden = {
            share: collate(skeleton, [self._masked(examples.true(pair), mask)
                                      for pair, mask in zip(held, masks, strict=True)])
            for share, masks in self._masks.items()}

    def _masked(self, example: Example, mask: np.ndarray) -> Example:
        points = example.points.copy()
        points[:, self._places] = np.where(mask[..., None], np.nan, points[:, self._places])
        return example._replace(points=points)

    def figures(self, network: RefinerNetwork) -> dict[str, float]:
        """Return PCK and acceleration on detections, and the error of hidden joints in boxes."""
        with torch.inference_mode():
            said = network(self._found.frames)[0].numpy()
            figures = accuracy([
                in_truth_definition(said[i, :len(pair), :len(FOUND_LAYOUT)], pair, self._offsets)
                for i, pair in enumerate(self._sure)], self._sure)
            for share, batch in self._hidden.items():
                said = network(batch.frames)[0].numpy()
                figures[f'masked{100 * share:.0f}'] = masked_error(
                    [said[i, :len(pair)][:, self._places] for i, pair in enumerate(self._pairs)],
                    self._pairs, self._masks[share])
        return figures

    def spread(self, network: RefinerNetwork) -> tuple[float, float]:
        """Return the factors with which 90 % ellipses hold 90 % of the truth.

        Of joints that are seen by detections, and of hidden ones by true joints.
        """
        with torch.inference_mode():
            seen = _distances(network, self._found, hidden=False)
            hidden = np.concatenate([_distances(network, batch, hidden=True)
                                     for batch in self._hidden.values()])
        return _factor(seen), _factor(hidden)


def _distances(network: RefinerNetwork, batch: Batch, *, hidden: bool) -> Floats:
    """Return the squared errors in variances, of the joints whose truth is known."""
    position, log_variance = network(batch.frames)
    variance = log_variance.exp() * batch.frames.size[..., None] ** 2
    distance = (position - batch.target).square().sum(-1) / variance
    chosen = (batch.weight > 0) & ((batch.frames.seen > 0) != hidden)
    chosen[..., len(FOUND_LAYOUT):JOINTS] &= bool(hidden)
    chosen_distances: Floats = distance[chosen].numpy()
    return chosen_distances


def _factor(distances: Floats) -> float:
    return float(np.sqrt(np.quantile(distances, 0.9) / _NINE_OF_TEN)) if len(distances) else 1.0
