"""What belongs to the same instant in another stream."""

from __future__ import annotations

import threading
import time

import pytest

from neuropose_ros.pose.pairing import StampBuffer

MS = 1_000_000


def filled(*stamps_ms: int, length: int = 8) -> StampBuffer[int]:
    buffer: StampBuffer[int] = StampBuffer(length)
    for stamp in stamps_ms:
        buffer.put(stamp * MS, stamp)
    return buffer


@pytest.mark.parametrize(('stamp', 'found'), [
    (100, 100), (110, 100), (117, 133), (133, 133), (150, 133), (155, None), (75, None)])
def test_the_nearest_within_the_tolerance_is_taken(stamp: int, found: int | None) -> None:
    assert filled(100, 133).nearest(stamp * MS, 20 * MS) == found


def test_an_empty_stream_has_nothing() -> None:
    assert filled().nearest(0, MS) is None


def test_it_waits_for_what_is_on_its_way() -> None:
    buffer = filled(100)
    threading.Timer(0.05, buffer.put, (133 * MS, 133)).start()
    assert buffer.nearest(133 * MS, 40 * MS, patience_s=5.0) == 133


def test_it_does_not_wait_once_the_stream_has_passed() -> None:
    begin = time.monotonic()
    assert filled(100, 200).nearest(150 * MS, 20 * MS, patience_s=5.0) is None
    assert time.monotonic() - begin < 1.0


def test_patience_ends_with_the_best_there_is() -> None:
    assert filled(100).nearest(110 * MS, 20 * MS, patience_s=0.02) == 100


def test_it_holds_only_so_many() -> None:
    buffer = filled(*range(0, 1000, 10), length=4)
    assert buffer.nearest(950 * MS, 0) is None
    assert buffer.nearest(960 * MS, 0) == 960


def test_time_that_begins_anew_forgets_the_old() -> None:
    buffer = filled(100_000, 100_033, 5)
    assert buffer.nearest(100_033 * MS, MS) is None
    assert buffer.nearest(5 * MS, MS) == 5


def test_a_little_disorder_is_not_a_new_beginning() -> None:
    buffer = filled(133, 100)
    assert buffer.nearest(133 * MS, MS) == 133
    assert buffer.nearest(100 * MS, MS) == 100


def test_closing_wakes_who_waits() -> None:
    buffer = filled()
    threading.Timer(0.05, buffer.close).start()
    begin = time.monotonic()
    assert buffer.nearest(1, 1, patience_s=10.0) is None
    assert time.monotonic() - begin < 5.0
