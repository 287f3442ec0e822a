"""Motion capture as clips without detections."""

import numpy as np
import pytest

from neuropose_ros.core.layouts import JHMDB15
from neuropose_ros.learning.refiner import mocap
from neuropose_ros.learning.refiner.mocap import has_mocap, mocap_pairs


def write_recordings(folder, **recordings):
    rows = {}
    for name, frames in recordings.items():
        rows[name.replace('__', '/')] = np.zeros((frames, 117), np.float32)
        rows[name.replace('__', '/')][:, 3] = np.linspace(0, 1, frames)  # turns a little
    np.savez(folder / 'cmu_mocap8_expmap.npz', **rows)


def test_pieces_of_recordings_for_training_alone(tmp_path):
    write_recordings(tmp_path, train__walk__walk_1=4 * 120, test__run__run_1=4 * 120)
    pairs = mocap_pairs(tmp_path)
    assert {pair.name.split('/')[1] for pair in pairs} == {'walk'}
    assert len(pairs) == 2 * 3  # 119 frames at 30 Hz after the first: two pieces, three views
    for pair in pairs:
        assert pair.truth.shape == (48, len(JHMDB15), 2)
        assert np.isfinite(pair.truth).all()
        assert np.isnan(pair.found).all()
        assert 50 < pair.box_px < 350


def test_people_stand_on_their_feet(tmp_path):
    write_recordings(tmp_path, train__walk__walk_1=4 * 120)
    for pair in mocap_pairs(tmp_path):
        below = pair.truth[:, JHMDB15.index('left_ankle'), 1] - pair.truth[
            :, JHMDB15.index('face'), 1]
        assert np.abs(below).mean() > 20


def test_impossible_speed_is_left_out(tmp_path):
    rows = np.zeros((4 * 120, 117), np.float32)
    rows[240:, 0] = 40.0  # units: more than two metres at once
    np.savez(tmp_path / 'cmu_mocap8_expmap.npz', **{'train/walk/walk_1': rows})
    assert len(mocap_pairs(tmp_path)) == 3


@pytest.mark.parametrize('there', [False, True])
def test_whether_there_is_any(tmp_path, there):
    if there:
        write_recordings(tmp_path, train__walk__walk_1=120)
    assert has_mocap(tmp_path) == there


def test_a_camera_does_not_mirror(monkeypatch):
    """Somebody who faces the camera has the left side on the right of the image."""
    body = np.zeros((1, 28, 3), np.float32)
    body[0, 2], body[0, 7] = (1, 0, 0), (-1, 0, 0)  # left and right, y up, facing z
    monkeypatch.setattr(mocap, '_PITCH', 0.0)

    class Straight:
        def uniform(self, low, high):
            return 0.0 if low == 0 else high

        def normal(self, mean, spread):
            return mean

    image = mocap._projected(body, Straight())
    assert image[0, 2, 0] > image[0, 7, 0]
