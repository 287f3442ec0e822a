"""Left taken for right, and limbs hidden whole: made in clips, and judged by the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.pose import Floats
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.refiner.measures import BURST_FRAMES, Mask
from neuropose_ros.learning.refiner.pairs import TRUTH_LAYOUT, Pair

SWAP_FRAMES = (1, 12)
"""Least and most frames for which sides are exchanged."""
_FIRST_FRAME = 6
"""Sides are right up to here: before, nothing could be known of them."""
_APART = 0.08
"""Boxes: nearer joints have no sides that one could tell apart in the image."""
_JUMP = 0.12
_LIMBS = {'arm': ('shoulder', 'elbow', 'wrist'), 'leg': ('hip', 'knee', 'ankle')}
_KINDS = (
    ('wrist',), ('ankle',), ('elbow', 'wrist'), ('knee', 'ankle'), ('hip', 'knee', 'ankle'),
    ('shoulder', 'elbow', 'wrist'),
    ('shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'))


class Swapped(NamedTuple):
    """A clip in which sides are exchanged for a while.

    Attributes:
        points: (T, K, 2) px.
        exchanged: (T, K).
    """

    points: Floats
    exchanged: Mask


class Sides(NamedTuple):
    """On which side joints are found, of those that have one; counts of joint-frames.

    Attributes:
        repaired, exchanged: of those that went in exchanged, and how many they are.
        introduced, right: those that went in right and came out on the other side (less than
            half as far from the other's place as from their own), and all that went in right.
        events_repaired, events: exchanges all of whose joints came out right, and all.
    """

    repaired: int
    exchanged: int
    introduced: int
    right: int
    events_repaired: int
    events: int


def partners(layout: SkeletonLayout) -> NDArray[np.intp]:
    """Return (K,): the joint on the other side, or the joint itself."""
    other = np.arange(len(layout))
    for left, right in layout.mirror_pairs:
        other[left], other[right] = right, left
    return other


def exchange(points: Floats, rng: np.random.Generator) -> Swapped:
    """Exchange the sides of one set of joints of a clip (T, 15, 2), once, for some frames."""
    frames = len(points)
    length = int(rng.integers(SWAP_FRAMES[0], SWAP_FRAMES[1] + 1))
    begin = int(rng.integers(_FIRST_FRAME, max(frames - length, _FIRST_FRAME + 1)))
    kind = _KINDS[rng.integers(len(_KINDS))]
    chosen = np.array([name.partition('_')[2] in kind for name in TRUTH_LAYOUT.names])
    exchanged = np.zeros(points.shape[:2], bool)
    exchanged[begin:begin + length] = chosen
    other = points[:, partners(TRUTH_LAYOUT)]
    return Swapped(np.where(exchanged[..., None], other, points), exchanged)


def judge(
    answers: Sequence[Floats], given: Sequence[Floats], truths: Sequence[Floats],
    boxes_px: Sequence[float], swapped: Sequence[Mask],
) -> Sides:
    """Count the sides.

    Args:
        answers: (T, 15, 2) px of each clip.
        given: (T, 15, 2) px that went in.
        truths: (T, 15, 2) px.
        boxes_px: size of each clip's person.
        swapped: (T, 15) of each clip: the sides were exchanged in what went in.
    """
    other = partners(TRUTH_LAYOUT)
    counts = np.zeros(6, int)
    for points, before, truth, box_px, exchanged in zip(
            answers, given, truths, boxes_px, swapped, strict=True):
        apart = np.linalg.norm(truth - truth[:, other], axis=-1) > _APART * box_px
        well = _nearer_to_own(points, truth)
        there, clean = exchanged & apart, ~exchanged & apart & _nearer_to_own(before, truth)
        across = clean & _nearer_to_own(points, truth[:, other], 2.0)
        counts += ((well & there).sum(), there.sum(), across.sum(), clean.sum(),
                   there.any() and well[there].all(), there.any())
    return Sides(*map(int, counts))


def found_swapped(found: Floats, truth: Floats, box_px: float) -> Mask:
    """Return (T, 15): pairs of joints of which both are found nearer to the other's true place."""
    other = partners(TRUTH_LAYOUT)
    straight = np.linalg.norm(found - truth, axis=-1)
    crossed = np.linalg.norm(found - truth[:, other], axis=-1)
    wrong = crossed + _APART * box_px < straight
    return np.asarray(wrong & wrong[:, other] & (other != np.arange(len(other))))


def _nearer_to_own(points: Floats, truth: Floats, times: float = 1.0) -> Mask:
    """Say which joints are so many times nearer to their true place than to the other side's.

    A joint that is not there is not.
    """
    opposite = truth[:, partners(TRUTH_LAYOUT)]
    return np.asarray(times * np.linalg.norm(points - truth, axis=-1)
                      < np.linalg.norm(points - opposite, axis=-1))


def keeps_sides(truth: Floats, box_px: float) -> bool:
    """Say whether an annotation (T, 15, 2) never takes left for right from a frame to the next.

    It does where both joints of a pair jump by `_JUMP` boxes and land three times as near to where
    the other one just was: limbs that really pass each other that fast are not seen to.
    """
    before, after = truth[:-1], truth[1:]
    other = partners(TRUTH_LAYOUT)
    straight = np.linalg.norm(after - before, axis=-1)
    crossed = np.linalg.norm(after - before[:, other], axis=-1)
    straight, crossed = straight + straight[:, other], crossed + crossed[:, other]
    return not bool(((3 * crossed < straight) & (straight > 2 * _JUMP * box_px)).any())


def limb_masks(pairs: Sequence[Pair], share: float, seed: int = 0) -> list[Mask]:
    """Return (T, 15) of each clip: whole arms and legs hidden, for `BURST_FRAMES` at a time."""
    rng = np.random.default_rng(seed)
    limbs = [[TRUTH_LAYOUT.names.index(f'{side}_{part}') for part in parts]
             for parts in _LIMBS.values() for side in ('left', 'right')]
    masks = []
    for pair in pairs:
        mask = np.zeros(pair.truth.shape[:2], bool)
        while mask.mean() < share:
            length = rng.integers(BURST_FRAMES[0], BURST_FRAMES[1] + 1)
            limb, begin = limbs[rng.integers(len(limbs))], rng.integers(len(pair))
            mask[begin:begin + length, limb] = True
        masks.append(mask)
    return masks
