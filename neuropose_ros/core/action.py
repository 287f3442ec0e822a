"""What people do, as value types: labels, answers about one person, answers about a frame."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from neuropose_ros.core.errors import LabelError
from neuropose_ros.core.pose import Floats

UNKNOWN_LABEL = 'unknown'


class ActionPhase(IntEnum):
    """Where in an action a person is (``Action.PHASE_*``)."""

    UNKNOWN = 0
    ONSET = 1
    ONGOING = 2
    OFFSET = 3


@dataclass(frozen=True)
class LabelSet:
    """The actions that a network can tell apart.

    Attributes:
        name: short id without hash, as ``jhmdb14``.
        labels: C names, in the order of the probabilities.
    """

    name: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse labels that cannot be told apart.

        Raises:
            LabelError: there is none, one is empty, occurs twice or is `UNKNOWN_LABEL`.
        """
        if not self.labels or not all(self.labels):
            raise LabelError(f'label set {self.name}: it needs labels, and none may be empty')
        if len(set(self.labels)) != len(self.labels):
            raise LabelError(f'label set {self.name}: a label occurs twice')
        if UNKNOWN_LABEL in self.labels:
            raise LabelError(
                f'label set {self.name}: {UNKNOWN_LABEL!r} is the answer to actions outside '
                'the set and cannot be one of its labels')

    def __len__(self) -> int:
        """Return C, the number of labels."""
        return len(self.labels)

    @cached_property
    def id(self) -> str:
        """``name@hash``: changes whenever the labels do (first 4 hex of SHA-256)."""
        text = '\n'.join(self.labels)
        return f'{self.name}@{hashlib.sha256(text.encode()).hexdigest()[:4]}'

    def index(self, label: str) -> int:
        """Return the index of a label.

        Raises:
            LabelError: there is no such label.
        """
        if label not in self.labels:
            known = ', '.join(self.labels)
            raise LabelError(f'label set {self.name} has no {label!r}; it has: {known}')
        return self.labels.index(label)


@dataclass(frozen=True, slots=True)
class Action:
    """What one person does.

    Attributes:
        track_id: of the person, -1 = untracked.
        window_start_ns: acquisition time of the first frame used.
        window_end_ns: of the last one: age is measured from it.
        frames_used: frames of this person in the window.
        coverage: share of the window's joints that were MEASURED, 0..1.
        probabilities: (C,) float32, sum 1.
        top_index: into the label set, -1 = unknown.
        top_label: the label, or `UNKNOWN_LABEL`.
        unknown_score: how unlike all known actions, 0..1.
        reason: why the label is unknown, as ``thin_coverage``; empty otherwise.
        entropy: nat, of the probabilities.
        decision_delay_s: window end minus the time that the decision is about.
    """

    track_id: int
    window_start_ns: int
    window_end_ns: int
    frames_used: int
    coverage: float
    probabilities: Floats
    top_index: int = -1
    top_label: str = UNKNOWN_LABEL
    unknown_score: float = 0.0
    reason: str = ''
    phase: ActionPhase = ActionPhase.UNKNOWN
    entropy: float = 0.0
    decision_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ActionFrame:
    """What all tracked people in a frame do.

    Attributes:
        stamp_ns: acquisition time of the frame.
        label_set: ``LabelSet.id``.
        model: id of the network.
        scene_stamp_ns: of the scene embedding used, 0 = none.
    """

    stamp_ns: int
    frame_seq: int
    label_set: str
    model: str
    frame_id: str = ''
    epoch: int = 0
    scene_stamp_ns: int = 0
    actions: tuple[Action, ...] = ()
