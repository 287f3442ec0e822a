"""What a robot may act on: an answer that is fresh and rests on enough, or an explicit unknown."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from neuropose_ros.action import reasons
from neuropose_ros.core.action import UNKNOWN_LABEL, Action, ActionPhase
from neuropose_ros.core.clocks import seconds
from neuropose_ros.core.errors import ParameterError


@dataclass(frozen=True, slots=True)
class HoldBudget:
    """What evidence a subscriber insists on.

    Attributes:
        max_age_s: of the newest frame used.
        least_coverage: share of the window's joints that must have been MEASURED, 0..1.
        most_unknown_score: how unlike the known actions it may be, 0..1.
        least_probability: of the label, 0..1.
        least_evidence_s: from the first to the newest frame used. Coverage does not tell: that of
            somebody who has just come is of a short window.
    """

    max_age_s: float = 0.5
    least_coverage: float = 0.5
    most_unknown_score: float = 1.0
    least_probability: float = 0.0
    least_evidence_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse budgets that no answer or every answer would meet by mistake.

        Raises:
            ParameterError: the age is not positive, a share is outside 0..1, or the evidence is
                not a time.
        """
        if not (math.isfinite(self.max_age_s) and self.max_age_s > 0):
            raise ParameterError(f'max_age_s is {self.max_age_s}; it must be more than 0 s')
        for name in ('least_coverage', 'most_unknown_score', 'least_probability'):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ParameterError(f'{name} is {value}; it must be within 0 to 1')
        if not (math.isfinite(self.least_evidence_s) and self.least_evidence_s >= 0):
            raise ParameterError(
                f'least_evidence_s is {self.least_evidence_s}; it must be 0 s or more')


def judge(action: Action | None, now_ns: int, budget: HoldBudget) -> Action:
    """Return the action if it may be acted on, else the explicit unknown with its reason.

    Age is checked first: what an old answer says of itself may no longer be so. Probabilities
    and evidence are left as they are.

    Args:
        action: the newest answer about the person; None = there is none.
        now_ns: ROS time at the subscriber. An age below 0 means that the clocks disagree, and
            then no age can be trusted.
        budget: what the subscriber insists on.
    """
    if action is None:
        return Action(-1, now_ns, now_ns, 0, 0.0, np.zeros(0, np.float32), unknown_score=1.0,
                      reason=reasons.NO_TRACK)
    reason = _objection(action, seconds(now_ns - action.window_end_ns), budget)
    return replace(
        action, top_index=-1, top_label=UNKNOWN_LABEL, reason=reason,
        phase=ActionPhase.UNKNOWN) if reason else action


def _objection(action: Action, age_s: float, budget: HoldBudget) -> str:
    """Return why not, '' = nothing; a value that is not a number meets no budget."""
    if age_s < 0:
        return reasons.CLOCK_IN_FUTURE
    if age_s > budget.max_age_s:
        return reasons.STALE
    if action.reason:
        return action.reason
    if seconds(action.window_end_ns - action.window_start_ns) < budget.least_evidence_s:
        return reasons.TOO_SHORT
    if not action.coverage >= budget.least_coverage:
        return reasons.THIN_COVERAGE
    known = (0 <= action.top_index < len(action.probabilities)
             and action.top_label not in ('', UNKNOWN_LABEL))
    if not known or not action.unknown_score <= budget.most_unknown_score:
        return reasons.UNLIKE_KNOWN
    if not action.probabilities[action.top_index] >= budget.least_probability:
        return reasons.UNSURE
    return ''
