"""Ways through the room: where a walker is, and which way it faces, at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.sources.synthetic.rig import turn_z

Array = NDArray[np.float64]

_RIGHTWARDS = np.pi / 2
# Neighbouring lanes of those who cross: nobody walks into anybody.
_LANE_M, _TURN_M, _JITTER_M = 1.0, 0.22, 0.06
# So far from the border of the view (m) everybody has turned.
_MARGIN_M = 0.55


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walker stands (m, world) and its heading (rad)."""

    position: Array
    heading: float


@dataclass(frozen=True, slots=True)
class Straight:
    """A straight way, walked from its start again and again.

    Attributes:
        middle: (3,) m.
        start_m: from the start of the way at time 0.
    """

    middle: Array
    heading: float
    length_m: float
    speed_m_s: float
    start_m: float = 0.0

    def at(self, time_s: float) -> Place:
        """Return the place at a time."""
        way = (self.start_m + self.speed_m_s * time_s) % self.length_m - self.length_m / 2
        return Place(
            self.middle + turn_z(self.heading) @ np.array([way, 0.0, 0.0]), self.heading)

    def passes(self, time_s: float) -> int:
        """Return how often it has been walked to its end."""
        return int((self.start_m + self.speed_m_s * time_s) // self.length_m)


@dataclass(frozen=True, slots=True)
class Loop:
    """To the right, about turn, to the left, about turn: a stadium seen from its side.

    Attributes:
        depth_m: x of the middle, towards the camera.
        length_m: of each of the two straights.
        start_m: along the way at time 0, from the left end of the way to the right.
        turn: 1 = turns to its left, -1 = to its right.
    """

    depth_m: float
    length_m: float
    speed_m_s: float
    start_m: float
    turn: int

    @property
    def lap_m(self) -> float:
        """Way until it begins again."""
        return 2 * self.length_m + 2 * np.pi * _TURN_M

    def at(self, time_s: float) -> Place:
        """Return the place at a time."""
        way = (self.start_m + self.speed_m_s * time_s) % self.lap_m
        half, rest = divmod(way, self.lap_m / 2)
        angle = max(rest - self.length_m, 0.0) / _TURN_M
        along = min(rest, self.length_m) - self.length_m / 2 + _TURN_M * np.sin(angle)
        aside = self.turn * _TURN_M * np.cos(angle)
        sign = -1.0 if half else 1.0
        position = np.array([self.depth_m + sign * aside, sign * along, 0.0])
        return Place(position, _RIGHTWARDS + self.turn * (angle + np.pi * half))


Path = Straight | Loop


def crossing_loops(
    count: int, seed: int, nearest_m: float, speeds_m_s: Array,
    half_view: Callable[[float], float],
) -> list[Loop]:
    """Return ways that cross one another at different depths, half of them begun each way.

    Args:
        count: how many walkers.
        seed: varies depths, directions, starts and turns.
        nearest_m: x of the lane nearest to the camera.
        speeds_m_s: (count,) of the walkers.
        half_view: half the width of the view (m) at an x.
    """
    random = np.random.default_rng(seed)
    to_the_left = random.permutation(count) % 2
    loops = []
    for index in range(count):
        depth = nearest_m - _LANE_M * index + random.uniform(-_JITTER_M, _JITTER_M)
        length = 2 * (half_view(depth + _TURN_M) - _MARGIN_M - _TURN_M)
        loop = Loop(depth, length, float(speeds_m_s[index]), 0.0,
                    int(random.choice((-1, 1))))
        start = random.uniform(0.0, 0.3) * length + to_the_left[index] * loop.lap_m / 2
        loops.append(Loop(depth, length, loop.speed_m_s, start, loop.turn))
    return loops
