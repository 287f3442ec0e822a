"""What later frames say about earlier ones: the backward pass of a filter that has gone ahead.

Source: Rauch, Tung and Striebel 1965 (Bar-Shalom, Li and Kirubarajan 2001, section 8.6), here for
points whose axes share their variances, so that it costs the scalar recursions of N points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from neuropose_ros.core.pose import PersonPose
from neuropose_ros.refinement import filters
from neuropose_ros.refinement.body import Indices
from neuropose_ros.refinement.composition import Rows, compose
from neuropose_ros.refinement.filters import Mask, Points, Values
from neuropose_ros.refinement.reading import INTERPOLATED, IS_MEASURED, PREDICTED


@dataclass(frozen=True)
class Chain:
    """How the points of a frame hang together with those of the frame before; N rows.

    Attributes:
        filtered: given all frames up to this one.
        predicted: given all frames before.
        stride_s: (N,) s of its velocity by which a point was moved on.
        kept: (N,) share of its velocity that a point kept.
        linked: (N,) points that did not begin anew in this frame.
    """

    filtered: Points
    predicted: Points
    stride_s: Values
    kept: Values
    linked: Mask


@dataclass(frozen=True)
class Step:
    """P people in one frame, as they are known after it.

    Attributes:
        ids: P track ids.
        rows: what is told of them.
        people: as last seen: box, identity, origin of 3D.
        seen: (P,) who is in the frame.
        has_3d: (P,) who has joints in 3D.
        tremor: (P, 2K, 3) that lies over the filtered points; None = none.
        chain: None where nothing later is to say something about it.
    """

    ids: tuple[int, ...]
    rows: Rows
    people: tuple[PersonPose, ...]
    seen: Mask
    has_3d: Mask
    tremor: Values | None
    chain: Chain | None

    @cached_property
    def told(self) -> tuple[dict[int, PersonPose], list[PersonPose]]:
        """Return who is in the frame, by id, and who is not but is known well enough."""
        told = compose(self.rows, self.people, self.seen, self.has_3d)
        if self.seen.all():
            return dict(zip(self.ids, told, strict=True)), []
        count = self.rows.states.shape[1] // 2
        present = {told[slot].track_id: told[slot] for slot in np.flatnonzero(self.seen)}
        missed = [told[slot] for slot in np.flatnonzero(~self.seen) if np.isin(
            self.rows.states[slot, :count], (PREDICTED, INTERPOLATED)).any()]
        return present, missed


def smoothed(steps: Sequence[Step]) -> list[Step]:
    """Return the steps (oldest first), each as it is known after the last one.

    A joint that was only predicted and is measured later becomes INTERPOLATED.
    """
    if not steps or any(step.chain is None for step in steps):
        return list(steps)
    answers = [steps[-1]]
    later, seen_later = steps[-1].chain, _measured(steps[-1])
    assert later is not None
    points = later.filtered
    for step, after in zip(reversed(steps[:-1]), reversed(steps[1:]), strict=True):
        assert step.chain is not None and after.chain is not None
        order = _order(step.ids, after.ids)
        count = step.rows.states.shape[1]
        chain = after.chain
        if order is not None:
            rows = filters.rows_of(order, count)
            chain = _arranged(chain, rows)
            points = filters.arrange(points, rows)
            seen_later = filters.rearranged(seen_later, rows, False)
        points = _back(step.chain.filtered, chain, points)
        answers.append(_told_again(step, points, seen_later & chain.linked))
        seen_later = _measured(step) | (seen_later & chain.linked)
    return answers[::-1]


def _measured(step: Step) -> Mask:
    measured: Mask = IS_MEASURED[step.rows.states].ravel()
    return measured


def _order(ids: tuple[int, ...], after: tuple[int, ...]) -> Indices | None:
    """Return where each of ``ids`` is in ``after``, -1 = gone; None = both are the same."""
    if ids == after:
        return None
    return np.array([after.index(one) if one in after else -1 for one in ids], np.intp)


def _arranged(chain: Chain, rows: Indices) -> Chain:
    return Chain(
        filters.arrange(chain.filtered, rows), filters.arrange(chain.predicted, rows),
        filters.rearranged(chain.stride_s, rows, 0.0), filters.rearranged(chain.kept, rows, 1.0),
        filters.rearranged(chain.linked, rows, False))


def _back(filtered: Points, chain: Chain, later: Points) -> Points:
    """Return the points of a frame, given those of the next one, smoothed."""
    predicted, stride, kept = chain.predicted, chain.stride_s, chain.kept
    # Covariance of this frame's (position, velocity) with the next frame's.
    here = (filtered.position_variance + filtered.cross_variance * stride,
            filtered.cross_variance * kept,
            filtered.cross_variance + filtered.velocity_variance * stride,
            filtered.velocity_variance * kept)
    a, b, d = (predicted.position_variance, predicted.cross_variance,
               predicted.velocity_variance)
    determinant = a * d - b * b
    usable = chain.linked & (determinant > 0.0) & np.isfinite(later.position_variance) & (
        np.isfinite(filtered.position_variance))
    scale = np.where(usable, determinant, 1.0)
    g11, g12 = (here[0] * d - here[1] * b) / scale, (here[1] * a - here[0] * b) / scale
    g21, g22 = (here[2] * d - here[3] * b) / scale, (here[3] * a - here[2] * b) / scale
    # Points that went along with others had no velocity of their own: they walked at random.
    along = kept < 1.0
    g11 = np.where(along, filtered.position_variance / np.where(usable, a, 1.0), g11)
    g12, g21, g22 = (np.where(along, 0.0, gain) for gain in (g12, g21, g22))
    moved = later.position - predicted.position
    sped = later.velocity - predicted.velocity
    da, db, dd = (later.position_variance - a, later.cross_variance - b,
                  later.velocity_variance - d)
    better = Points(
        filtered.position + g11[:, None] * moved + g12[:, None] * sped,
        filtered.velocity + g21[:, None] * moved + g22[:, None] * sped,
        filtered.position_variance + g11 * (g11 * da + 2.0 * g12 * db) + g12 * g12 * dd,
        filtered.cross_variance + g11 * (g21 * da + g22 * db) + g12 * (g21 * db + g22 * dd),
        filtered.velocity_variance + g21 * (g21 * da + 2.0 * g22 * db) + g22 * g22 * dd)
    # The correlation stays: else it is no covariance, and the next step back goes below 0.
    shrunk = np.sqrt(np.where(
        along & usable, better.position_variance / filtered.position_variance, 1.0))
    better = better._replace(cross_variance=better.cross_variance * shrunk)
    return filters.select(usable, better, filtered)


def _told_again(step: Step, points: Points, seen_later: Mask) -> Step:
    assert step.chain is not None
    rows, shape = step.rows, step.rows.states.shape
    assert rows.variance is not None
    position = points.position.reshape(*shape, 3)
    less = (step.chain.filtered.position_variance - points.position_variance).reshape(shape)
    return replace(step, rows=rows._replace(
        position=position if step.tremor is None else position + step.tremor,
        velocity=points.velocity.reshape(*shape, 3),
        variance=rows.variance - np.maximum(less, 0.0),
        states=np.where((rows.states == PREDICTED) & seen_later.reshape(shape),
                        INTERPOLATED, rows.states)))
