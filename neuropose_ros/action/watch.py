"""What a subscriber remembers of `actions`: the newest answers, and how old they really are.

Messages come twice, overtake each other and stop; clocks are set, stand still or run at another
pace. None of that may make old evidence look young, so the steady clock is asked beside the
stamps: an answer ages from what it was when it came, whatever the other clock does since.
"""

from __future__ import annotations

from neuropose_ros.action.hold import HoldBudget, judge
from neuropose_ros.core.action import Action, ActionFrame
from neuropose_ros.core.clocks import nanoseconds


class Watch:
    """Keeps the newest frame of actions; knows only the times that it is told."""

    def __init__(self, budget: HoldBudget) -> None:
        """Begin without anything heard.

        Args:
            budget: what the subscriber insists on.
        """
        self._budget = budget
        self._newest: ActionFrame | None = None
        self._taken_ns = 0
        self._taken_s = 0.0

    def take(self, frame: ActionFrame, now_ns: int, steady_s: float) -> bool:
        """Take what came; return whether it is new evidence.

        A frame that came before is none, however often it is repeated. One from before the
        newest was overtaken; only after a silence has time, or the numbering of epochs, begun
        anew instead.

        Args:
            now_ns: ROS time at the subscriber.
            steady_s: its steady clock.
        """
        if self._newest is not None:
            last, this = ((f.epoch, f.stamp_ns) for f in (self._newest, frame))
            if this == last or (this < last and not self.silent(steady_s)):
                return False
        self._newest, self._taken_ns, self._taken_s = frame, now_ns, steady_s
        return True

    @property
    def people(self) -> tuple[Action, ...]:
        """Everybody in the newest frame, as told."""
        return () if self._newest is None else self._newest.actions

    def silent(self, steady_s: float) -> bool:
        """Whether nothing new has come for longer than evidence may be old."""
        return self._newest is None or steady_s - self._taken_s > self._budget.max_age_s

    def judge(self, action: Action | None, now_ns: int, steady_s: float) -> Action:
        """Return the action if it may be acted on by both clocks, else why not (see `judge`).

        Args:
            action: one of `people`; None = there is none.
        """
        aged_ns = self._taken_ns + nanoseconds(steady_s - self._taken_s)
        answer = judge(action, now_ns, self._budget)
        return judge(answer, aged_ns, self._budget) if aged_ns > now_ns else answer
