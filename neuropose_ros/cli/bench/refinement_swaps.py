"""Whether a refiner puts left and right back, leaves them alone where they are right, and bridges
whole limbs.

Exchanges are made in true joints with noise of 1 % of the box: one in each clip, of one joint up
to all limbs, 1 to 12 frames long, after the first 6 frames; clips whose annotation itself takes
left for right are left out. Beside it, the exchanges that the
detector itself made, and what becomes of joints that it had right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neuropose_ros.cli.bench.refinement_rows import Bed
from neuropose_ros.core.pose import Floats
from neuropose_ros.learning.baselines.gaps import Hold
from neuropose_ros.learning.baselines.refinement import Tuned
from neuropose_ros.learning.baselines.tracks import side_by_side
from neuropose_ros.learning.refiner.measures import (
    accuracy,
    errors,
    hidden,
    in_truth_definition,
    masked_error,
)
from neuropose_ros.learning.refiner.pairs import TRUTH_LAYOUT, Pair
from neuropose_ros.learning.refiner.protocol import Refine, Refined, known_frames, refined
from neuropose_ros.learning.refiner.swapping import (
    Sides,
    exchange,
    found_swapped,
    judge,
    keeps_sides,
    limb_masks,
)

_NOISE = 0.01
_SCORE = 0.8
_LIMB_SHARE = 0.2


def sided_pairs(bed: Bed) -> list[Pair]:
    """Return the clips whose annotation keeps left and right."""
    return [pair for pair in bed.tasks.hidden_pairs if keeps_sides(pair.truth, pair.box_px)]


def swaps_made(bed: Bed, refine: Refine, seed: int = 0) -> Sides:
    """Return what becomes of exchanges that are made in true joints, and of all others there."""
    pairs, rng = sided_pairs(bed), np.random.default_rng(seed)
    swapped = [exchange(_noisy(pair, rng), rng) for pair in pairs]
    answers = [_answers(refine, one.points) for one in swapped]
    return judge(answers, [one.points for one in swapped], [pair.truth for pair in pairs],
                 [pair.box_px for pair in pairs], [one.exchanged for one in swapped])


def swaps_in_none(bed: Bed, refine: Refine, seed: int = 1) -> tuple[Sides, dict[str, float]]:
    """Return what becomes of true joints with noise in which nothing is exchanged.

    The noise is that of a precise detector that nothing was learnt of: also returned are the mean
    error, in boxes, and the acceleration error, before and after.
    """
    pairs, rng = sided_pairs(bed), np.random.default_rng(seed)
    clips = [_noisy(pair, rng) for pair in pairs]
    answers = [_answers(refine, points) for points in clips]
    nothing = [np.zeros(points.shape[:2], bool) for points in clips]
    sides = judge(answers, clips, [pair.truth for pair in pairs],
                  [pair.box_px for pair in pairs], nothing)
    figures = {}
    for name, points in (('raw', clips), ('causal', answers)):
        distances = np.concatenate([error.ravel() for error in errors(points, pairs)])
        figures[f'{name}_error'] = float(np.nanmean(distances))
        figures[f'{name}_accel'] = accuracy(points, pairs)['accel']
    return sides, figures


def _noisy(pair: Pair, rng: np.random.Generator) -> Floats:
    noise = rng.normal(0.0, _NOISE * pair.box_px, pair.truth.shape)
    return np.asarray(pair.truth + noise, np.float32)


def _answers(refine: Refine, points: Floats) -> Floats:
    scores = np.full(points.shape[:2], _SCORE, np.float32)
    return refined(refine, known_frames(points, TRUTH_LAYOUT, scores)).points


def swaps_found(bed: Bed, found: list[Refined]) -> Sides:
    """Return what becomes of the sides in real detections."""
    pairs = bed.tasks.real
    given = [in_truth_definition(pair.found, pair, bed.offsets) for pair in pairs]
    swapped = [found_swapped(points, pair.truth, pair.box_px)
               for points, pair in zip(given, pairs, strict=True)]
    return judge(bed.placed(found), given, [pair.truth for pair in pairs],
                 [pair.box_px for pair in pairs], swapped)


def limbs(bed: Bed, refiners: dict[str, Refine], methods: list[Tuned]) -> dict[str, float]:
    """Return the error of whole limbs that are hidden 20 % of the time, by method."""
    pairs = bed.tasks.hidden_pairs
    masks = limb_masks(pairs, _LIMB_SHARE)
    clips: list[Floats] = [hidden(pair, mask) for pair, mask in zip(pairs, masks, strict=True)]
    tracks = side_by_side(clips)
    figures = {name: bed.masked(refine, masks) for name, refine in refiners.items()}
    figures['hold'] = masked_error(tracks.cut(Hold()(tracks)), pairs, masks)
    return figures | {method.name: masked_error(
        tracks.cut(method.masked(tracks)), pairs, masks) for method in methods}


def as_figures(made: Sides, none: Sides, found: Sides) -> dict[str, Any]:
    """Return the shares and counts for the results."""
    return {
        'swaps_repaired': made.repaired / max(made.exchanged, 1),
        'swaps_introduced': made.introduced + none.introduced,
        'swaps_introduced_where_none_was': none.introduced,
        'swap_events_repaired': made.events_repaired / max(made.events, 1),
        'swaps_checked': made.right + none.right,
        'detector_swaps': found.exchanged,
        'detector_swaps_repaired': found.repaired / max(found.exchanged, 1),
        'detector_swaps_introduced': found.introduced,
        'detector_sides_checked': found.right}
