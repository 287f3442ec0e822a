"""MediaPipe's pose solution as one of the systems of `bench robustness`.

It runs as published in an environment of its own: pictures each for itself, clips with its own
tracking and smoothing. It finds one person.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neuropose_ros.cli.bench.pose import Item, Worker
from neuropose_ros.core.layouts import BLAZEPOSE33
from neuropose_ros.core.pose import Floats, JointState, PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.pose_robustness.shots import Take
from neuropose_ros.learning.pose_robustness.systems import Found, People
from neuropose_ros.pose.geometry import box_around

NAME = 'mediapipe'


class MediaPipe:
    """Implements `System`."""

    name = NAME

    def __init__(self, python: Path, folder: Path) -> None:
        """Start its process.

        Args:
            python: of its environment.
            folder: for the pictures on their way; an empty one.
        """
        self._worker = Worker(python, NAME, 0)
        self._folder = folder
        self._asked = 0

    @property
    def layout(self) -> SkeletonLayout:
        """Its 33 joints."""
        return BLAZEPOSE33

    def look(self, takes: Sequence[Take]) -> dict[str, Found]:
        """Return for each take and picture the person found, if any."""
        found: Found = [[] for _ in takes]
        stills = [index for index, take in enumerate(takes) if take.rate_hz is None]
        people = iter(self._ask([takes[index] for index in stills], None))
        for index in stills:
            found[index] = [next(people) for _ in takes[index].shots]
        for index, take in enumerate(takes):
            if take.rate_hz is not None:
                found[index] = self._ask([take], take.rate_hz)
        return {NAME: found}

    def _ask(self, takes: Sequence[Take], rate_hz: float | None) -> list[People]:
        """Send pictures in one session, which begins anew with each call."""
        if not takes:
            return []
        self._asked += 1  # the process keeps pictures by their names
        files = []
        for index, take in enumerate(takes):
            files.append(self._folder / f'{self._asked}-{index}.npy')
            np.save(files[-1], np.stack([shot.image for shot in take.shots]))
        result = self._folder / f'{self._asked}.npy'
        self._worker.ask(Item('', [str(file) for file in files], rate_hz), result=str(result))
        points: Floats = np.load(result).astype(np.float32)
        for file in (*files, result):
            file.unlink()
        return [() if np.isnan(one).any() else (_person(one),) for one in points]

    def close(self) -> None:
        """End the process."""
        self._worker.__exit__()


def _person(points: Floats) -> PersonPose:
    count = len(points)
    return PersonPose(points, np.ones(count, np.float32),
                      np.full(count, JointState.MEASURED, np.uint8), box_around(points), 1.0)
