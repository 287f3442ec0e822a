"""The bench of recording: real recorders, killed, out of room, and under load."""

from __future__ import annotations

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')
pytest.importorskip('pyarrow', reason='needs pyarrow')

from neuropose_ros.cli.bench import recording
from neuropose_ros.cli.bench.small_shm import UnavailableError


def test_a_killed_recorder_loses_less_than_a_second() -> None:
    lost_s, = recording.losses_by_kill(1, seed=3)
    assert 0 < lost_s < 1


def test_a_recorder_out_of_room_loses_less_than_a_second() -> None:
    try:
        assert 0 <= recording.loss_by_full_disk(6) < 1
    except UnavailableError as error:
        pytest.skip(str(error))


def test_a_recorder_keeps_up_with_four_people_and_a_cap_of_electrodes() -> None:
    cost = recording.sustained(3.0)
    assert cost['lost'] == 0 and cost['frames'] > 100 and cost['core_share'] > 0
    assert cost['mb_per_min'] > 1 and cost['compact_mb_per_min'] > 1
