"""Where the network enters: what it says takes the place of what the detector said."""

from __future__ import annotations

import numpy as np

from neuropose_ros.refinement.body import Body, Indices
from neuropose_ros.refinement.evidence import EvidenceNetwork, NetworkInput
from neuropose_ros.refinement.filters import Points, Values
from neuropose_ros.refinement.motion import Evidence, Verdict
from neuropose_ros.refinement.parameters import RefinementParameters

# The network has filtered already: what is left changes little from frame to frame.
_WHITE_SHARE = 0.005
# So many joints must be seen of a person for the network to say something about the others.
_LEAST_JOINTS = 3


class Learnt:
    """The network with the bookkeeping around it; without one it lets everything pass."""

    def __init__(
        self, network: EvidenceNetwork | None, body: Body, parameters: RefinementParameters,
    ) -> None:
        """Take a network that nobody else works with; None = there is none."""
        wanted = parameters.use_network and parameters.mode == 'kalman' and any(body.names)
        self._network = network if wanted else None
        self._farthest_sd = parameters.completion_sd
        self._count = body.count
        if self._network is not None:
            self._network.bind(body.names)

    def arrange(self, people: Indices) -> None:
        """Put the people into another order; -1 = somebody new."""
        if self._network is not None:
            self._network.arrange(people)

    def improve(
        self, dt_s: float, evidence: Evidence, verdict: Verdict, predicted: Points,
        size_px: Values,
    ) -> tuple[Evidence, Verdict]:
        """Return evidence and verdict with what the network says in the place of measurements.

        Args:
            dt_s: since the last frame.
            evidence: of this frame, P * 2K rows.
            verdict: on it.
            predicted: the points in this frame.
            size_px: (P,) body sizes.
        """
        if self._network is None:
            return evidence, verdict
        shape = (len(size_px), 2, self._count)
        accepted = (verdict.fits | verdict.starting).reshape(shape)[:, 0]

        def flat(rows: Values) -> Values:
            part: Values = rows.reshape(*shape, *rows.shape[1:])[:, 0]
            return part

        total = flat(evidence.variance) + flat(evidence.slow)
        told = self._network.step(dt_s, NetworkInput(
            np.where(accepted[..., None], flat(evidence.measured)[..., :2], np.nan),
            np.where(accepted, np.sqrt(total), np.inf)))
        position, variance = (np.asarray(values, np.float64) for values in told)
        # A measurement is never worse than it is without the network.
        variance = np.where(accepted, np.minimum(variance, total), variance)
        sure = variance <= (self._farthest_sd * size_px[:, None]) ** 2
        said = (np.isfinite(position).all(axis=2) & (variance > 0.0) & (accepted | sure)
                & (accepted.sum(axis=1) >= _LEAST_JOINTS)[:, None])
        if not said.any():
            return evidence, verdict
        rows = np.zeros(shape, bool)
        rows[:, 0] = said
        chosen = rows.ravel()
        measured, white, slow = (
            evidence.measured.copy(), evidence.variance.copy(), evidence.slow.copy())
        np.copyto(flat(measured)[..., :2], position, where=said[..., None])
        np.copyto(flat(measured)[..., 2], 0.0, where=said)
        np.copyto(flat(white), _WHITE_SHARE * variance, where=said)
        np.copyto(flat(slow), (1.0 - _WHITE_SHARE) * variance, where=said)
        known = np.isfinite(predicted.position_variance)
        better = Evidence(measured, white, slow, evidence.usable | chosen, evidence.sizes)
        return better, Verdict(
            (verdict.fits & ~chosen) | (chosen & known),
            (verdict.starting & ~chosen) | (chosen & ~known),
            measured - predicted.position, np.where(chosen, 0.0, verdict.distance), chosen)
