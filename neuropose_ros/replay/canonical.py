"""Results as bytes that are equal when the results are: what is hashed and compared.

Canonical are all fields of `PoseFrame`, `PersonPose`, `ActionFrame` and `Action` but `TIMING`.
Floats count as float32, as messages and tables carry them; all NaN are one, and so are 0 and -0.
An array without values is the same as none. Results are hashed in their order, stream by stream.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuropose_ros.core.action import Action, ActionFrame
from neuropose_ros.core.pose import PersonPose, PoseFrame

Answer = PoseFrame | ActionFrame

TIMING = frozenset({'receive_ms', 'preprocess_ms', 'inference_ms', 'postprocess_ms'})
"""How long something took: it differs from run to run."""

STREAMS = ('poses', 'poses_refined', 'actions')
_64_BITS = (1 << 64) - 1
_ITEMS = {PoseFrame: 'persons', ActionFrame: 'actions'}


@cache
def columns(kind: type) -> tuple[str, ...]:
    """Return the names of the canonical fields of a value type, without its people or actions."""
    left_out = TIMING | {_ITEMS.get(kind, '')}
    return tuple(item.name for item in fields(kind) if item.name not in left_out)


def items(answer: Answer) -> tuple[PersonPose, ...] | tuple[Action, ...]:
    """Return the people or actions of a result."""
    return answer.persons if isinstance(answer, PoseFrame) else answer.actions


def canonical_array(values: Any) -> NDArray[Any]:
    """Return an array, equal in every bit to that of an equal one; floats as float32."""
    array: NDArray[Any] = np.asarray([] if values is None else values)
    if array.dtype.kind != 'f':
        return array
    with np.errstate(over='ignore'):
        floats = np.asarray(array.astype(np.float32) + np.float32(0))  # -0 becomes 0
    floats[np.isnan(floats)] = np.nan
    return floats


def _values(value: Any) -> bytes:
    """Return the bytes of a value: words and whole numbers, sizes of arrays, then all floats."""
    kind: type = type(value)
    parts: list[bytes] = []
    floats: list[NDArray[Any]] = []
    for name in columns(kind):
        item = getattr(value, name)
        if isinstance(item, str):
            text = item.encode()
            parts.append(struct.pack('<cI', b's', len(text)) + text)
        elif isinstance(item, int | np.integer | np.bool_):
            parts.append(struct.pack('<cQ', b'i', int(item) & _64_BITS))
        elif item is None:
            parts.append(struct.pack('<cI', b'a', 0))
        else:
            array = np.asarray(item)
            parts.append(struct.pack('<cI', b'a', array.size))
            if array.dtype.kind == 'f':
                floats.append(array.ravel())
            else:
                parts.append(array.astype('<i8').tobytes())
    if floats:
        parts.append(canonical_array(np.concatenate(floats, dtype=np.float32)).tobytes())
    return b''.join(parts)


def canonical_bytes(answer: Answer) -> bytes:
    """Return a result without timing figures."""
    inside = items(answer)
    return _values(answer) + struct.pack('<I', len(inside)) + b''.join(map(_values, inside))


class StreamHash:
    """The sha256 of one stream of results, one after the other.

    Attributes:
        count: results so far.
    """

    def __init__(self) -> None:
        """Begin; which fields count is part of it."""
        names = (columns(kind) for kind in (PoseFrame, PersonPose, ActionFrame, Action))
        self._sha = hashlib.sha256(repr(tuple(names)).encode())
        self.count = 0

    def add(self, answer: Answer) -> None:
        """Take the next result."""
        data = canonical_bytes(answer)
        self._sha.update(struct.pack('<I', len(data)))
        self._sha.update(data)
        self.count += 1

    @property
    def hexdigest(self) -> str:
        """The hash of all results so far."""
        return self._sha.hexdigest()


class ResultHash:
    """The sha256 of all streams of a run; a stream without results is not there at all."""

    def __init__(self) -> None:
        """Begin without results."""
        self._streams: dict[str, StreamHash] = {}

    def add(self, stream: str, answer: Answer) -> None:
        """Take the next result of one of `STREAMS`."""
        self._streams.setdefault(stream, StreamHash()).add(answer)

    @property
    def streams(self) -> dict[str, str]:
        """The hash of each stream."""
        return {name: self._streams[name].hexdigest for name in STREAMS if name in self._streams}

    @property
    def counts(self) -> dict[str, int]:
        """The number of results of each stream."""
        return {name: self._streams[name].count for name in STREAMS if name in self._streams}

    @property
    def hexdigest(self) -> str:
        """One hash of all streams."""
        lines = (f'{name} {value}\n' for name, value in self.streams.items())
        return hashlib.sha256(''.join(lines).encode()).hexdigest()


def hash_of(streams: Mapping[str, Iterable[Answer]]) -> ResultHash:
    """Return the hash of streams that are there already, by name of `STREAMS`."""
    found = ResultHash()
    for name in STREAMS:
        for answer in streams.get(name, ()):
            found.add(name, answer)
    return found
