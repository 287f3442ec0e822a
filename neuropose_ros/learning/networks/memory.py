"""How a causal network is run tick by tick: what it keeps lies in a dictionary of tensors."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


class Memory:
    """The state before a tick, and the one after it as it is written.

    Attributes:
        next: name -> tensor, complete once every part of the network has run.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        """Read from `state`; nothing in it is changed."""
        self._state = state
        self.next: dict[str, Tensor] = {}

    def read(self, name: str) -> Tensor:
        """Return what was kept under a name."""
        return self._state[name]

    def write(self, name: str, value: Tensor) -> None:
        """Keep a tensor for the next tick."""
        self.next[name] = value
