"""The refinement of a whole recording: what comes later has a say in everything before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from neuropose_ros.core.layouts import layout
from neuropose_ros.core.pose import PoseFrame
from neuropose_ros.core.skeleton import SkeletonLayout
from neuropose_ros.refinement.body import Indices
from neuropose_ros.refinement.calming import Calmed
from neuropose_ros.refinement.evidence import EvidenceNetwork, NetworkInput, NetworkOutput
from neuropose_ros.refinement.filters import Values
from neuropose_ros.refinement.noise import NoiseModel
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.stage import RefinementStage

# Frames that are smoothed at once: twice as many are held, so that each has as many after it.
_BLOCK = 1000


class WholeNetwork(EvidenceNetwork, Protocol):
    """A network that also knows what comes later."""

    def whole(self, dt_s: Values, view: NetworkInput) -> NetworkOutput:
        """Say where joints are in T frames at once: arrays are (T, P, K, ...), dt_s is (T,)."""
        ...


def smooth(
    frames: Sequence[PoseFrame], parameters: RefinementParameters | None = None, *,
    network: WholeNetwork | None = None, noise: NoiseModel | None = None,
    layouts: Callable[[str], SkeletonLayout] = layout,
) -> list[PoseFrame]:
    """Return the frames of a recording, each refined by all frames of its epoch.

    Tremor is found from both ends of it and kept whole, if the parameters protect it. Joints that
    are measured again later are INTERPOLATED in between. The ``lag_frames`` of the
    parameters count for nothing here, and nothing is late: ``delay_ms`` is the estimator's.

    Args:
        frames: in the order of the recording; it may hold restarts.
        parameters: None = the defaults.
        network: for this call alone; None = there is none.
        noise: of detectors, as it was learnt.
        layouts: finds the joints of poses by the id of their layout; raises LayoutError.
    """
    wanted = replace(parameters or RefinementParameters(), lag_frames=0)
    if wanted.protect_tremor and wanted.mode == 'kalman':
        calmed = Calmed(frames, wanted.body_height_m)
        return list(calmed.shaken(_smooth(
            calmed.frames, replace(wanted, protect_tremor=False), network, noise, layouts)))
    return _smooth(frames, wanted, network, noise, layouts)


def _smooth(
    frames: Sequence[PoseFrame], wanted: RefinementParameters, network: WholeNetwork | None,
    noise: NoiseModel | None, layouts: Callable[[str], SkeletonLayout],
) -> list[PoseFrame]:

    def stage(told: EvidenceNetwork | None) -> RefinementStage:
        return RefinementStage(wanted, network=told, noise=noise, layouts=layouts, chained=True)

    told: EvidenceNetwork | None = None
    if network is not None and wanted.use_network and wanted.mode == 'kalman':
        listener = _Listener()
        first = stage(listener)
        for frame in frames:
            first.process(frame)
        told = _Player(listener.answers(network))
    delays = [[one.delay_ms for one in frame.persons] for frame in frames]
    return [_undelayed(answer, dict(zip(
        (one.track_id for one in frame.persons), delay_ms, strict=True)))
        for answer, frame, delay_ms in zip(
            _blocks(stage(told), frames), frames, delays, strict=True)]


def _blocks(stage: RefinementStage, frames: Iterable[PoseFrame]) -> Iterator[PoseFrame]:
    held = 0
    for frame in frames:
        stage.put(frame)
        held += 1
        if held == 2 * _BLOCK:
            yield from stage.release(_BLOCK)
            held -= _BLOCK
    yield from stage.flush()


def _undelayed(frame: PoseFrame, delays_ms: dict[int, float]) -> PoseFrame:
    return replace(frame, persons=tuple(
        replace(one, delay_ms=delays_ms.get(one.track_id, 0.0)) for one in frame.persons))


class _Listener:
    """Hears what a network would hear, says nothing, and asks the network when all is heard."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._present: list[int] = []  # numbers of the people in the slots
        self._people = 0
        self._heard: list[tuple[tuple[str, ...], list[int], float, NetworkInput]] = []

    def bind(self, names: tuple[str, ...]) -> None:
        self._names, self._present = names, []

    def arrange(self, people: Indices) -> None:
        numbers = []
        for slot in people.tolist():
            if slot < 0:
                self._people += 1
            numbers.append(self._people if slot < 0 else self._present[slot])
        self._present = numbers

    def step(self, dt_s: float, view: NetworkInput) -> NetworkOutput:
        self._heard.append((self._names, self._present, dt_s, view))
        return NetworkOutput(
            np.full_like(view.measured, np.nan), np.full_like(view.sd, np.nan))

    def answers(self, network: WholeNetwork) -> list[NetworkOutput]:
        """Return what the network says in each step, person by person over all their frames."""
        answers = [NetworkOutput(np.full_like(view.measured, np.nan), np.full_like(
            view.sd, np.nan)) for _, _, _, view in self._heard]
        places: dict[int, list[tuple[int, int]]] = {}
        for frame, (_, present, _, _) in enumerate(self._heard):
            for slot, number in enumerate(present):
                places.setdefault(number, []).append((frame, slot))
        for where in places.values():
            network.bind(self._heard[where[0][0]][0])
            network.arrange(np.array([-1], np.intp))
            views = [NetworkInput(*(values[slot:slot + 1] for values in self._heard[frame][3]))
                     for frame, slot in where]
            said = network.whole(
                np.array([self._heard[frame][2] for frame, _ in where]),
                NetworkInput(*(np.stack(values) for values in zip(*views, strict=True))))
            for (frame, slot), position, variance in zip(
                    where, said.position, said.variance, strict=True):
                answers[frame].position[slot] = position[0]
                answers[frame].variance[slot] = variance[0]
        return answers


class _Player:
    """Says what is known beforehand, step by step."""

    def __init__(self, answers: Iterable[NetworkOutput]) -> None:
        self._answers = iter(answers)

    def bind(self, names: tuple[str, ...]) -> None:
        """Nothing depends on it."""

    def arrange(self, people: Indices) -> None:
        """The answers are of the same people in the same slots."""

    def step(self, dt_s: float, view: NetworkInput) -> NetworkOutput:  # noqa: ARG002
        return next(self._answers)
