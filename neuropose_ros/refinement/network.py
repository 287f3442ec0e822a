"""The refiner's network at work: one step for all people in a frame, through any runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neuropose_ros.core.errors import ModelError
from neuropose_ros.inference.batching import Announce, announce_on_stderr
from neuropose_ros.inference.runtime import Runtime
from neuropose_ros.inference.select import create_runtime
from neuropose_ros.refinement.between import between
from neuropose_ros.refinement.body import Indices
from neuropose_ros.refinement.canonical import CORE_JOINTS, core_columns
from neuropose_ros.refinement.description import (
    STEP_FILE,
    RefinerDescription,
    check_file,
    read_description,
)
from neuropose_ros.refinement.evidence import NetworkInput, NetworkOutput
from neuropose_ros.refinement.filters import Mask, Values
from neuropose_ros.refinement.skeletal import (
    Bodies,
    Prepared,
    follow,
    unknown_bodies,
)

STEP = 'step'
FRAME_INPUTS = ('measured', 'seen', 'sd', 'filtered', 'filtered_sd', 'age_s', 'centre', 'size')
_JOINTS = len(CORE_JOINTS)
# It learnt on 10 to 60 frames per second: faster ones lie between two ticks of its memory.
_LEAST_TICK_S = 0.014
_LONGEST_TICK_S = 0.15


def state_size(hidden: int) -> int:
    """Return how many numbers a step keeps of a person."""
    return hidden + 4 * _JOINTS + 1


class _Said(NamedTuple):
    """Of one frame, in the layout's joints.

    Attributes:
        doubt: (P, K) px^2: by how much to mistrust the past alone.
    """

    position: Values
    variance: Values
    doubt: Values


class _Told(NamedTuple):
    """Of one frame, in the C core joints.

    Attributes:
        met: (P,) of whom something is known.
        prepared: before the network had a say.
        position: (P, C, 2) px.
        variance: (P, C) px^2.
    """

    met: Mask
    prepared: Prepared
    position: Values
    variance: Values


class _Memory(NamedTuple):
    """What is known of P people at the last tick."""

    bodies: Bodies
    state: Values  # (P, S) float32


class OnnxEvidence:
    """A refiner's step network with the people it follows; see `EvidenceNetwork`."""

    def __init__(self, runtime: Runtime, description: RefinerDescription) -> None:
        """Take a loaded network, which may serve several followers."""
        self._runtime = runtime
        self._skeleton = description.skeletal_model()
        self._state_size = state_size(description.hidden)
        self._spread = description.spread[STEP]
        self._tells = np.array([name in description.told for name in CORE_JOINTS])
        self._bind(())
        self._memory = self._nobody(0)
        self._pending_s = 0.0

    def bind(self, names: tuple[str, ...]) -> None:
        """Work on joints of these names from now on, and know nobody."""
        self._bind(names)
        self.arrange(np.zeros(0, np.intp))

    def _bind(self, names: tuple[str, ...]) -> None:
        self._joints = len(names)
        columns = core_columns(names)
        # Core joints that the layout has, and of which something is said; and their columns.
        self._known = np.flatnonzero(columns >= 0)
        self._said = np.flatnonzero((columns >= 0) & self._tells)
        self._known_columns, self._said_columns = columns[self._known], columns[self._said]

    def arrange(self, people: Indices) -> None:
        """Put the people into another order; -1 = somebody new."""
        fresh, old = self._nobody(len(people)), people >= 0
        for new, kept in zip((*fresh.bodies, fresh.state),
                             (*self._memory.bodies, self._memory.state), strict=True):
            new[old] = kept[people[old]]
        self._memory = fresh

    def step(self, dt_s: float, view: NetworkInput) -> NetworkOutput:
        """Go on by ``dt_s`` (0 at the first frame) and say where the joints are.

        Raises:
            ModelError: the network fails, or gives values that are not numbers.
        """
        if not view.measured.size or not len(self._known):
            return _nothing(view)
        told = self._step(dt_s, view)
        return NetworkOutput(self._placed(told, told.position), self._placed(told, told.variance))

    def whole(self, dt_s: Values, view: NetworkInput) -> NetworkOutput:
        """Say where the joints were in a whole recording, from its past and its future.

        The network goes through it in both directions; what is surer weighs more. Hidden joints
        are where all that was seen of the body, before and after, has them. Whoever was followed
        before is forgotten.

        Args:
            dt_s: (T,) since the frame before; the first is not used.
            view: T frames of the same people: (T, P, K, 2) and (T, P, K).
        """
        if not len(self._known):
            return _nothing(view)
        forth = self._through(dt_s, view)
        back = _Said(*(part[::-1] for part in self._through(
            np.concatenate((dt_s[:1], dt_s[:0:-1])),
            NetworkInput(*(part[::-1] for part in view)))))
        trust = [np.nan_to_num(1.0 / said.doubt) for said in (forth, back)]
        total = np.maximum(trust[0] + trust[1], 1e-12)
        shares = [part / total for part in trust]
        position = sum(np.nan_to_num(share[..., None] * said.position)
                       for share, said in zip(shares, (forth, back), strict=True))
        # Both directions are wrong about the same detections: two sayings are not twice as sure.
        variance = sum(np.nan_to_num(share * said.variance)
                       for share, said in zip(shares, (forth, back), strict=True))
        known = trust[0] + trust[1] > 0
        interpolated = self._between(dt_s, view)
        better = np.isfinite(interpolated) & ~np.isfinite(view.measured)
        position = np.where(better, interpolated, position)
        return NetworkOutput(np.where(known[..., None], position, np.nan),
                             np.where(known, variance, np.nan))

    def _between(self, dt_s: Values, view: NetworkInput) -> Values:
        """Return (T, P, K, 2) where joints were by the way that bodies move; NaN = not known."""
        answer = np.full(view.measured.shape, np.nan)
        columns, model = self._known_columns, self._skeleton.of(self._known)
        hidden = np.isnan(view.measured[:, :, columns, 0]).any(axis=(0, 2))
        for person in np.flatnonzero(hidden) if len(columns) else ():
            answer[:, person, columns] = between(
                model, dt_s, view.measured[:, person, columns], view.sd[:, person, columns])
        return answer

    def _through(self, dt_s: Values, view: NetworkInput) -> _Said:
        self._pending_s = 0.0
        self.arrange(np.full(view.measured.shape[1], -1))
        said = []
        for tick in range(len(dt_s)):
            told = self._step(0.0 if tick == 0 else float(dt_s[tick]),
                              NetworkInput(*(part[tick] for part in view)))
            before = told.prepared
            hidden = (before.filtered_sd * before.size[:, None]) ** 2
            unsure = np.where(before.seen > 0, told.variance, hidden)
            said.append(_Said(*(self._placed(told, part) for part in (
                told.position, told.variance, unsure))))
        return _Said(*(np.stack(part) for part in zip(*said, strict=True)))

    def _placed(self, told: _Told, values: Values) -> Values:
        """Return (P, K, ...) of what is told of core joints (P, C, ...); NaN = nothing."""
        placed = np.full((len(values), self._joints, *values.shape[2:]), np.nan)
        placed[:, self._said_columns] = values.take(self._said, axis=1)
        if not told.met.all():
            placed[~told.met] = np.nan
        return placed

    def _step(self, dt_s: float, view: NetworkInput) -> _Told:
        people = len(view.measured)
        self._pending_s += dt_s
        points, sd_px = np.full((people, _JOINTS, 2), np.nan), np.ones((people, _JOINTS))
        points[:, self._known] = view.measured.take(self._known_columns, axis=1)
        sd_px[:, self._known] = view.sd.take(self._known_columns, axis=1)
        bodies, prepared = follow(
            self._skeleton, self._memory.bodies, np.full(people, self._pending_s), points, sd_px)
        position, log_variance, state = self._run(prepared, self._pending_s)
        met: Mask = bodies.size > 0
        if dt_s == 0.0 or self._pending_s >= _LEAST_TICK_S:
            self._memory, self._pending_s = _Memory(bodies, np.where(met[:, None], state, 0)), 0.0
        spread = np.where(prepared.seen > 0, *self._spread) * prepared.size[:, None]
        return _Told(met, prepared, position, np.exp(log_variance) * spread * spread)

    def _run(self, prepared: Prepared, dt_s: float) -> tuple[Values, Values, Values]:
        inputs = {name: np.ascontiguousarray(getattr(prepared, name), np.float32)
                  for name in FRAME_INPUTS}
        inputs['dt_s'] = np.full(len(prepared.size), min(dt_s, _LONGEST_TICK_S), np.float32)
        outputs = self._runtime.run({**inputs, 'state': self._memory.state})
        position, state = outputs['position'], outputs['next_state']
        if not np.isfinite(position).all():
            raise ModelError('the refiner gave positions that are not numbers')
        return position.astype(np.float64), outputs['log_variance'].astype(np.float64), state

    def _nobody(self, people: int) -> _Memory:
        return _Memory(unknown_bodies(people, _JOINTS),
                       np.zeros((people, self._state_size), np.float32))


