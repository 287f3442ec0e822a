"""With a stand-in for a network whose device has little memory; no network runs here."""

import pytest

from neuropose_ros.core.errors import OutOfMemoryError
from neuropose_ros.inference.batching import Batcher


class SmallDevice:
    """Stands in for a runtime: knows its name and batch, and runs out of memory on purpose."""

    name = 'stand-in'

    def __init__(self, largest_batch: int, room: int) -> None:
        self.largest_batch = largest_batch
        self.room = room
        self.batches: list[int] = []

    def part(self, part: slice) -> list[int]:
        size = part.stop - part.start
        self.batches.append(size)
        if size > self.room:
            raise OutOfMemoryError(f'no room for {size}')
        return list(range(part.start, part.stop))


def run(batcher: Batcher, device: SmallDevice, count: int) -> list[int]:
    return [value for part in batcher.run(count, device.part) for value in part]


@pytest.mark.parametrize(('largest', 'expected'), [
    (0, [7]), (3, [3, 3, 1]), (8, [7]), (1, 7 * [1]),
])
def test_few_batches_in_order(largest: int, expected: list[int]) -> None:
    device = SmallDevice(largest, 100)
    said: list[str] = []
    assert run(Batcher(device, said.append), device, 7) == list(range(7))
    assert device.batches == expected
    assert said == []


def test_nothing_to_do_runs_nothing() -> None:
    device = SmallDevice(0, 100)
    assert Batcher(device).run(0, device.part) == []
    assert device.batches == []


def test_out_of_memory_halves_once_says_so_once_and_keeps_it() -> None:
    device = SmallDevice(0, 5)
    said: list[str] = []
    batcher = Batcher(device, said.append)
    assert run(batcher, device, 9) == list(range(9))
    assert device.batches == [9, 4, 4, 1]
    assert run(batcher, device, 6) == list(range(6))
    assert device.batches[4:] == [4, 2]
    assert batcher.limit == 4
    assert said == ['stand-in: out of memory at a batch of 9, going on with batches of 4 '
                    '(no room for 9)']


def test_no_part_is_done_twice_when_memory_runs_out_midway() -> None:
    device = SmallDevice(4, 4)
    batcher = Batcher(device, lambda sentence: None)
    done: list[int] = []

    def part(chosen: slice) -> None:
        device.room = 4 if not done else 2
        done.extend(device.part(chosen))

    batcher.run(8, part)
    assert done == list(range(8))
    assert device.batches == [4, 4, 2, 2]


def test_a_second_time_is_an_error() -> None:
    device = SmallDevice(0, 1)
    said: list[str] = []
    with pytest.raises(OutOfMemoryError, match='no room for 4'):
        Batcher(device, said.append).run(8, device.part)
    assert device.batches == [8, 4]
    assert len(said) == 1


def test_one_alone_cannot_be_halved(capsys: pytest.CaptureFixture[str]) -> None:
    device = SmallDevice(0, 0)
    with pytest.raises(OutOfMemoryError, match='no room for 1'):
        Batcher(device).run(1, device.part)
    assert capsys.readouterr().err == ''
