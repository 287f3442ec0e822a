"""Work beside the networks is done in order, and what goes wrong comes out."""

from __future__ import annotations

import sys
import threading
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


def test_an_error_after_the_last_settling_comes_out_at_the_end() -> None:
    with pytest.raises(ZeroDivisionError), beside() as later:
        later.put(lambda: 1 / 0)


def test_what_the_block_itself_raises_is_not_hidden_by_an_error_beside_it() -> None:
    with pytest.raises(OSError, match='no room'), beside() as later:
        later.put(lambda: 1 / 0)
        raise OSError('no room')


def test_who_waits_for_something_else_is_told_of_an_error_at_once() -> None:
    told = threading.Event()
    with pytest.raises(ZeroDivisionError), beside(told.set) as later:
        later.put(lambda: None)
        later.settle()
        assert not told.is_set()
        later.put(lambda: 1 / 0)
        assert told.wait(5)


def test_threads_switch_often_until_the_last_one_ends_in_whatever_order() -> None:
    before_s = sys.getswitchinterval()
    first, second = beside(), beside()
    first.__enter__()
    often_s = sys.getswitchinterval()
    assert often_s < before_s
    second.__enter__()
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() == often_s
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == before_s
