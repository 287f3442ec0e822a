"""A few people as the network sees them: export measures on them what smaller numbers lose.

They are pictures of people: they stay with the weights and do not go into an exported folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.errors import DataError, TrainingError
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.datasets.tables import read_arrays
from neuropose_ros.learning.pose_training.augmentation import Person
from neuropose_ros.learning.pose_training.crops import CropSet
from neuropose_ros.learning.pose_training.recipe import PoseRecipe
from neuropose_ros.learning.pose_training.task import crop_maker, px_of

FILE_NAME = 'samples.npz'
_MOST = 256


@dataclass(frozen=True)
class Samples:
    """N plain crops.

    Attributes:
        images: (N, H, W, 3) uint8 BGR.
        points: (N, K, 2) px of the crops, NaN where not known.
        px: (N,) a px of the crop as a share of the person's size.
        held_back: whether nothing was learnt from them.
    """

    images: NDArray[np.uint8]
    points: Floats
    px: Floats
    held_back: bool

    def distances(self, found: Floats) -> Floats:
        """Return (N, K) distances of (N, K, 2) answers, shares of the people's sizes."""
        away: Floats = np.linalg.norm(found - self.points, axis=-1) * self.px[:, np.newaxis]
        return away

    def pck(self, found: Floats, limit: float) -> float:
        """Return the share of the known joints that (N, K, 2) answers find."""
        return float((self.distances(found)[np.isfinite(self.points).all(-1)] < limit).mean())


def draw(recipe: PoseRecipe, train: CropSet, held: CropSet | None, seed: int = 0) -> Samples:
    """Return up to 256 people, of those held back where there are some."""
    source = train if held is None or not len(held) else held
    chosen = np.sort(np.random.default_rng(seed).permutation(len(source))[:_MOST])
    maker, rng = crop_maker(recipe, source), np.random.default_rng(seed)
    made: list[Person] = [maker.make(source.person(index), rng) for index in chosen]
    points = np.stack([person.points for person in made])
    known = np.asarray(np.isfinite(source.points[chosen]).all(-1))[..., np.newaxis]
    return Samples(
        np.stack([person.image for person in made]), np.where(known, points, np.nan),
        px_of(source, chosen, recipe)[:, 0], source is held)


def save_samples(samples: Samples, path: Path) -> None:
    """Write a file that `load_samples` reads.

    Raises:
        TrainingError: it cannot be written.
    """
    try:
        with path.open('wb') as file:
            np.savez_compressed(
                file, images=samples.images, points=samples.points, px=samples.px,
                held_back=np.array(samples.held_back))
    except OSError as error:
        raise TrainingError(f'{path}: cannot be written ({error.strerror})') from error


def load_samples(path: Path) -> Samples | None:
    """Read them; None = there are none.

    Raises:
        DataError: the file is damaged.
    """
    if not path.is_file():
        return None
    table = read_arrays(path, ('images', 'points', 'px', 'held_back'))
    if table['images'].ndim != 4 or len(table['images']) != len(table['points']):
        raise DataError(f'{path}: damaged; train again, or delete it')
    return Samples(table['images'], table['points'], table['px'], bool(table['held_back']))
