"""What the joints of a layout have to do with each other: bones, sides, limbs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.skeleton import SkeletonLayout

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

# Detectors confuse the sides of these as a whole, by words in the joints' names; every other pair
# of joints may be confused by itself.
_PARTS = {
    'face': ('eye', 'ear', 'mouth', 'face'),
    'foot': ('ankle', 'foot', 'heel', 'toe'),
    'hand': ('wrist', 'hand', 'thumb', 'finger', 'pinky', 'index'),
}
# A joint follows seen joints, each weighing this much less for every bone in between.
_WEIGHT_PER_BONE = 0.2


@dataclass(frozen=True, eq=False)
class Body:
    """The structure of K joints; rows are the K joints in the image, then the K in 3D.

    Attributes:
        names: K joint names; '' where the layout is not known.
        bones: (B, 2) indices of joints.
        mirror: (2K,) the row of the other side; a row without one is its own.
        pairs: (M, 2) rows of the left and the right joint of a pair.
        sides: (M, G) float, 1 where a pair belongs to a group of pairs whose sides a detector
            confuses together.
        side_rows: (2K, G) the same for rows.
        coupling: (K, K) how much the movement of a joint (column) says about one that is not
            seen (row); the diagonal is 0.
    """

    names: tuple[str, ...]
    bones: Indices
    mirror: Indices
    pairs: Indices
    sides: Values
    side_rows: Values
    coupling: Values

    @property
    def count(self) -> int:
        """K."""
        return len(self.coupling)


@lru_cache(maxsize=16)
def body_of(layout: SkeletonLayout | None, count: int) -> Body:
    """Return the structure of a layout, or, if it is None, of ``count`` unrelated joints."""
    if layout is None:
        none = np.zeros((0, 2), np.intp)
        return Body(('',) * count, none, np.arange(2 * count), none, np.zeros((0, 0)),
                    np.zeros((2 * count, 0)), 1.0 - np.eye(count))
    flat = np.array(layout.mirror_pairs, np.intp).reshape(-1, 2)
    pairs = np.concatenate((flat, flat + count))
    mirror = np.arange(2 * count)
    mirror[pairs] = pairs[:, ::-1]
    parts = [_part(layout.names[left]) for left, _ in flat]
    groups = list(dict.fromkeys(parts))
    sides = np.array([[part == group for group in groups] for part in parts * 2], np.float64)
    side_rows = np.zeros((2 * count, len(groups)))
    side_rows[pairs[:, 0]] = side_rows[pairs[:, 1]] = sides.reshape(len(pairs), len(groups))
    bones = np.array(layout.edges, np.intp).reshape(-1, 2)
    return Body(layout.names, bones, mirror, pairs, sides.reshape(len(pairs), len(groups)),
                side_rows, _coupling(bones, count))


def _part(name: str) -> str:
    for part, words in _PARTS.items():
        if any(word in name for word in words):
            return part
    return name


def _coupling(bones: Indices, count: int) -> Values:
    """Return (K, K) weights that fall with the number of bones between two joints."""
    distance = np.full((count, count), float(count))
    distance[bones[:, 0], bones[:, 1]] = distance[bones[:, 1], bones[:, 0]] = 1.0
    np.fill_diagonal(distance, 0.0)
    for middle in range(count):  # Floyd and Warshall
        np.minimum(
            distance, distance[:, middle, None] + distance[None, middle], out=distance)
    weights: Values = _WEIGHT_PER_BONE ** np.minimum(distance, 8.0)
    np.fill_diagonal(weights, 0.0)
    return weights
