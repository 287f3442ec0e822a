"""Reading ahead changes neither the order nor where errors come out."""

from __future__ import annotations

import threading

import pytest

from neuropose_ros.replay.ahead import read_ahead


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
