"""Limits of hinge joints in 3D: elbows and knees bend so far and no further.

Flexion is the angle by which the distal bone leaves the line of the proximal one (ISB: Wu et al.
2002 for the lower and 2005 for the upper limb). The ranges are the means that Soucie et al. (2011,
Haemophilia 17:500) measured in healthy adults, of the more mobile group, and ten degrees more for
soft tissue and the detector's idea of a joint.
"""

from __future__ import annotations

import numpy as np

from neuropose_ros.refinement.body import Body
from neuropose_ros.refinement.filters import Values, some

MOST_FLEXION_RAD = {'elbow': np.radians(150.0 + 10.0), 'knee': np.radians(142.0 + 10.0)}
_CHAINS = {'elbow': ('shoulder', 'elbow', 'wrist'), 'knee': ('hip', 'knee', 'ankle')}
_WEIGHT = 0.7
"""Share of what is beyond a limit that is taken back: the measurement keeps some say."""


class HingeLimits:
    """The hinges that a layout has, in both sides."""

    def __init__(self, body: Body) -> None:
        """Find the hinges by the names of joints."""
        chains, most = [], []
        for hinge, parts in _CHAINS.items():
            for side in ('left', 'right'):
                names = [f'{side}_{part}' for part in parts]
                if all(name in body.names for name in names):
                    chains.append([body.count + body.names.index(name) for name in names])
                    most.append(MOST_FLEXION_RAD[hinge])
        self._chains = np.array(chains, np.intp).reshape(-1, 3)
        self._least = np.pi - np.array(most)  # angle between the two bones
        self._closest = np.cos(self._least)

    def project(self, points: Values) -> Values | None:
        """Return the points (P, 2K, 3) with the far joint turned back; None = all are possible."""
        if not len(self._chains):
            return None
        chain = points.take(self._chains, axis=1)
        near, far = chain[:, :, 0] - chain[:, :, 1], chain[:, :, 2] - chain[:, :, 1]
        dot = np.einsum('phd,phd->ph', near, far)
        near2, far2 = np.einsum('phd,phd->ph', near, near), np.einsum('phd,phd->ph', far, far)
        lengths = np.sqrt(near2 * far2)
        bent = dot > self._closest * lengths  # not so for NaN
        if not some(bent):
            return None
        with np.errstate(invalid='ignore', divide='ignore'):
            angle = np.arccos(np.clip(dot / lengths, -1.0, 1.0))
            along = near / np.sqrt(near2)[..., None]
            across = far - np.einsum('phd,phd->ph', far, along)[..., None] * along
            across /= np.linalg.norm(across, axis=2)[..., None]
        beyond, far_m = self._least - angle, np.sqrt(far2)
        turned = angle + _WEIGHT * beyond
        place = far_m[..., None] * (
            np.cos(turned)[..., None] * along + np.sin(turned)[..., None] * across)
        bent &= np.isfinite(place).all(axis=2)  # a bone that lies in the other has no plane
        better: Values = points.copy()
        person, hinge = np.nonzero(bent)
        better[person, self._chains[hinge, 2]] = (chain[:, :, 1] + place)[person, hinge]
        return better
