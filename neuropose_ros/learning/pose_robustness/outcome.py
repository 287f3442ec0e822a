"""How much worse people are found in harmed pictures, and what may be said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuropose_ros.core.layouts import conversion_matrix
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.metrics import Indices, bootstrap_interval
from neuropose_ros.learning.pose_evaluation.people import Array, Flags, gather
from neuropose_ros.learning.pose_robustness.conditions import DEFOCUS, LOW_LIGHT, MOTION_BLUR
from neuropose_ros.learning.pose_robustness.shots import Take
from neuropose_ros.learning.pose_robustness.systems import Found, answers
from neuropose_ros.learning.pose_robustness.takes import CLIPS, FRAMES

CLEAN = 'clean'
LIMIT = 0.1
LIMITS = (LIMIT, 0.2)
ASKED = (LOW_LIGHT, MOTION_BLUR, DEFOCUS)
"""Harms of which something is asked: half of the other's loss at `ASKED_STRENGTH`."""
ASKED_STRENGTH = 3
MOST_OF_LOSS = 0.5
BRIGHTENED, NOT_BRIGHTENED = ', brightened', ', not brightened'
"""How the names of systems end that treat dark pictures otherwise than their entry says."""


@dataclass(frozen=True, order=True)
class Condition:
    """What a figure is of.

    Attributes:
        row: of a system.
        source: kind of data.
        harm: `CLEAN` or the name of one.
        strength: 0 where clean.
    """

    row: str
    source: str
    harm: str = CLEAN
    strength: int = 0


@dataclass(frozen=True)
class Score:
    """What was found of N people in one condition.

    Attributes:
        right: (N,) joints near the truth, by the limit as a share of the person's size.
        joints: (N,) that count.
        missed: (N,) whether nothing was found.
        groups: N recordings: what is independent of each other.
    """

    right: Mapping[float, Array]
    joints: Array
    missed: Flags
    groups: tuple[str, ...]

    def pck(self, limit: float = LIMIT) -> float:
        """Return the share of the joints within a limit."""
        return float(self.right[limit].sum() / self.joints.sum())


Scores = Mapping[Condition, Score]


def common_joints(truth: SkeletonLayout, layouts: Sequence[SkeletonLayout]) -> Flags:
    """Return (K,) the joints of the truth that all of the layouts have, or that follow."""
    return np.asarray(np.all([conversion_matrix(one, truth).any(1) for one in layouts], 0))


def score(
    takes: Sequence[Take], found: Found, layout: SkeletonLayout,
    layouts: Sequence[SkeletonLayout],
) -> Score:
    """Measure what was found in takes.

    Args:
        layout: of what was found.
        layouts: of all systems: joints that one of them lacks do not count.
    """
    asked = answers(takes, found, layout)
    right: dict[float, list[Array]] = {limit: [] for limit in LIMITS}
    joints: list[Array] = []
    missed: list[Flags] = []
    groups: list[str] = []
    for truth in dict.fromkeys(picture.layout for picture, _ in asked):
        people = gather(truth, layout, [one for one in asked if one[0].layout == truth])
        counted = people.counted & common_joints(truth, layouts)
        for limit, parts in right.items():
            parts.append(((people.distances <= limit) & counted).sum(1).astype(np.float64))
        joints.append(counted.sum(1).astype(np.float64))
        missed.append(np.asarray(~np.isfinite(people.found).any((1, 2))))
        groups += people.groups
    return Score({limit: np.concatenate(parts) for limit, parts in right.items()},
                 np.concatenate(joints), np.concatenate(missed), tuple(groups))


@dataclass(frozen=True)
class Loss:
    """What a harm costs two systems, in PCK.

    Attributes:
        ratio: ours through theirs; NaN where they lose nothing.
        low, high: its 95 % interval, recordings drawn anew.
    """

    ours: float
    theirs: float
    ratio: float
    low: float
    high: float


def loss(
    ours: tuple[Score, Score], theirs: tuple[Score, Score], limit: float = LIMIT, seed: int = 0,
) -> Loss:
    """Compare what two systems lose, each given as (clean, harmed), of the same people."""
    names, of_group = np.unique(ours[0].groups, return_inverse=True)

    def summed(values: Array) -> Array:
        return np.bincount(of_group, values, len(names)).astype(np.float64)

    joints = summed(ours[0].joints)
    lost = [summed(clean.right[limit]) - summed(harmed.right[limit])
            for clean, harmed in (ours, theirs)]

    def ratio(chosen: Indices) -> float:
        mine, other = (float(values[chosen].sum()) for values in lost)
        return mine / other if other > 0 else float('nan')

    low, high = bootstrap_interval(ratio, len(names), seed=seed) if len(names) > 1 else (
        float('nan'), float('nan'))
    total = joints.sum()
    return Loss(float(lost[0].sum() / total), float(lost[1].sum() / total),
                ratio(np.arange(len(names))), low, high)


