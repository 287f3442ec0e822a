"""Whole systems that are asked where people are: a pose model with what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from neuropose_ros.core.layouts import convert_person
from neuropose_ros.core.metrics import match_people
from neuropose_ros.core.pose import PersonPose
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.learning.datasets.pictures import AnnotatedPicture
from neuropose_ros.learning.pose_evaluation.models import Answer, true_people
from neuropose_ros.learning.pose_robustness.shots import Take

People = tuple[PersonPose, ...]
Found = list[list[People]]
"""Of each take and picture."""
NOT_REFINED = ', not refined'
"""What the name of the second row of a system ends in whose poses can be had unrefined."""


class System(Protocol):
    """Something that finds people.

    Attributes:
        name: under which its figures stand.
    """

    name: str

    @property
    def layout(self) -> SkeletonLayout:
        """The joints it finds."""
        ...

    def look(self, takes: Sequence[Take]) -> dict[str, Found]:
        """Return for each row, take and picture the people found."""
        ...

    def close(self) -> None:
        """Give back memory and processes."""
        ...


def answers(
    takes: Sequence[Take], found: Found, layout: SkeletonLayout,
) -> list[tuple[AnnotatedPicture, Answer]]:
    """Put who was found in each picture beside the truth: of many people, the surest one alone.

    Some systems find one person at most: who finds more must not have more tries.

    Args:
        layout: of what was found.
    """
    asked = []
    for take, pictures in zip(takes, found, strict=True):
        for shot, people in zip(take.shots, pictures, strict=True):
            surest = sorted(people, key=lambda person: person.score)[-1:]
            converted = tuple(convert_person(one, layout, shot.truth.layout) for one in surest)
            matches = tuple(match_people(converted, true_people(shot.truth)))
            asked.append((shot.truth, Answer(converted, matches, 0.0)))
    return asked
