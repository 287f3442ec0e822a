"""The people of one camera over time, all in one set of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from neuropose_ros.core.pose import PersonPose
from neuropose_ros.refinement import filters
from neuropose_ros.refinement.backward import Chain, Step
from neuropose_ros.refinement.body import Body, Indices
from neuropose_ros.refinement.composition import Rows, compose, judge
from neuropose_ros.refinement.constraints.project import Constraints
from neuropose_ros.refinement.evidence import EvidenceNetwork
from neuropose_ros.refinement.filters import Mask, Points, Values
from neuropose_ros.refinement.gating import SideKeeper
from neuropose_ros.refinement.learnt import Learnt
from neuropose_ros.refinement.motion import Evidence, Verdict, again, create_motion, without
from neuropose_ros.refinement.noise import JointNoise
from neuropose_ros.refinement.parameters import RefinementParameters
from neuropose_ros.refinement.reading import (
    MEASURED,
    MISSING,
    PREDICTED,
    Reading,
    View,
    box_around,
    is_box,
    read_people,
    rearranged,
)
from neuropose_ros.refinement.trembling import Tremor

_SIZE_SMOOTHING_S = 0.5
_LEAST_SIZE_PX = 8.0
NONE: Mapping[int, Values] = {}


class People:
    """P people with K joints each; rows are the K joints in the image, then those in 3D.

    Attributes:
        body: the joints.
        outliers: measurements refused in the newest frame.
        swapped: joints put back to their side in it.
        lost: people given up in it.
    """

    def __init__(
        self, parameters: RefinementParameters, body: Body,
        network: EvidenceNetwork | None = None, *, chained: bool = False,
    ) -> None:
        """Know nobody yet.

        Args:
            network: for these people alone; None = there is none.
            chained: whether later frames are to say something about earlier ones.
        """
        self.outliers = self.swapped = self.lost = 0
        self._parameters = parameters
        self.body = body
        self._full = parameters.mode == 'kalman'
        self._chained = chained and self._full
        self._motion = create_motion(parameters, 2 * body.count, 3)
        self._sides = SideKeeper(body, parameters.swap_memory_s)
        self._constraints = Constraints(body, parameters)
        self._learnt = Learnt(network, body, parameters)
        self._tremor = Tremor(body.count, enabled=self._full and parameters.protect_tremor)
        self._ids: list[int] = []
        self._last: list[PersonPose] = []  # as last seen, with a box that goes on
        self._size_px = np.zeros(0)
        self._has_3d = np.zeros(0, bool)
        self._unseen_s = np.zeros(0)
        rows = (0, 2 * body.count)
        self._seen_s = np.zeros(rows)  # since a measurement or guess
        self._measured_s = np.zeros(rows)  # since a measurement
        self._told = np.zeros(rows, bool)  # by the network, without being seen
        self._slow = np.zeros(rows)
        self._scores = np.zeros(rows)

    def step(
        self, people: Sequence[PersonPose], dt_s: float, view: View, noise: JointNoise,
        liveliness: Mapping[int, Values] = NONE,
    ) -> Step:
        """Go on by ``dt_s``.

        Args:
            people: in this frame, each with an id of its own.
            dt_s: since the last frame.
            view: they are seen in.
            noise: of the detector.
            liveliness: (K,) factors on the variance of the acceleration, by track id; 1 of
                everybody else.

        Returns:
            ``people`` refined, and those who are not there but predicted.
        """
        found = {person.track_id: person for person in people}
        fresh = [track_id for track_id in found if track_id not in self._ids]
        if fresh:
            self._admit([found[track_id] for track_id in fresh])
        present = [found.get(track_id) for track_id in self._ids]
        reading = read_people(present, self.body.count, view)
        self._follow(present, reading, dt_s, view)
        rows, tremor, chain = self._advance(reading, dt_s, view, noise, self._lively(liveliness))
        step = Step(
            tuple(self._ids), rows, tuple(self._last),
            np.array([person is not None for person in present], bool), self._has_3d.copy(),
            tremor, chain)
        self._dismiss()
        return step

    def predicted(self) -> list[PersonPose]:
        """Return all that is known now, also of joints beyond the border."""
        if not self._ids:
            return []
        shape = self._seen_s.shape
        valued: Mask = self._known() & (self._seen_s <= self._bridge_s)
        states = np.where(valued, PREDICTED, MISSING)
        states[valued & (self._measured_s == 0.0)] = MEASURED
        points = self._motion.points
        people = compose(Rows(
            points.position.reshape(*shape, 3), points.velocity.reshape(*shape, 3),
            self._variance(), None, self._scores, states, valued, np.zeros(shape[0])),
            self._last, self._unseen_s == 0.0, self._has_3d)
        some = valued[:, :self.body.count].any(axis=1)
        return [people[slot] for slot in np.flatnonzero(some)]

    @property
    def _bridge_s(self) -> float:
        """Longest time without a measurement; stamps are rounded to ns, so a bit is forgiven."""
        if self._parameters.mode == 'none':
            return 0.0
        return self._parameters.max_bridge_s + 1e-6

    def _variance(self) -> Values | None:
        """Return (P, 2K) variances of the whole errors: what is filtered, and what stays."""
        if not self._full:
            return None
        return self._motion.points.position_variance.reshape(self._slow.shape) + self._slow

    def _known(self) -> Mask:
        known: Mask = np.isfinite(self._motion.points.position[:, 0]).reshape(self._seen_s.shape)
        return known

    def _lively(self, liveliness: Mapping[int, Values]) -> Values | None:
        """Return (N,) factors on the deviation of the acceleration; None = all are 1."""
        if not liveliness:
            return None
        lively = np.ones(self._seen_s.shape)
        for slot, track_id in enumerate(self._ids):
            if track_id in liveliness:
                lively[slot] = np.tile(np.sqrt(liveliness[track_id]), 2)
        return lively.ravel()

    def _admit(self, people: list[PersonPose]) -> None:
        order = np.array([*range(len(self._ids)), *[-1] * len(people)], np.intp)
        self._ids += [person.track_id for person in people]
        self._last += people
        self._arrange(order)

    def _dismiss(self) -> None:
        """Give up who was not seen for too long."""
        over = self._unseen_s > self._bridge_s
        self.lost = int(np.count_nonzero(over))
        if self.lost:
            order = np.flatnonzero(~over)
            self._ids = [self._ids[slot] for slot in order]
            self._last = [self._last[slot] for slot in order]
            self._arrange(order)

    def _arrange(self, people: Indices) -> None:
        """Put all state into the order of ``people``, -1 = somebody new."""
        self._size_px = filters.rearranged(self._size_px, people, 0.0)
        self._has_3d = filters.rearranged(self._has_3d, people, False)
        self._unseen_s = filters.rearranged(self._unseen_s, people, 0.0)
        self._seen_s = filters.rearranged(self._seen_s, people, np.inf)
        self._measured_s = filters.rearranged(self._measured_s, people, np.inf)
        self._told = filters.rearranged(self._told, people, False)
        self._slow = filters.rearranged(self._slow, people, 0.0)
        self._scores = filters.rearranged(self._scores, people, 0.0)
        for part in (self._sides, self._learnt, self._tremor, self._constraints):
            part.arrange(people)
        self._motion.arrange(filters.rows_of(people, 2 * self.body.count))

    def _advance(
        self, reading: Reading, dt_s: float, view: View, noise: JointNoise,
        liveliness: Values | None,
    ) -> tuple[Rows, Values | None, Chain | None]:
        """Predict, weigh, correct and judge all people."""
        shape, motion = self._seen_s.shape, self._motion
        sizes = np.empty(shape)
        sizes[:, :self.body.count] = self._size_px[:, None]
        sizes[:, self.body.count:] = self._parameters.body_height_m
        before, predicted, drifting = self._predict(sizes, dt_s, liveliness)
        reading, evidence = self._weigh(reading, predicted, sizes, dt_s, noise)
        steady = without(evidence, self._tremor.expected(dt_s))
        verdict = motion.gate(dt_s, predicted, steady)
        used = (verdict.fits | verdict.starting).reshape(shape)
        innovation = verdict.innovation.reshape(*shape, 3)
        tremor = self._tremor.step(evidence.measured, used, dt_s, sizes)
        evidence = without(evidence, tremor)
        if evidence is not steady:
            verdict = again(verdict, evidence, predicted)
        evidence, verdict = self._learnt.improve(
            dt_s, evidence, verdict, predicted, self._size_px)
        predicted = motion.adapt(dt_s, predicted, evidence, verdict)
        delay_s = motion.correct(dt_s, predicted, evidence, verdict)
        known = (verdict.fits | verdict.starting).reshape(shape)
        if self._parameters.mode != 'none':
            self._carry(before, known)
        self._constrain(dt_s, used & reading.measured, sizes)
        self._note(reading, evidence, used, known)
        chain = self._chain(predicted, dt_s, drifting, verdict) if self._chained else None
        position = motion.points.position.reshape(*shape, 3)
        if tremor is not None:
            tremor = tremor.reshape(position.shape)
            position = position + tremor
        bridged = self._known() & ((self._measured_s <= self._bridge_s) | self._told)
        judged = judge(
            reading, used, known, bridged, position, view,
            keep_guesses=self._parameters.keep_guesses)
        return Rows(
            position, motion.points.velocity.reshape(*shape, 3),
            self._variance(), innovation, self._scores, judged.states, judged.valued, delay_s,
        ), tremor, chain

    def _chain(
        self, predicted: Points, dt_s: float, drifting: Mask, verdict: Verdict,
    ) -> Chain:
        """Return what later frames need to say something about this one."""
        decay_s = self._parameters.bridge_decay_s
        fade = np.exp(-dt_s / decay_s)
        # A joint that nothing was seen of is where it was predicted: its neighbours moved it.
        told = filters.select(verdict.fits | verdict.starting, predicted, self._motion.points)
        return Chain(
            self._motion.points, told, np.where(drifting, decay_s * (1.0 - fade), dt_s),
            np.where(drifting, fade, 1.0),
            np.isfinite(predicted.position_variance) & ~verdict.starting)

    def _predict(
        self, sizes: Values, dt_s: float, liveliness: Values | None,
    ) -> tuple[Points, Points, Mask]:
        """Return the points of the last frame, in this one, and which of them drift."""
        known = self._known()
        unseen = (self._seen_s > 0.0) & known
        self._seen_s += dt_s
        self._measured_s += dt_s
        gone = unseen & (self._seen_s > self._bridge_s) & ~self._told
        if filters.some(gone):
            self._forget(gone)
            unseen &= ~gone
            known &= ~gone
        return self._motion.points, self._motion.predict(
            dt_s, sizes.ravel(), unseen.ravel(), self._drift(unseen, known), liveliness,
        ), unseen.ravel()

    def _forget(self, gone: Mask) -> None:
        self._motion.forget(gone.ravel())
        self._tremor.forget(gone)

    def _weigh(
        self, reading: Reading, predicted: Points, sizes: Values, dt_s: float, noise: JointNoise,
    ) -> tuple[Reading, Evidence]:
        """Return the reading with sides put right, and how noisy it is."""
        parameters, shape = self._parameters, sizes.shape
        white, slow = noise.deviations(reading.scores)
        # Learnt noise knows how bad the guesses of low confidence are.
        guessed = reading.usable & ~reading.measured
        sd = sizes if noise.learnt or not filters.some(guessed) else np.where(
            guessed, parameters.guess_inflation * sizes, sizes)
        variance, slow = (white * sd) ** 2, (slow * sd) ** 2
        self.swapped = 0
        if self._full and parameters.use_swap_repair:
            wrong = self._sides.wrong(
                dt_s, reading.values, variance,
                self._motion.points.position.reshape(*shape, 3),
                predicted.position.reshape(*shape, 3),
                predicted.position_variance.reshape(shape), sizes)
            if wrong is not None:
                self.swapped = int(wrong[:, :self.body.count].sum())
                order = np.where(wrong, self.body.mirror, np.arange(shape[1]))
                variance = np.take_along_axis(variance, order, axis=1)
                slow = np.take_along_axis(slow, order, axis=1)
                reading = rearranged(reading, order)
        return reading, Evidence(
            np.where(reading.usable[..., None], reading.values, np.nan).reshape(-1, 3),
            variance.ravel(), slow.ravel(), reading.usable.ravel(), sizes.ravel())

    def _constrain(self, dt_s: float, seen: Mask, sizes: Values) -> None:
        """Put the joints where a body can have them."""
        points, shape = self._motion.points, seen.shape
        better = self._constraints.project(
            dt_s, points.position.reshape(*shape, 3), points.velocity.reshape(*shape, 3),
            points.position_variance.reshape(shape), seen, sizes, deep=filters.some(self._has_3d))
        if better is not None:
            moved = better.reshape(-1, 3)
            self._motion.carry(np.isfinite(moved[:, 0]), moved, points.velocity)

    def _note(self, reading: Reading, evidence: Evidence, used: Mask, known: Mask) -> None:
        """Remember what was seen, and what was told by the network without being seen."""
        self._seen_s[used] = 0.0
        self._measured_s[used & reading.measured] = 0.0
        self._told = known & ~used
        self._scores = np.where(used, reading.scores, 0.0)
        if self._full:
            self._slow = np.where(known, evidence.slow.reshape(used.shape), self._slow)
        self.outliers = int(np.count_nonzero((reading.usable & ~used)[:, :self.body.count]))

    def _drift(self, unseen: Mask, known: Mask) -> Values | None:
        """Return (N, 3) velocities that unseen joints take up: those of their whole body."""
        if not filters.some(unseen):
            return None
        halves = (len(unseen), 2, self.body.count)
        known = known.reshape(halves)
        weights = known.astype(np.float64)[..., None]
        velocity = np.where(
            known[..., None], self._motion.points.velocity.reshape(*halves, 3), 0.0)
        mean = velocity.sum(axis=2, keepdims=True) / np.maximum(
            weights.sum(axis=2, keepdims=True), 1.0)
        drift: Values = np.broadcast_to(mean, velocity.shape).reshape(-1, 3)
        return drift

    def _carry(self, before: Points, used: Mask) -> None:
        """Move joints that nothing was seen of along with the seen joints nearest to them.

        For limbs a few bones long that says more than the velocity they had: measured on bursts
        of hidden joints, velocities from before are wrong by the time they are needed.
        """
        halves = (len(used), 2, self.body.count)
        seen = used.reshape(halves)
        missing = self._known().reshape(halves) & ~seen
        if not filters.some(missing):
            return
        points = self._motion.points
        # Joints that only begin in this frame have not come from anywhere.
        weights = np.where(seen & np.isfinite(before.position[:, 0]).reshape(halves), 1.0, 0.0)
        shares = self.body.coupling @ weights[..., None]
        moved = [np.where(weights[..., None] > 0.0, values.reshape(*halves, 3), 0.0)
                 for values in (points.position - before.position, points.velocity)]
        near = [((self.body.coupling @ values) / np.maximum(shares, 1e-12)).reshape(-1, 3)
                for values in moved]
        carried = (missing & (shares[..., 0] > 0.0)).ravel()
        self._motion.carry(carried, before.position + near[0], near[1])

    def _follow(
        self, present: list[PersonPose | None], reading: Reading, dt_s: float, view: View,
    ) -> None:
        """Keep boxes and body sizes; while there is no box, the old one moves with the joints."""
        count = self.body.count
        share = 1.0 - np.exp(-dt_s / _SIZE_SMOOTHING_S)
        for slot, person in enumerate(present):
            if person is None:
                self._unseen_s[slot] += dt_s
                self._carry_box(slot, dt_s)
            else:
                self._unseen_s[slot] = 0.0
                box = person.box if is_box(person.box) else box_around(
                    reading.values[slot, :count, :2])
                self._enter_3d(slot, person)
                self._last[slot] = person if box is person.box else replace(
                    person, box=self._last[slot].box if box is None else box)
                if box is not None:
                    x_min, y_min, x_max, y_max = box.tolist()
                    size_px = max(x_max - x_min, y_max - y_min, _LEAST_SIZE_PX)
                    known = self._size_px[slot]
                    self._size_px[slot] = known + share * (size_px - known) if known else size_px
            if not self._size_px[slot]:
                self._size_px[slot] = max(view.width, view.height, _LEAST_SIZE_PX) / 2.0

    def _carry_box(self, slot: int, dt_s: float) -> None:
        known = self._known()[slot, :self.body.count]
        if known.any():
            rows = slice(slot * 2 * self.body.count, (slot * 2 + 1) * self.body.count)
            velocity = self._motion.points.velocity[rows, :2][known].mean(axis=0)
            moved = self._last[slot].box + np.tile(velocity * dt_s, 2)
            self._last[slot] = replace(self._last[slot], box=moved.astype(np.float32))

    def _enter_3d(self, slot: int, person: PersonPose) -> None:
        """Forget 3D joints of another origin: they are in other coordinates."""
        if person.keypoints_3d is None:
            return
        kept = (self._last[slot].origin_3d, self._last[slot].frame_3d)
        if self._has_3d[slot] and kept != (person.origin_3d, person.frame_3d):
            deep = np.zeros(self._seen_s.shape, bool)
            deep[slot, self.body.count:] = True
            self._forget(deep)
            self._seen_s[deep] = self._measured_s[deep] = np.inf
        self._has_3d[slot] = True
