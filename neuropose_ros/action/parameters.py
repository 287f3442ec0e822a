"""Parameters of the action stage, with units and ranges in one table."""

from __future__ import annotations

from dataclasses import dataclass, field

from neuropose_ros.core.errors import ParameterError
from neuropose_ros.core.parameters import check_fields, number


@dataclass(frozen=True, slots=True)
class ActionParameters:
    """When an answer is given, and when it is "unknown" instead.

    Each field's metadata holds ``text``, and ``range`` and ``unit``: what a node needs to
    declare it.

    Raises:
        ParameterError: a value has the wrong type, is out of range or contradicts another.
    """

    least_coverage: float = number(
        0.3, 0.0, 1.0, '1', 'share of the joints in the window that must have been measured; '
        'below, the answer is unknown (thin_coverage)')
    least_evidence_s: float = number(
        0.25, 0.0, 10.0, 's', 'how long a person must have been followed; shorter, the answer is '
        'unknown (too_short)')
    max_age_s: float = number(
        0.5, 0.01, 10.0, 's', 'age of the newest measured joint from which on the answer is '
        'unknown (stale)')
    memory_s: float = number(
        1.0, 0.0, 30.0, 's', 'how long somebody who is not seen, or a stream that pauses, is '
        'remembered; up to then the gap counts as joints not measured, afterwards the person '
        'begins anew')
    most_people: int = number(
        64, 1, 1024, '1', 'how many people are remembered at once; of more, whoever is longest '
        'unseen is forgotten first: a tracker that gives new ids all the time costs no more')
    unknown_threshold: float = number(
        -1.0, -1.0, 1.0, '1', 'unknown score from which on the answer is unknown (unlike_known); '
        "negative = the recogniser's own threshold")
    use_scene: bool = field(default=True, metadata={
        'text': 'whether a recogniser that knows scenes reads the scene embedding'})
    scene_age_s: float = number(
        10.0, 0.01, 3600.0, 's', 'age from which on a scene embedding is no longer used')
    phase_settle_s: float = number(
        0.25, 0.0, 5.0, 's', 'how long a label must lead, or its probability fall, before the '
        'phase changes')
    phase_onset_s: float = number(
        0.5, 0.0, 10.0, 's', 'how long an action counts as beginning')

    def __post_init__(self) -> None:
        """Check types, ranges and contradictions."""
        check_fields(self)
        if self.memory_s < self.max_age_s:
            raise ParameterError(
                f'memory_s ({self.memory_s}) must not be below max_age_s ({self.max_age_s}): '
                'who is forgotten has no answer that could be young enough')
