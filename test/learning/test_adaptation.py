"""Recordings of other skeletons and dimensions become poses that a network can learn from."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip('torch', reason='needs torch')

from neuropose_ros.core.errors import DataError
from neuropose_ros.core.layouts import CMU28, COCO17, JHMDB15, KINECT20
from neuropose_ros.learning.adaptation import adapt, joints_in, windows
from neuropose_ros.learning.clips import Clip, ClipSet


def recording(frames: int = 50, rate_hz: float = 10.0) -> ClipSet:
    points = np.random.default_rng(0).normal(0, 1, (frames, 28, 3)).astype(np.float32)
    return ClipSet('cmu', CMU28, (Clip('a', points, np.arange(frames) / rate_hz, -1, 'g'),))


def test_joints_are_found_by_name_and_by_place() -> None:
    found = dict(zip(JHMDB15.names, joints_in(JHMDB15, CMU28), strict=True))
    assert found['left_wrist'] == CMU28.index('left_wrist')
    assert found['belly'] == CMU28.index('spine')
    assert found['face'] == CMU28.index('head_center')
    assert min(joints_in(KINECT20, CMU28)) >= 0 or joints_in(KINECT20, CMU28).count(-1) <= 2


def test_projection_keeps_heights_and_widths() -> None:
    source = recording()
    flat = adapt(source, JHMDB15, 2, views=3)
    assert len(flat) == 3 and flat.dimensions == 2 and flat.labels is None
    wrist = source.clips[0].keypoints[:, CMU28.index('left_wrist')]
    for clip in flat.clips:
        seen = clip.keypoints[:, JHMDB15.index('left_wrist')]
        assert np.allclose(seen[:, 1], -wrist[:, 1], atol=1e-5)
        assert (np.abs(seen[:, 0]) <= np.hypot(wrist[:, 0], wrist[:, 2]) + 1e-5).all()
        assert clip.group == 'g'
    assert not np.allclose(flat.clips[0].keypoints, flat.clips[1].keypoints)
    again = adapt(source, JHMDB15, 2, views=3)
    assert np.array_equal(again.clips[2].keypoints, flat.clips[2].keypoints)


def test_three_dimensions_stay_as_they_are() -> None:
    source = recording()
    out = adapt(source, KINECT20, 3)
    assert len(out) == 1
    assert np.array_equal(out.clips[0].keypoints[:, KINECT20.index('left_knee')],
                          source.clips[0].keypoints[:, CMU28.index('left_knee')])


def test_what_cannot_be_done_is_said() -> None:
    points = np.zeros((4, 17, 2), np.float32)
    flat = ClipSet('flat', COCO17, (Clip('a', points, np.arange(4.0)),))
    with pytest.raises(DataError, match='3D poses cannot be made'):
        adapt(flat, KINECT20, 3)
    from neuropose_ros.core.layouts import COCO_WHOLEBODY133
    with pytest.raises(DataError, match=r'17 of the 133 joints .* too few'):
        adapt(flat, COCO_WHOLEBODY133, 2)


def test_windows_cut_time_and_lose_little() -> None:
    parts = windows(recording(50, 10.0), 2.0).clips  # 4.9 s
    assert [len(part.times_s) for part in parts] == [20, 30]
    assert all(part.times_s[0] == 0 for part in parts)
    assert np.array_equal(
        np.concatenate([part.keypoints for part in parts]), recording().clips[0].keypoints)
    assert len(windows(recording(50, 10.0), 60.0).clips) == 1
