"""How well identities are kept: switches (CLEAR MOT) and identity F1, as the field counts them.

CLEAR MOT: Bernardin and Stiefelhagen, Evaluating multiple object tracking performance (2008), as
MOTChallenge counts it: a person goes on with the track of the frame before while that still fits,
the others are paired at the greatest similarity, and a switch is a person who is paired with
another track than when it was last paired. IDF1: Ristani et al., Performance measures and a data
set for multi-target, multi-camera tracking (2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.assignment import assign

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scene:
    """One frame: who is there and who was found.

    Attributes:
        true_ids: R ids of the people who are there.
        found_ids: C ids of the tracks that were given.
        similarity: (R, C) 0..1: overlap of boxes, or object keypoint similarity.
    """

    true_ids: Sequence[int]
    found_ids: Sequence[int]
    similarity: Array


@dataclass(frozen=True, slots=True)
class IdentityScores:
    """What became of the identities over a sequence.

    Attributes:
        switches: times that a person went on under another id.
        misses: people not found, summed over the frames.
        false_finds: tracks that are nobody, summed over the frames.
        mota: 1 - (misses + false finds + switches) / people; NaN without people.
        idf1: share of people and finds that one pairing of ids for all frames explains.
    """

    switches: int
    misses: int
    false_finds: int
    mota: float
    idf1: float


def identity_scores(scenes: Sequence[Scene], least_similarity: float = 0.5) -> IdentityScores:
    """Count over the frames of a sequence, in order.

    Args:
        scenes: the frames.
        least_similarity: below it, a find is not of that person.

    Raises:
        ValueError: a similarity is not of the shape of its ids, or an id occurs twice.
    """
    last: dict[int, int] = {}
    before: dict[int, int] = {}
    switches = misses = false_finds = people = 0
    for scene in scenes:
        _check(scene)
        pairs = _pairs(scene, before, least_similarity)
        before = {scene.true_ids[i]: scene.found_ids[j] for i, j in pairs}
        switches += sum(last.get(true, found) != found for true, found in before.items())
        last |= before
        people += len(scene.true_ids)
        misses += len(scene.true_ids) - len(pairs)
        false_finds += len(scene.found_ids) - len(pairs)
    errors = misses + false_finds + switches
    return IdentityScores(
        switches, misses, false_finds, 1 - errors / people if people else float('nan'),
        _idf1(scenes, least_similarity))


def _check(scene: Scene) -> None:
    shape = len(scene.true_ids), len(scene.found_ids)
    if np.shape(scene.similarity) != shape:
        raise ValueError(
            f'similarities of {shape[0]} people and {shape[1]} tracks must have the shape '
            f'{shape}, not {np.shape(scene.similarity)}')
    for ids in (scene.true_ids, scene.found_ids):
        if len(set(ids)) != len(ids):
            raise ValueError(f'an id occurs twice in a frame: {sorted(ids)}')


def _pairs(
    scene: Scene, before: dict[int, int], least_similarity: float,
) -> list[tuple[int, int]]:
    similarity = np.array(scene.similarity, np.float64)
    similarity[similarity < least_similarity] = 0.0
    places = {found: j for j, found in enumerate(scene.found_ids)}
    pairs = []
    for i, true in enumerate(scene.true_ids):
        j = places.get(before[true]) if true in before else None
        if j is not None and similarity[i, j] > 0:
            pairs.append((i, j))
    rows = [i for i in range(len(scene.true_ids)) if i not in {i for i, _ in pairs}]
    columns = [j for j in range(len(scene.found_ids)) if j not in {j for _, j in pairs}]
    rest = similarity[np.ix_(rows, columns)]
    return pairs + [(rows[i], columns[j]) for i, j in assign(-rest) if rest[i, j] > 0]


def _idf1(scenes: Sequence[Scene], least_similarity: float) -> float:
    """Return the identity F1 of the best pairing of true ids and tracks over all frames."""
    true = sorted({one for scene in scenes for one in scene.true_ids})
    found = sorted({one for scene in scenes for one in scene.found_ids})
    total = sum(len(scene.true_ids) + len(scene.found_ids) for scene in scenes)
    if not total:
        return float('nan')
    rows = {one: i for i, one in enumerate(true)}
    columns = {one: j for j, one in enumerate(found)}
    together = np.zeros((len(true), len(found)))
    for scene in scenes:
        for i, j in np.argwhere(np.asarray(scene.similarity) >= least_similarity):
            together[rows[scene.true_ids[i]], columns[scene.found_ids[j]]] += 1
    hits = sum(together[pair] for pair in assign(-together))
    return float(2 * hits / total)
