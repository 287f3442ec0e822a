"""What pictures are put through: nine kinds of harm, five strengths each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neuropose_ros.core.pose import Image
from neuropose_ros.learning.pose_robustness import optics, scenery
from neuropose_ros.learning.pose_robustness.scenery import Chance
from neuropose_ros.learning.pose_robustness.shots import Shot, Take

LOW_LIGHT, MOTION_BLUR, DEFOCUS = 'low_light', 'motion_blur', 'defocus'
STRENGTHS = (1, 2, 3, 4, 5)
Apply = Callable[[Shot, float, Chance], Shot]


@dataclass(frozen=True)
class Harm:
    """A kind of harm.

    Attributes:
        unit: of the levels, for people.
        levels: of the five strengths.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    apply: Apply


def _picture(change: Callable[[Image, float, np.random.Generator], Image]) -> Apply:
    return lambda shot, level, chance: replace(
        shot, image=change(shot.image, level, chance.frame))


def _blur(change: Callable[[Image, float, np.random.Generator], Image]) -> Apply:
    return lambda shot, share, chance: replace(
        shot, image=change(shot.image, share * shot.size_px, chance.frame))


HARMS = {harm.name: harm for harm in (
    Harm(LOW_LIGHT, 'stops less light, exposure fixed', (2, 3, 4, 5, 6),
         _picture(optics.low_light)),
    Harm(MOTION_BLUR, 'way during exposure, shares of the person', (.02, .035, .05, .08, .12),
         _blur(optics.motion_blur)),
    Harm(DEFOCUS, 'diameter of a point, shares of the person', (.015, .03, .045, .065, .09),
         _blur(optics.defocus)),
    Harm('noise', 'grey levels, standard deviation', (10, 20, 30, 45, 60),
         _picture(optics.noise)),
    Harm('jpeg', 'quality', (40, 25, 15, 10, 5), _picture(optics.jpeg)),
    Harm('occluders', 'share of the box', (.1, .2, .3, .4, .5), scenery.occluded),
    Harm('clutter', 'share of the background', (.2, .4, .6, .8, .95), scenery.cluttered),
    Harm('small', 'share of the size', (.7, .5, .35, .25, .18), scenery.distant),
    Harm('rotation', 'degrees', (15, 30, 45, 60, 90), scenery.tilted),
)}


def harmed(
    takes: Sequence[Take], harm: Harm, strength: int, others: Sequence[Image], seed: int = 0,
) -> tuple[Take, ...]:
    """Return the takes at one strength, 1..5; what is drawn depends on nothing but the seed."""
    level, number = harm.levels[strength - 1], list(HARMS).index(harm.name)

    def take_harmed(index: int, take: Take) -> Take:
        # One path for all strengths: what is hidden at 2 is hidden at 3, too.
        root = (seed, number, index)
        return replace(take, shots=tuple(
            harm.apply(shot, level, Chance(root, np.random.default_rng((*root, frame)), others))
            for frame, shot in enumerate(take.shots)))

    return tuple(take_harmed(index, take) for index, take in enumerate(takes))
