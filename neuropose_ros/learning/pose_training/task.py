"""Learning where joints are: the loop's task, and judging what was learnt."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from neuropose_ros.core.errors import TrainingError
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.pose_training.augmentation import PLAIN, CropMaker
from neuropose_ros.learning.pose_training.crops import CropSet
from neuropose_ros.learning.pose_training.network import Logits, PoseNetwork
from neuropose_ros.learning.pose_training.recipe import PoseRecipe
from neuropose_ros.learning.training.processes import Team

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Of RGB, 0..255: ImageNet's, by custom."""
LIMITS = (0.1, 0.2)
_JUDGED_AT_ONCE = 64

Item = TypeVar('Item')


class PoseBatch(NamedTuple):
    """N crops.

    Attributes:
        pictures: (N, 3, H, W) float32, normalised.
        points: (N, K, 2) px of the crops; anything where the weight is 0.
        weights: (N, K).
    """

    pictures: Tensor
    points: Tensor
    weights: Tensor


class PoseLearning:
    """Learns the joints of people in crops; the loop's task."""

    def __init__(
        self, network: PoseNetwork, crops: CropSet, recipe: PoseRecipe, seed: int,
        validation: CropSet | None = None,
    ) -> None:
        """Take a network and what it learns from.

        Args:
            validation: people that judge it.

        Raises:
            TrainingError: there is nobody to learn from.
        """
        if not len(crops) or not crops.weights.any():
            raise TrainingError('there is nobody to learn from: no person has a known joint')
        self.network = network
        self._crops, self._recipe, self._seed = crops, recipe, seed
        self._validation = validation
        settings = recipe.training
        self._people = min(settings.people_per_epoch or len(crops), len(crops))
        self._batch = min(settings.batch_size, self._people)
        self.steps_per_epoch = self._people // self._batch
        self._maker = crop_maker(recipe, crops, augmented=True)

    def batches(self, epoch: int, team: Team) -> Iterator[PoseBatch]:
        """Give the augmented batches of an epoch, the next one made while one is learnt from.

        Raises:
            TrainingError: a process has not two people of a batch, whom normalisation needs.
        """
        if self._batch < 2 * team.size:
            raise TrainingError(
                f'batches of {self._batch} people are too small: each of {team.size} processes '
                f'needs two people, and {len(self._crops)} are there to learn from; '
                'training.batch_size and training.people_per_epoch may ask for fewer')
        order = np.random.default_rng([self._seed, epoch]).permutation(len(self._crops))
        # A part of equal size for each process: they wait for each other in every step.
        used = self._batch // team.size * team.size

        def made() -> Iterator[PoseBatch]:
            for step in range(self.steps_per_epoch):
                chosen = order[step * self._batch:][:used]
                rng = np.random.default_rng([self._seed, epoch, step, team.rank])
                yield make_batch(self._crops, chosen[team.rank::team.size], self._maker, rng)

        for batch in ahead(made):
            yield PoseBatch(*(part.to(team.device) for part in batch))

    def losses(self, network: nn.Module, batch: PoseBatch) -> dict[str, Tensor]:
        """Return how far the answers are from those that are taught (Kullback-Leibler)."""
        config, spread = self.network.config, self._recipe.training.spread_px
        found = network(batch.pictures)
        total = batch.weights.sum().clamp_min(1.0)
        return {name: _divergence(
            logits, batch.points[..., axis] * config.bins_per_px, spread * config.bins_per_px,
            batch.weights) / total for name, axis, logits in (
                ('x', 0, found.x), ('y', 1, found.y))}

    def score(self, network: nn.Module) -> dict[str, float]:
        """Return PCK on the validation part, shares of the box around a person's joints."""
        if self._validation is None or not len(self._validation):
            return {}
        assert isinstance(network, PoseNetwork)
        distances = judge(network, self._validation, self._recipe)
        known = np.isfinite(distances)
        if not known.any():
            raise TrainingError('no joint of the people that are held back is known')
        return {f'pck@{limit:g}': float((distances[known] < limit).mean()) for limit in LIMITS}


def crop_maker(recipe: PoseRecipe, crops: CropSet, *, augmented: bool = False) -> CropMaker:
    """Return what cuts the network's input out of crops."""
    config = recipe.network
    return CropMaker(crops.layout, config.width_px, config.height_px, recipe.data.padding,
                     recipe.augmentation if augmented else PLAIN)


