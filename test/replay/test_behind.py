"""Work beside the networks is done in order, and what goes wrong comes out."""

from __future__ import annotations

import threading
import time

import pytest

from neuropose_ros.replay.ahead import read_ahead
from neuropose_ros.replay.behind import beside, in_line


@pytest.mark.parametrize('way', [beside, in_line])
def test_work_is_done_in_order_and_settled(way) -> None:
    done: list[int] = []
    with way() as later:
        for number in range(20):
            later.put(lambda number=number: (time.sleep(0.001), done.append(number)))
        later.settle()
        assert done == list(range(20))


@pytest.mark.parametrize('way', [beside, in_line])
def test_an_error_comes_out_and_nothing_more_is_done(way) -> None:
    done: list[int] = []

    def fail() -> None:
        raise OSError('no room')

    with pytest.raises(OSError, match='no room'), way() as later:
        later.put(fail)
        later.settle()
        later.put(lambda: done.append(1))
    assert done == []


def test_reading_ahead_gives_all_in_order_and_the_error_where_it_was() -> None:
    def items():
        yield from range(10)
        raise OSError('torn')

    found: list[int] = []
    with pytest.raises(OSError, match='torn'):
        for item in read_ahead(items()):
            found.append(item)
    assert found == list(range(10))


def test_reading_ends_when_nobody_wants_more() -> None:
    items = read_ahead(iter(range(10**9)))
    assert next(items) == 0
    items.close()
    assert 'read ahead' not in {thread.name for thread in threading.enumerate()}
