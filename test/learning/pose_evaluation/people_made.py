"""People whose joints were found where they are, to be changed by a test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.pose_evaluation.people import Flags, People


def people(
    layout: SkeletonLayout, count: int, comparable: Flags | None = None,
    groups: Sequence[str] = (),
) -> People:
    """Return people of 100 px, each in a recording of its own unless said."""
    joints = len(layout)
    rng = np.random.default_rng(7)
    truth = rng.uniform(100, 200, (count, joints, 2)).astype(np.float32)
    metres = np.full((count, joints, 3), np.nan, np.float32)
    return People(
        layout, np.ones(joints, bool) if comparable is None else comparable,
        np.arange(count), tuple(groups) or tuple(f'{index}' for index in range(count)),
        truth.copy(), np.full((count, joints), 0.9, np.float32), truth,
        np.ones((count, joints), bool), np.full(count, 100.0), np.full(count, 5000.0),
        np.full(count, np.nan), metres, metres.copy())