def make_batch(
    crops: CropSet, chosen: NDArray[np.intp], maker: CropMaker, rng: np.random.Generator,
) -> PoseBatch:
    """Return some people as the network takes them."""
    made = [maker.make(crops.person(index), rng,
                       lambda: crops.person(int(rng.integers(len(crops))))) for index in chosen]
    return PoseBatch(
        pictures_of(np.stack([person.image for person in made])),
        torch.from_numpy(np.nan_to_num(np.stack([person.points for person in made]))),
        torch.from_numpy(np.stack([person.weights for person in made])))


def pictures_of(images: NDArray[np.uint8]) -> Tensor:
    """Return (N, H, W, 3) uint8 BGR pictures normalised, (N, 3, H, W), channels last in memory."""
    values = torch.from_numpy(np.ascontiguousarray(images[..., ::-1])).float()
    values.sub_(torch.tensor(MEAN)).div_(torch.tensor(STD))
    return values.permute(0, 3, 1, 2)


def ahead(make: Callable[[], Iterator[Item]], most: int = 2) -> Iterator[Item]:
    """Give what an iterator gives, made by a thread up to ``most`` items ahead.

    OpenCV lets other threads run: pictures cost no time where a second core is free.
    """
    ready: queue.Queue[tuple[Item | None, BaseException | None]] = queue.Queue(most)
    stop = threading.Event()

    def put(item: Item | None, error: BaseException | None = None) -> None:
        while not stop.is_set():
            try:
                ready.put((item, error), timeout=0.2)
                return
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in make():
                put(item)
                if stop.is_set():
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001  (raised again where it is waited for)
            put(None, error)

    thread = threading.Thread(target=work, name='pictures', daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stop.set()
        thread.join()


def _divergence(logits: Tensor, places: Tensor, spread: float, weights: Tensor) -> Tensor:
    """Return the weighted sum of the divergences of (N, K, B) logits from bells at (N, K) bins."""
    bins = torch.arange(logits.shape[-1], device=logits.device, dtype=torch.float32)
    bells = -(bins - places.float().unsqueeze(-1)).square() / (2 * spread * spread)
    target = bells.softmax(-1)
    wrong = functional.kl_div(
        functional.log_softmax(logits.float(), -1), target, reduction='none').sum(-1)
    return (wrong * weights).sum()


def judge(network: PoseNetwork, crops: CropSet, recipe: PoseRecipe) -> Floats:
    """Return (N, K) distances to the truth, shares of the people's sizes; NaN = not known.

    The network is asked as in use: one plain look, the best bins.
    """
    maker, device = crop_maker(recipe, crops), next(network.parameters()).device
    rng = np.random.default_rng(0)
    found = []
    for begin in range(0, len(crops), _JUDGED_AT_ONCE):
        chosen = np.arange(begin, min(begin + _JUDGED_AT_ONCE, len(crops)))
        batch = make_batch(crops, chosen, maker, rng)
        points = places(network, network.closeness(batch.pictures.to(device)))
        away = np.linalg.norm(points - batch.points.numpy(), axis=-1)
        found.append(np.where(
            np.isfinite(crops.points[chosen]).all(-1), away * px_of(crops, chosen, recipe),
            np.nan))
    return np.concatenate(found).astype(np.float32)


def places(network: PoseNetwork, answers: Logits) -> Floats:
    """Return the (N, K, 2) best bins, px of the crop."""
    best = torch.stack([answers.x.argmax(-1), answers.y.argmax(-1)], -1).float()
    points: Floats = (best / network.config.bins_per_px).cpu().numpy()
    return points


def px_of(crops: CropSet, chosen: NDArray[np.intp], recipe: PoseRecipe) -> Floats:
    """Return (N, 1): a px of the network's input as a share of the person's size."""
    boxes, config = crops.boxes[chosen], recipe.network
    sides = (boxes[:, 2:] - boxes[:, :2]) * recipe.data.padding
    pixels = (sides / np.array([config.width_px, config.height_px], np.float32)).max(1)
    share: Floats = (pixels / np.maximum(crops.sizes[chosen], 1e-6))[:, np.newaxis]
    return share
