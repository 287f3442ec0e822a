"""What the joints of a layout have to do with each other: bones, sides, limbs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.skeleton import SkeletonLayout

Values = NDArray[np.float64]
Indices = NDArray[np.intp]

# Detectors confuse the sides of limbs, of the trunk and of the face, each as a whole. A word in
# a joint's name says where it belongs; whatever has none is a group of its own.
_PARTS = {
    'face': ('eye', 'ear', 'mouth', 'face'),
    'arm': ('elbow', 'wrist', 'hand', 'thumb', 'finger', 'pinky', 'index'),
    'leg': ('knee', 'ankle', 'foot', 'heel', 'toe'),
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
        sides: (2K, G) float, 1 where a row belongs to a group of joints whose sides a detector
            confuses together.
        coupling: (K, K) how much the movement of a joint (column) says about one that is not
            seen (row); the diagonal is 0.
    """

    names: tuple[str, ...]
    bones: Indices
    mirror: Indices
    sides: Values
    coupling: Values

    @property
    def count(self) -> int:
        """K."""
        return len(self.coupling)


@lru_cache(maxsize=16)
def body_of(layout: SkeletonLayout | None, count: int) -> Body:
    """Return the structure of a layout, or, if it is None, of ``count`` unrelated joints."""
    if layout is None:
        return Body(('',) * count, np.zeros((0, 2), np.intp), np.arange(2 * count),
                    np.zeros((2 * count, 0)), 1.0 - np.eye(count))
    mirror = np.arange(2 * count)
    groups: dict[str, list[int]] = {}
    for left, right in layout.mirror_pairs:
        mirror[[left, right]] = right, left
        mirror[[left + count, right + count]] = right + count, left + count
        groups.setdefault(_part(layout.names[left]), []).extend((left, right))
    sides = np.zeros((2 * count, len(groups)))
    for column, rows in enumerate(groups.values()):
        sides[rows, column] = sides[[row + count for row in rows], column] = 1.0
    bones = np.array(layout.edges, np.intp).reshape(-1, 2)
    return Body(layout.names, bones, mirror, sides, _coupling(bones, count))


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
