"""Skeleton layouts: which joints there are, in which order, and how they connect."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from neuropose_ros.core.errors import LayoutError


@dataclass(frozen=True)
class SkeletonLayout:
    """Joint names in order, bones, and left/right pairs (left and right are the subject's).

    Attributes:
        name: short id without hash, as ``coco17``.
        names: K joint names.
        edges: bones as pairs of joint indices.
        mirror_pairs: (left, right) joint indices.
    """

    name: str
    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    mirror_pairs: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        """Refuse indices that do not name a joint.

        Raises:
            LayoutError: an index is out of range or a name occurs twice.
        """
        count = len(self.names)
        if len(set(self.names)) != count:
            raise LayoutError(f'layout {self.name}: a joint name occurs twice')
        for pair in (*self.edges, *self.mirror_pairs):
            if len(pair) != 2 or not all(0 <= index < count for index in pair):
                raise LayoutError(
                    f'layout {self.name}: {pair} does not name two of {count} joints')

    def __len__(self) -> int:
        """Return K, the number of joints."""
        return len(self.names)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> SkeletonLayout:
        """Return the layout that a table (``dataclasses.asdict``, perhaps by JSON) describes.

        Raises:
            KeyError, TypeError, ValueError: it describes none.
            LayoutError: it contradicts itself.
        """
        return cls(
            table['name'], tuple(table['names']), tuple((a, b) for a, b in table['edges']),
            tuple((a, b) for a, b in table['mirror_pairs']))

    @cached_property
    def id(self) -> str:
        """``name@hash``: changes whenever names, edges or pairs do (first 4 hex of SHA-256)."""
        text = '|'.join((
            ','.join(self.names),
            ','.join(f'{a}-{b}' for a, b in self.edges),
            ','.join(f'{a}-{b}' for a, b in self.mirror_pairs),
        ))
        return f'{self.name}@{hashlib.sha256(text.encode()).hexdigest()[:4]}'

    def index(self, joint: str) -> int:
        """Return the index of a joint name.

        Raises:
            LayoutError: there is no such joint.
        """
        try:
            return self.names.index(joint)
        except ValueError:
            raise LayoutError(
                f'layout {self.name} has no joint {joint}; it has {", ".join(self.names)}'
            ) from None