def summary(scores: Scores, ours: str, theirs: str, source: str) -> dict[str, float]:
    """Return what each harm costs both in one source, flat: ``low_light_3_ratio`` and so on.

    A ratio of losses favours who finds little without harm: ``clean_pck_ours`` and
    ``low_light_3_pck_ours`` say what is found, and the same of ``mediapipe``.
    """
    clean = [scores[Condition(row, source)] for row in (ours, theirs)]
    figures = {f'clean_pck_{name}': one.pck() for name, one in zip(
        ('ours', 'mediapipe'), clean, strict=True)}
    for condition in sorted(scores):
        harm, strength = condition.harm, condition.strength
        if (condition.row, condition.source) != (ours, source) or harm == CLEAN:
            continue
        harmed = scores[condition], scores[Condition(theirs, source, harm, strength)]
        found = loss((clean[0], harmed[0]), (clean[1], harmed[1]))
        key = f'{harm}_{strength}'
        figures |= {f'{key}_pck_ours': harmed[0].pck(), f'{key}_pck_mediapipe': harmed[1].pck(),
                    f'{key}_loss_ours': found.ours, f'{key}_loss_mediapipe': found.theirs,
                    f'{key}_ratio': found.ratio, f'{key}_ratio_low': found.low,
                    f'{key}_ratio_high': found.high}
    return figures


def together(scores: Scores, sources: Sequence[str], name: str) -> Scores:
    """Return the scores of several kinds of data as those of one, with that name.

    What was not measured in all of them is left out.
    """
    found: dict[Condition, list[Score]] = {}
    for condition, one in sorted(scores.items()):
        if condition.source in sources:
            found.setdefault(replace(condition, source=name), []).append(one)
    return {condition: Score(
        {limit: np.concatenate([part.right[limit] for part in parts])
         for limit in parts[0].right},
        np.concatenate([part.joints for part in parts]),
        np.concatenate([part.missed for part in parts]),
        tuple(group for part in parts for group in part.groups))
        for condition, parts in found.items() if len(parts) == len(sources)}


def brightening(scores: Scores, name: str) -> dict[str, float]:
    """Return the mean PCK in low light with dark pictures brightened and without; {} = unknown.

    Over J-HMDB, single frames and clips, and all strengths that were measured.
    """
    variants = {'on': f'{name}{BRIGHTENED}', 'off': f'{name}{NOT_BRIGHTENED}'}
    other = next((mode for mode, row in variants.items()
                  if any(one.row == row for one in scores)), '')
    if not other:
        return {}
    found: dict[str, list[float]] = {'on': [], 'off': []}
    own = 'off' if other == 'on' else 'on'
    for condition, one in scores.items():
        if condition.harm == LOW_LIGHT and condition.source in (FRAMES, CLIPS):
            if condition.row == variants[other]:
                found[other].append(one.pck())
            elif condition.row == name:
                found[own].append(one.pck())
    return {mode: float(np.mean(values)) for mode, values in found.items() if values}


def table(scores: Scores) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Return PCK@0.1, PCK@0.2 and the share missed, by source, row, and condition."""
    nested: dict[str, dict[str, dict[str, list[float]]]] = {}
    for one, found in sorted(scores.items()):
        key = one.harm if one.harm == CLEAN else f'{one.harm}_{one.strength}'
        nested.setdefault(one.source, {}).setdefault(one.row, {})[key] = [
            *(found.pck(limit) for limit in LIMITS), float(found.missed.mean())]
    return nested


def markdown(scores: Scores, source: str, rows: Sequence[str], title: str) -> str:
    """Return a table for people: PCK@0.1 without harm and at each strength."""
    strengths = sorted({one.strength for one in scores if one.harm != CLEAN})
    lines = [f'**{title}**, PCK@{LIMIT:g} by strength', '',
             '| harm | system | none | ' + ' | '.join(map(str, strengths)) + ' |',
             '|---' * (len(strengths) + 3) + '|']
    for harm in dict.fromkeys(one.harm for one in scores if one.harm != CLEAN):
        for row in rows:
            found = [scores.get(Condition(row, source)), *(
                scores.get(Condition(row, source, harm, strength)) for strength in strengths)]
            if any(one is not None for one in found[1:]):
                cells = ('' if one is None else f'{one.pck():.3f}' for one in found)
                lines.append(f'| {harm} | {row} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)
