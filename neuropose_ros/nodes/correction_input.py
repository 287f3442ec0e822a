"""What people say is wrong, while it happens: from the topic into the log of a `Corrector`."""

from __future__ import annotations

import threading
from typing import Any

from neuropose_ros.core import event_wire
from neuropose_ros.core.events import Correction
from neuropose_ros.msg import Correction as CorrectionMessage
from neuropose_ros.nodes import qos
from neuropose_ros.nodes.base import StageNode
from neuropose_ros.nodes.ports import Input
from neuropose_ros.refinement.correcting import Corrector

_FUTURE_S = 0.5


class CorrectionInput:
    """Reads `corrections` for as long as the node is active, whether or not it is in demand.

    Attributes:
        refused: corrections that contradict themselves.
        past: corrections whose window was over when they came: replay applies them.
    """

    def __init__(self, node: StageNode, corrector: Corrector, working: threading.Lock) -> None:
        """Advertise nothing, subscribe to nothing yet.

        Args:
            corrector: gets what comes.
            working: is held meanwhile.
        """
        self._node, self._corrector, self._working = node, corrector, working
        self.refused = self.past = 0
        self._input: Input[Any] = Input(
            node, 'corrections', CorrectionMessage, qos.reliable(50), self._read)

    def want(self, wanted: bool) -> None:
        """Open or close; call it regularly."""
        self._input.want(wanted)

    def _read(self, message: Any) -> None:
        try:
            correction = event_wire.correction_from_message(message)
        except ValueError as error:
            self._refuse(f'a correction is refused: {error}')
            return
        log = self._corrector.log
        with self._working:
            taken = log.take(correction)
            past = taken and self._corrector.is_past(correction)
        if not taken:
            self._refuse(f'{log.problems[-1]}; it is refused')
        elif past:
            self.past += 1
            self._node.say_once('past', f'{_name(correction)} is of a window that is over: what '
                                'was published stays; a replay of the recording applies it')
        else:
            self._check_clock(correction)

    def _refuse(self, sentence: str) -> None:
        self.refused += 1
        self._node.say_problem_once(sentence, f'{self._input.topic}: {sentence}')

    def _check_clock(self, correction: Correction) -> None:
        ahead_s = (correction.stamp_ns - self._node.get_clock().now().nanoseconds) / 1e9
        if ahead_s > _FUTURE_S:
            self._node.say_once('ahead', f'{_name(correction)} was said {ahead_s:.1f} s in the '
                                'future and holds from then on: do clocks differ, or is '
                                'use_sim_time set on one side alone?')

    def details(self) -> dict[str, int]:
        """Return counts for /diagnostics."""
        counters = self._corrector.counters
        return {'corrections': len(self._corrector.log), 'corrections_refused': self.refused,
                'corrections_past': self.past, 'corrected_frames': counters.corrected_frames,
                'correction_misfits': counters.misfits}


def _name(correction: Correction) -> str:
    return f'correction {correction.id!r}'
