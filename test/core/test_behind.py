"""Work beside the networks is done in order, and what goes wrong comes out."""

from __future__ import annotations

import time

import pytest

from neuropose_ros.core.behind import beside, in_line


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