def _nothing(view: NetworkInput) -> NetworkOutput:
    return NetworkOutput(np.full(view.measured.shape, np.nan), np.full(view.sd.shape, np.nan))


class LoadedRefiner(NamedTuple):
    """A refiner's folder, loaded.

    Attributes:
        description: what it says of itself.
        network: makes a follower that knows nobody; all of them share the loaded network.
        close: gives back the memory.
    """

    description: RefinerDescription
    network: Callable[[], OnnxEvidence]
    close: Callable[[], None]


def open_refiner(
    folder: Path, *, runtime: str = 'cpu', threads: int = 1,
    announce: Announce = announce_on_stderr,
) -> LoadedRefiner:
    """Load the networks of a refiner's folder.

    Args:
        folder: that `neuropose train refiner` wrote.
        runtime: see `create_runtime`; so small a network gains nothing from a GPU.
        threads: of the processor.
        announce: takes one sentence for people.

    Raises:
        ModelError: a file is missing or damaged, or does not fit the description.
    """
    description = read_description(folder)
    path = folder / STEP_FILE
    check_file(path, description)
    loaded = create_runtime(
        path, runtime=runtime, precision='fp32', threads=threads, announce=announce)
    wanted = {*FRAME_INPUTS, 'dt_s', 'state'}
    if {spec.name for spec in loaded.inputs} != wanted:
        loaded.close()
        raise ModelError(f'{path}: it takes other inputs than a refiner does: train it again')
    return LoadedRefiner(
        description, lambda: OnnxEvidence(loaded, description), loaded.close)
