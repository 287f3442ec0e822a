"""What a learnt network has to say about joints: the interface that the refinement works with."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from neuropose_ros.refinement.body import Indices
from neuropose_ros.refinement.filters import Values


class NetworkInput(NamedTuple):
    """P people with K joints in the image, in one frame.

    Attributes:
        measured: (P, K, 2) px, without tremor, sides put right; NaN = none or refused.
        sd: (P, K) px of the measurements' whole error, as noise was learnt; inf = none.
    """

    measured: Values
    sd: Values


class NetworkOutput(NamedTuple):
    """What the network says.

    Attributes:
        position: (P, K, 2) px, also of joints without a measurement; NaN = nothing said.
        variance: (P, K) px^2 per axis, of the whole error.
    """

    position: Values
    variance: Values


class EvidenceNetwork(Protocol):
    """Turns what is measured of people into better evidence; holds their streaming state."""

    def bind(self, names: tuple[str, ...]) -> None:
        """Work on joints of these names from now on, and know nobody."""
        ...

    def arrange(self, people: Indices) -> None:
        """Put the people into another order; -1 = somebody new."""
        ...

    def step(self, dt_s: float, view: NetworkInput) -> NetworkOutput:
        """Go on by ``dt_s`` (0 at the first frame) and say where the joints are."""
        ...
