"""Images and what FrameInfo says of them."""

from neuropose_ros.core.wire import FrameInfo
from neuropose_ros.pose.arrivals import Arrival, Arrivals


def info(stamp_ns: int, seq: int, epoch: int = 0) -> FrameInfo:
    return FrameInfo(stamp_ns, seq, 'camera', epoch)


def summary(arrivals: list[Arrival[str]]) -> list[tuple[str, int, int, bool]]:
    return [(a.payload, a.info.frame_seq, a.info.epoch, a.seq_is_local) for a in arrivals]


def test_pairs_in_either_order() -> None:
    arrivals: Arrivals[str] = Arrivals()
    assert arrivals.info(info(10, 7)) == []
    assert summary(arrivals.image('a', 10, 'camera', informed=True)) == [('a', 7, 0, False)]
    assert arrivals.image('b', 20, 'camera', informed=True) == []
    assert summary(arrivals.info(info(20, 8))) == [('b', 8, 0, False)]
    assert arrivals.unpaired == 0


def test_foreign_camera_is_numbered_on_arrival_and_time_back_is_a_new_epoch() -> None:
    arrivals: Arrivals[str] = Arrivals()
    got = [summary(arrivals.image(str(stamp), stamp, 'cam', informed=False))[0]
           for stamp in (10, 20, 5, 6)]
    assert got == [('10', 0, 0, True), ('20', 1, 0, True), ('5', 2, 1, True), ('6', 3, 1, True)]


def test_zero_and_repeated_stamps_are_refused_and_counted() -> None:
    arrivals: Arrivals[str] = Arrivals()
    assert arrivals.image('z', 0, 'cam', informed=False) == []
    assert len(arrivals.image('a', 10, 'cam', informed=False)) == 1
    assert arrivals.image('b', 10, 'cam', informed=False) == []
    assert (arrivals.zero_stamps, arrivals.repeats) == (1, 1)


def test_lost_info_delays_an_image_by_two_at_most_and_loses_none() -> None:
    arrivals: Arrivals[str] = Arrivals()
    arrivals.info(info(10, 5))
    assert summary(arrivals.image('a', 10, 'c', informed=True)) == [('a', 5, 0, False)]
    assert arrivals.image('b', 20, 'c', informed=True) == []
    arrivals.info(info(30, 7))
    assert summary(arrivals.image('c', 30, 'c', informed=True)) == [
        ('b', 6, 0, True), ('c', 7, 0, False)]
    assert arrivals.image('d', 40, 'c', informed=True) == []
    assert arrivals.image('e', 50, 'c', informed=True) == []
    assert summary(arrivals.image('f', 60, 'c', informed=True)) == [('d', 8, 0, True)]
    assert arrivals.unpaired == 2


def test_infos_without_images_do_not_pile_up() -> None:
    arrivals: Arrivals[str] = Arrivals()
    for stamp in range(1, 1000):
        arrivals.info(info(stamp, stamp))
    assert len(arrivals._infos) <= 64


def test_an_image_does_not_wait_for_its_info_for_ever() -> None:
    now = [0.0]
    arrivals: Arrivals[str] = Arrivals(clock=lambda: now[0])
    assert arrivals.image('a', 10, 'c', informed=True) == []
    now[0] = 0.05
    assert arrivals.overdue() == []
    now[0] = 0.15
    assert summary(arrivals.overdue()) == [('a', 0, 0, True)]
    assert arrivals.overdue() == []
