"""Where in an action somebody is: beginning, going on or ending, from its probability over time.

A label counts from when it has led for a settling time; it is ONSET for a set time, then ONGOING.
It is OFFSET when its probability has stayed below a share of its recent peak for the settling
time, and ONGOING again when it has stayed above a higher share. While another label, or unknown,
leads and has not settled, the phase is UNKNOWN; if the old one comes back it goes on as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from neuropose_ros.core.action import ActionPhase
from neuropose_ros.core.clocks import nanoseconds, seconds

FALLEN = 0.6
"""Share of the peak below which an action is ending."""
RECOVERED = 0.8
"""Share of the peak above which it goes on after all."""
PEAK_MEMORY_S = 2.0
"""Half-life of the peak above the present probability: one spike is no measure for ever."""


@dataclass(frozen=True, slots=True)
class PhaseState:
    """What is remembered of one person.

    Attributes:
        label: the label that counts, -1 = none.
        since_ns: when it began to lead.
        rival: the label that leads now.
        rival_ns: since when.
        peak: recent largest probability of the label.
        ending: whether it is falling.
        turn_ns: since when its probability has been on the other side, None = it is not.
        stamp_ns: of the last answer.
    """

    label: int = -1
    since_ns: int = 0
    rival: int = -1
    rival_ns: int = 0
    peak: float = 0.0
    ending: bool = False
    turn_ns: int | None = None
    stamp_ns: int = 0


def advance(
    state: PhaseState, label: int, probability: float, stamp_ns: int, *,
    settle_s: float, onset_s: float,
) -> tuple[PhaseState, ActionPhase]:
    """Take the next answer.

    Args:
        state: from the last one; `PhaseState()` at first.
        label: that leads, -1 = unknown.
        probability: of that label.
        stamp_ns: of the answer; not before the last.
        settle_s: how long a label must lead, or a probability be on the other side.
        onset_s: how long an action is ONSET.
    """
    settle_ns = nanoseconds(settle_s)
    if label != state.rival:
        state = replace(state, rival=label, rival_ns=stamp_ns)
    if label != state.label and stamp_ns - state.rival_ns >= settle_ns:
        state = PhaseState(label, state.rival_ns, label, state.rival_ns, probability)
    if label == state.label and label >= 0:
        state = _followed(state, probability, stamp_ns, settle_ns)
    state = replace(state, stamp_ns=stamp_ns)
    if label < 0 or label != state.label:
        return state, ActionPhase.UNKNOWN
    if state.ending:
        return state, ActionPhase.OFFSET
    begun = stamp_ns - state.since_ns <= nanoseconds(onset_s)
    return state, ActionPhase.ONSET if begun else ActionPhase.ONGOING


def _followed(
    state: PhaseState, probability: float, stamp_ns: int, settle_ns: int,
) -> PhaseState:
    """Return the state with the peak brought up to date, and the turn taken where it is due."""
    kept = 0.5 ** (seconds(stamp_ns - (state.stamp_ns or stamp_ns)) / PEAK_MEMORY_S)
    peak = max(probability, probability + (state.peak - probability) * kept)
    over = (probability > RECOVERED * peak) if state.ending else (probability < FALLEN * peak)
    if not over:
        return replace(state, peak=peak, turn_ns=None)
    turn_ns = stamp_ns if state.turn_ns is None else state.turn_ns
    if stamp_ns - turn_ns < settle_ns:
        return replace(state, peak=peak, turn_ns=turn_ns)
    return replace(state, peak=peak, turn_ns=None, ending=not state.ending)
