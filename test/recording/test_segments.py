"""A segment holds whole batches, whatever happens to its end."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.recording.rows import Item, batch_of
from neuropose_ros.recording.schema import schema_of
from neuropose_ros.recording.segments import SegmentWriter, Torn, read_batches
from neuropose_ros.recording.values import values_of

from .people import person, pose_frame


def batch(index: int) -> Any:
    frames = (pose_frame(10 * index + i, person(1, seed=i), person(2)) for i in range(10))
    return batch_of('people', [Item(frame, 0, 'poses') for frame in frames])


def write(path: Path, count: int) -> SegmentWriter:
    segment = SegmentWriter(path, schema_of('people'))
    for index in range(count):
        segment.append(segment.encode(batch(index)))
    return segment


def numbers(path: Path, torn: list[Torn]) -> list[int]:
    return [found.value.frame_seq for found in values_of('people', read_batches(path, torn))]


@pytest.mark.parametrize('failing', ['write', 'fsync'])
def test_a_batch_that_does_not_fit_leaves_the_file_as_it_was(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    segment = write(tmp_path / 'a.arrows', 2)
    data, size = segment.encode(batch(2)), segment.size_bytes
    assert (tmp_path / 'a.arrows').stat().st_size == size

    def no_room(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, 'no room')

    def some_room(descriptor: int, content: Any) -> int:
        monkeypatch.setattr(os, 'write', no_room)
        return whole_write(descriptor, content[:100])

    whole_write = os.write
    monkeypatch.setattr(os, failing, some_room if failing == 'write' else no_room)
    with pytest.raises(OSError, match='no room'):
        segment.append(data)
    assert (tmp_path / 'a.arrows').stat().st_size == segment.size_bytes == size
    monkeypatch.undo()
    segment.append(data)  # there is room again
    segment.close()
    torn: list[Torn] = []
    assert numbers(tmp_path / 'a.arrows', torn) == list(range(30)) and torn == []


def test_garbage_in_the_last_batch_spares_those_before_it(tmp_path: Path) -> None:
    path = tmp_path / 'a.arrows'
    segment = write(path, 2)
    before = segment.size_bytes
    segment.append(segment.encode(batch(2)))
    segment.close()
    whole, chance = path.read_bytes(), random.Random(0)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[chance.randrange(before, len(whole))] = chance.randrange(256)
        path.write_bytes(damaged)
        torn: list[Torn] = []
        batches = list(read_batches(path, torn))
        assert len(batches) in {2, 3}
        list(values_of('people', batches))  # Arrow itself would crash on what is not valid
        assert len(batches) == 3 or torn[0].lost_bytes == len(whole) - before


def test_zeros_as_a_power_cut_leaves_them_are_told(tmp_path: Path) -> None:
    path = tmp_path / 'a.arrows'
    write(path, 1)
    path.write_bytes(path.read_bytes() + bytes(4096))
    torn: list[Torn] = []
    assert numbers(path, torn) == list(range(10)) and torn == [Torn(path, 4096)]


def test_a_segment_is_never_written_over(tmp_path: Path) -> None:
    write(tmp_path / 'a.arrows', 1).close()
    with pytest.raises(FileExistsError):
        SegmentWriter(tmp_path / 'a.arrows', schema_of('people'))
